use std::collections::BTreeMap;
use std::sync::Mutex;

use nice_plug::params::persist::PersistentField;
use nice_plug::prelude::*;

#[derive(Params, Default)]
struct WrapperParams {
    #[nested(id_prefix = "foo")]
    pub inner: InnerParams,
}

#[derive(Params, Default)]
struct ArrayWrapperParams {
    #[nested(array)]
    pub inners: [InnerParams; 3],
}

#[derive(Default)]
struct InnerParams {
    /// The value `deserialize()` has been called with so we can check that the prefix has been
    /// stripped correctly.
    pub deserialize_called_with: Mutex<Option<BTreeMap<String, String>>>,
}

unsafe impl Params for InnerParams {
    fn param_map(&self) -> Vec<(String, ParamPtr, String)> {
        Vec::new()
    }

    fn serialize_fields(&self) -> BTreeMap<String, String> {
        // When nested in another struct, the ID prefix will be added to `bar`
        let mut data = BTreeMap::new();
        data.insert(String::from("bar"), String::from("baz"));

        data
    }

    fn deserialize_fields(&self, serialized: &BTreeMap<String, String>) -> bool {
        *self.deserialize_called_with.lock().unwrap() = Some(serialized.clone());

        !serialized.contains_key("unusable")
    }
}

#[derive(Params, Default)]
struct FieldParams {
    #[persist = "even"]
    pub even: EvenField,
    #[persist = "text"]
    pub text: Mutex<String>,
    #[nested(id_prefix = "foo")]
    pub inner: InnerParams,
}

/// A field that only accepts even numbers.
#[derive(Default)]
struct EvenField(Mutex<i32>);

impl PersistentField<'_, i32> for EvenField {
    fn set(&self, new_value: i32) {
        *self.0.lock().unwrap() = new_value;
    }

    fn restore(&self, new_value: i32) -> bool {
        let accepted = new_value % 2 == 0;
        if accepted {
            self.set(new_value);
        }

        accepted
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&i32) -> R,
    {
        f(&self.0.lock().unwrap())
    }
}

mod persist {
    mod restore {
        use super::super::*;

        fn deserialize(fields: &[(&str, &str)]) -> (FieldParams, bool) {
            let serialized = fields
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .collect();
            let params = FieldParams::default();
            let success = params.deserialize_fields(&serialized);

            (params, success)
        }

        #[test]
        fn accepted() {
            let (params, success) = deserialize(&[("even", "4"), ("text", "\"a\"")]);
            assert!(success);
            assert_eq!(*params.even.0.lock().unwrap(), 4);
        }

        #[test]
        fn missing_and_unknown_fields_are_fine() {
            assert!(deserialize(&[]).1);
            assert!(deserialize(&[("something", "1")]).1);
        }

        #[test]
        fn refused_by_the_field() {
            let (params, success) = deserialize(&[("even", "3"), ("text", "\"a\"")]);
            assert!(!success);
            assert_eq!(*params.even.0.lock().unwrap(), 0);
            // The other fields are restored regardless
            assert_eq!(*params.text.lock().unwrap(), "a");
        }

        #[test]
        fn of_another_type() {
            assert!(!deserialize(&[("even", "\"four\"")]).1);
        }

        #[test]
        fn refused_by_a_nested_struct() {
            assert!(!deserialize(&[("foo_unusable", "1")]).1);
        }
    }

    mod nested_prefix {

        use super::super::*;

        #[test]
        fn serialize() {
            let params = WrapperParams::default();

            // This should have had a prefix added to the serialized value
            let serialized = params.serialize_fields();
            assert_eq!(serialized.len(), 1);
            assert_eq!(serialized["foo_bar"], "baz");
        }

        #[test]
        fn deserialize() {
            let mut serialized = BTreeMap::new();
            serialized.insert(String::from("foo_bar"), String::from("aaa"));

            let params = WrapperParams::default();
            params.deserialize_fields(&serialized);

            // This contains the values passed to the inner struct's deserialize function
            let deserialized = params
                .inner
                .deserialize_called_with
                .lock()
                .unwrap()
                .take()
                .unwrap();
            assert_eq!(deserialized.len(), 1);
            assert_eq!(deserialized["bar"], "aaa");
        }

        #[test]
        fn deserialize_mismatching_prefix() {
            let mut serialized = BTreeMap::new();
            serialized.insert(String::from("foo_bar"), String::from("aaa"));
            serialized.insert(
                String::from("something"),
                String::from("this should not be there"),
            );

            let params = WrapperParams::default();
            params.deserialize_fields(&serialized);

            // The `something` key should not be passed to the child struct
            let deserialized = params
                .inner
                .deserialize_called_with
                .lock()
                .unwrap()
                .take()
                .unwrap();
            assert_eq!(deserialized.len(), 1);
            assert_eq!(deserialized["bar"], "aaa");
        }
    }

    mod array_suffix {
        use super::super::*;

        #[test]
        fn serialize() {
            let params = ArrayWrapperParams::default();

            let serialized = params.serialize_fields();
            assert_eq!(serialized.len(), 3);
            assert_eq!(serialized["bar_1"], "baz");
            assert_eq!(serialized["bar_2"], "baz");
            assert_eq!(serialized["bar_2"], "baz");
        }

        #[test]
        fn deserialize() {
            let mut serialized = BTreeMap::new();
            serialized.insert(String::from("bar_1"), String::from("aaa"));
            serialized.insert(String::from("bar_2"), String::from("bbb"));
            serialized.insert(String::from("bar_3"), String::from("ccc"));

            let params = ArrayWrapperParams::default();
            params.deserialize_fields(&serialized);
            for (inner, expected_value) in params.inners.into_iter().zip(["aaa", "bbb", "ccc"]) {
                let deserialized = inner
                    .deserialize_called_with
                    .lock()
                    .unwrap()
                    .take()
                    .unwrap();
                assert_eq!(deserialized.len(), 1);
                assert_eq!(deserialized["bar"], expected_value);
            }
        }
    }
}
