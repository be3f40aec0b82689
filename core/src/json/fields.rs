//! Named fields, in order: what reading several gives.

use std::fmt;

use crate::error::Result;

use super::{Exactness, FieldName, Json, push_quoted};

/// Named fields, in order, each with its value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(FieldName, Json)>);

impl Fields {
    /// The fields as one JSON object, in order.
    pub fn to_json(&self) -> String {
        let size: usize = self.iter().map(|(name, value)| name.len() + value.as_str().len() + 4).sum();
        let mut object = String::with_capacity(size + 2);
        object.push('{');
        for (i, (name, value)) in self.iter().enumerate() {
            if i > 0 {
                object.push(',');
            }
            push_quoted(&mut object, name);
            object.push(':');
            object.push_str(value.as_str());
        }
        object.push('}');
        object
    }

    /// Name and value of each field, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// [`Json::check_exact`] for every value. The error names the field.
    pub fn check_exact(&self, exactness: Exactness) -> Result<()> {
        for (name, value) in self.iter() {
            value
                .check_exact(exactness)
                .map_err(|error| error.at(format_args!("field {name:?}")).with("field", name))?;
        }
        Ok(())
    }
}

impl From<Vec<(FieldName, Json)>> for Fields {
    fn from(fields: Vec<(FieldName, Json)>) -> Fields {
        Fields(fields)
    }
}

impl FromIterator<(FieldName, Json)> for Fields {
    fn from_iter<I: IntoIterator<Item = (FieldName, Json)>>(fields: I) -> Fields {
        Fields(fields.into_iter().collect())
    }
}

/// Names, kinds and lengths; no values.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::limits::Limits;

    fn fields(of: &[(&str, &str)]) -> Fields {
        let limits = Limits::default();
        of.iter()
            .map(|(name, value)| (FieldName::new(name, &limits).unwrap(), Json::parse(value, &limits).unwrap()))
            .collect()
    }

    #[test]
    fn fields_print_as_an_object_in_order() {
        for (given, object) in [
            (fields(&[]), "{}"),
            (fields(&[("b", "1.0"), ("a", "[ 1 ]")]), "{\"b\":1.0,\"a\":[ 1 ]}"),
            (fields(&[("q\"\\\n", "null")]), "{\"q\\\"\\\\\\n\":null}"),
        ] {
            assert_eq!(given.to_json(), object);
        }
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(format!("{:?}", fields(&[("a", "\"secret\"")])), "{\"a\": Json(string, 8 bytes)}");
    }

    #[test]
    fn the_field_that_loses_digits_is_named() {
        let error = fields(&[("a", "1"), ("big", "[9007199254740992]")]).check_exact(Exactness::Double).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), (Code::LimitExceeded, &"big".into()));
    }
}
