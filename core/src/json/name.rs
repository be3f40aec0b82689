//! The name of a field: checked once, when it is made, and cheap to hand on.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use crate::error::{Result, fail};
use crate::limits::{self, Limits};

/// A field's name: not empty, within `limits.field_name`, literal (`a.b` is one name). Clones share the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FieldName(Arc<str>);

impl FieldName {
    /// `INVALID_ARGUMENT` for an empty name, `LIMIT_EXCEEDED` for one that is too long.
    pub(crate) fn new(name: &str, limits: &Limits) -> Result<FieldName> {
        FieldName::check(name, limits)?;
        Ok(FieldName(Arc::from(name)))
    }

    /// Whether `name` can be one, as [`new`](FieldName::new) says.
    pub(crate) fn check(name: &str, limits: &Limits) -> Result<()> {
        if name.is_empty() {
            return Err(fail!(InvalidArgument, "a field name is empty; a name has at least one character"));
        }
        limits::check("field name", name.len(), limits.field_name, "bytes")
    }

    /// A name that was checked before it was stored, under whatever limits stood then.
    pub(crate) fn stored(name: &str) -> FieldName {
        FieldName(Arc::from(name))
    }

    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// `LIMIT_EXCEEDED`, naming this field, if a value of `bytes` is too large for one.
    pub(crate) fn check_value(&self, bytes: usize, limits: &Limits) -> Result<()> {
        check_value(self.as_str(), bytes, limits)
    }
}

/// [`FieldName::check_value`] for a name that is not made yet.
pub(crate) fn check_value(name: &str, bytes: usize, limits: &Limits) -> Result<()> {
    limits::check("field value", bytes, limits.field_value, "bytes")
        .map_err(|error| error.at(format_args!("field {name:?}")).with("field", name))
}

impl Borrow<str> for FieldName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for FieldName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// In quotes, escaped: what errors print.
impl fmt::Debug for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn a_name_is_checked_when_it_is_made() {
        let limits = Limits::default();
        for (name, code) in [
            (String::new(), Some(Code::InvalidArgument)),
            ("a".to_owned(), None),
            ("a.b c\0".to_owned(), None),
            ("é".repeat(128), None),
            ("é".repeat(128) + "a", Some(Code::LimitExceeded)),
        ] {
            assert_eq!(FieldName::new(&name, &limits).err().map(|error| error.code()), code, "{} bytes", name.len());
        }
    }

    #[test]
    fn a_value_too_large_names_its_field() {
        let limits = Limits { field_value: 3, ..Limits::default() };
        let name = FieldName::new("cart", &limits).unwrap();
        assert!(name.check_value(3, &limits).is_ok());
        let error = name.check_value(4, &limits).unwrap_err();
        assert_eq!(error.message(), "field \"cart\": field value: 4 bytes, at most 3");
        assert_eq!(error.details_json(), r#"{"field":"cart","given":4,"limit":3,"what":"field value"}"#);
    }
}
