//! What happens to a saved state before it is loaded: old states are brought to today's form, and every value into its
//! range. Host and GUI threads only.

use nice_plug::plugin::{ParamValue, PluginState};
use serde_json::value::RawValue;

use super::registry::{GATE_MAX_DB, GATE_OFF_DB, Kind, MAX_GAIN, entry_of_id};
use super::window_size::SavedSize;

/// Brings a saved state to the form of this version.
pub fn migrate(state: &mut PluginState) {
    // A change of the form that the values themselves do not show goes here, by `state.version`: so far there was none.
    for (id, value) in &mut state.params {
        if let Some(entry) = entry_of_id(id) {
            bound(value, &entry.kind);
        }
    }
    if state.fields.get("editor").is_some_and(|text| serde_json::from_str::<SavedSize>(text).is_err()) {
        state.fields.remove("editor");
    }
    if let Some(text) = state.fields.get_mut("model")
        && serde_json::from_str::<&RawValue>(text).is_err()
    {
        // A damaged text is kept too: as a JSON string, because a field must be JSON.
        *text = serde_json::Value::from(text.as_str()).to_string();
    }
}

/// Brings a value into the range of its parameter. Numbers that stand for a choice become its id: before the target had
/// ids, “Rest” was saved as 17.
fn bound(value: &mut ParamValue, kind: &Kind) {
    match (&mut *value, kind) {
        (ParamValue::I32(number), &Kind::Number { min, max, .. }) => *number = (*number).clamp(min, max),
        (ParamValue::F32(gain), Kind::Gain) => *gain = clamp(*gain, 0.0, MAX_GAIN, 1.0),
        (ParamValue::F32(db), Kind::Gate) => *db = clamp(*db, GATE_OFF_DB, GATE_MAX_DB, GATE_OFF_DB),
        (ParamValue::F32(share), Kind::Share) => *share = clamp(*share, 0.0, 1.0, 1.0),
        (ParamValue::I32(index), &Kind::Choice { ids, default, .. }) => {
            let id = usize::try_from(*index).ok().and_then(|index| ids.get(index)).unwrap_or(&ids[default]);
            *value = ParamValue::String((*id).into());
        }
        (ParamValue::String(id), &Kind::Choice { ids, default, .. }) if !ids.contains(&id.as_str()) => {
            *id = ids[default].into();
        }
        _ => {}
    }
}

fn clamp(value: f32, min: f32, max: f32, if_nan: f32) -> f32 {
    if value.is_nan() { if_nan } else { value.clamp(min, max) }
}
