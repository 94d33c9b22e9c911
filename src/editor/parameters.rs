//! Parameters as values that the editor shows, and the gestures that hosts record.

use std::sync::Arc;

use nice_plug::context::gui::ParamSetter;
use nice_plug::prelude::Param;

use crate::editor::screen::Value;
use crate::params::UnweaveParams;
use crate::params::control::Control;
use crate::params::visit::{Visit, visit};

/// A parameter with fewer steps than this is shown as a list.
const MOST_OPTIONS: usize = 20;

/// The texts of all values of a parameter; empty if there are many.
pub fn options(params: &UnweaveParams, control: Control) -> Arc<[String]> {
    struct Options;
    impl Visit for Options {
        type Output = Arc<[String]>;
        fn visit<P: Param>(self, param: &P) -> Self::Output {
            let steps = param.step_count().filter(|&steps| steps < MOST_OPTIONS).unwrap_or(0);
            let text = |step: usize| param.normalized_value_to_string(step as f32 / steps as f32, true);
            if steps == 0 { Arc::default() } else { (0..=steps).map(text).collect() }
        }
    }
    visit(params, control, Options)
}

/// The present value of a parameter.
pub fn read(params: &UnweaveParams, control: Control, options: &Arc<[String]>) -> Value {
    struct Read(Arc<[String]>);
    impl Visit for Read {
        type Output = Value;
        fn visit<P: Param>(self, param: &P) -> Value {
            let normalized = param.unmodulated_normalized_value();
            Value {
                name: param.name().into(),
                normalized,
                default: param.default_normalized_value(),
                text: param.normalized_value_to_string(normalized, true),
                options: self.0,
            }
        }
    }
    visit(params, control, Read(options.clone()))
}

/// The normalised value of a text; `None` if it is not a valid value.
pub fn parse(params: &UnweaveParams, control: Control, text: &str) -> Option<f32> {
    struct Parse(String);
    impl Visit for Parse {
        type Output = Option<f32>;
        fn visit<P: Param>(self, param: &P) -> Option<f32> {
            let text = self.0.trim();
            let bare = text.strip_suffix(param.unit().trim()).unwrap_or(text).trim();
            param.string_to_normalized_value(bare).filter(|value| value.is_finite())
        }
    }
    // Signs and commas as people write them.
    visit(params, control, Parse(text.replace('−', "-").replace(',', ".")))
}

/// A step of a gesture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// It begins.
    Grab,
    /// The new value, 0 to 1.
    Set(f32),
    /// It ends.
    Release,
}

/// Reports a step of a gesture to the host.
pub fn tell(setter: &ParamSetter<'_>, params: &UnweaveParams, control: Control, step: Step) {
    struct Tell<'a, 'b>(&'a ParamSetter<'b>, Step);
    impl Visit for Tell<'_, '_> {
        type Output = ();
        fn visit<P: Param>(self, param: &P) {
            match self.1 {
                Step::Grab => self.0.begin_set_parameter(param),
                // Where a parameter has steps, the nearest of them: what the host knows is then what there is.
                Step::Set(value) => self.0.set_parameter(param, param.preview_plain(value)),
                Step::Release => self.0.end_set_parameter(param),
            }
        }
    }
    visit(params, control, Tell(setter, step));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::connect;

    fn params() -> UnweaveParams {
        let (_audio, _learn, editor) = connect();
        UnweaveParams::new(editor.models.clone(), editor.status.clone())
    }

    #[test]
    fn typed_values_are_understood_and_invalid_text_is_not() {
        let params = params();
        let text = |control: Control, typed: &str| {
            let normalized = parse(&params, control, typed)?;
            struct Text(f32);
            impl Visit for Text {
                type Output = String;
                fn visit<P: Param>(self, param: &P) -> String {
                    param.normalized_value_to_string(self.0, true)
                }
            }
            Some(visit(&params, control, Text(normalized)))
        };
        for (control, typed, expected) in [
            (Control::Gain(0), "−4,5", Some("-4.5 dB")),
            (Control::Gain(3), " 6 dB", Some("6.0 dB")),
            (Control::Gate(1), "-40 dB", Some("-40.0 dB")),
            (Control::Gate(1), "off", Some("Off dB")),
            (Control::Mix, "50 %", Some("50 %")),
            (Control::Components, "7", Some("7")),
            (Control::LastSeconds, "12 s", Some("12 s")),
            (Control::Gain(0), "loud", None),
            (Control::Components, "", None),
        ] {
            assert_eq!(text(control, typed).as_deref(), expected, "{typed}");
        }
    }

    #[test]
    fn every_parameter_with_few_values_lists_them() {
        let params = params();
        assert_eq!(options(&params, Control::Mode).as_ref(), ["Fine", "Normal", "Tight", "Live"]);
        assert_eq!(options(&params, Control::Target).len(), 18);
        assert!(options(&params, Control::Gain(0)).is_empty());
        let value = read(&params, Control::Mode, &options(&params, Control::Mode));
        assert_eq!((value.option(), value.of_option(3), value.text.as_str()), (1, 1.0, "Normal"));
    }
}
