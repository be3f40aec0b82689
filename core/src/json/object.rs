//! The members of one object: what a put of several fields brings.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::{Result, fail};
use crate::limits::{self, Limits};

use super::name::check_value;
use super::{Entries, FieldName, Json, Kind};

/// The members of the object that `text` is: each name without its escapes, each value as raw text.
///
/// `INVALID_ARGUMENT` if it is something else than an object; `INVALID_JSON` if it is no JSON, if a name occurs twice,
/// or if one holds half of a surrogate pair.
pub(crate) fn object_members<'a>(text: &'a str, limits: &Limits) -> Result<Vec<(Cow<'a, str>, &'a str)>> {
    let mut entries = Entries::of(text, Kind::Object, limits.depth)?.map_err(|given| {
        fail!(InvalidArgument, "expected a JSON object of fields, not {given} text").with("given", given.as_str())
    })?;
    let mut members = Vec::new();
    while let Some(entry) = entries.next()? {
        if let Some(name) = entry.name {
            members.push((name.required()?, &text[entry.value]));
        }
    }
    match repeated(&members) {
        Some(name) => {
            Err(fail!(InvalidJson, "member {name:?} occurs twice; give each field once").with("member", name))
        }
        None => Ok(members),
    }
}

/// Up to so many names, comparing each with those before it is quicker than a set of them.
const FEW: usize = 8;

/// A name that occurs twice.
fn repeated<'m>(members: &'m [(Cow<'_, str>, &str)]) -> Option<&'m str> {
    let mut names = members.iter().map(|(name, _)| &**name).enumerate();
    let found = if members.len() <= FEW {
        names.find(|(at, name)| members[..*at].iter().any(|(before, _)| before == name))
    } else {
        let mut seen = HashSet::with_capacity(members.len());
        names.find(|(_, name)| !seen.insert(*name))
    };
    found.map(|(_, name)| name)
}

/// The fields that the object in `text` names, each name and value within its limits.
pub(crate) fn fields_from_object(text: &str, limits: &Limits) -> Result<Vec<(FieldName, Json)>> {
    members_within(text, limits).map(fields_of)
}

/// What [`members_within`] gave, as fields.
pub(crate) fn fields_of(members: Vec<(Cow<'_, str>, &str)>) -> Vec<(FieldName, Json)> {
    members.into_iter().map(|(name, value)| (FieldName::stored(&name), Json::checked(value))).collect()
}

/// [`fields_from_object`], nothing copied yet.
pub(crate) fn members_within<'a>(text: &'a str, limits: &Limits) -> Result<Vec<(Cow<'a, str>, &'a str)>> {
    limits::check("fields", text.len(), limits.message, "bytes")?;
    let members = object_members(text, limits)?;
    limits::check("fields", members.len(), limits.fields, "fields")?;
    for (name, value) in &members {
        FieldName::check(name, limits)?;
        check_value(name, value.len(), limits)?;
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn members_come_in_order_with_their_text() {
        let members = object_members(" {\"b\": 1.0 ,\"\\u0061\":[ ]}", &Limits::default()).unwrap();
        assert_eq!(members, [(Cow::from("b"), "1.0"), (Cow::from("a"), "[ ]")]);
    }

    #[test]
    fn what_can_not_be_put() {
        let limits = Limits { field_name: 4, field_value: 5, fields: 2, depth: 3, message: 40, ..Limits::default() };
        for (text, code) in [
            ("{\"a\":1,\"\\u0061\":2}", Some(Code::InvalidJson)),
            ("{\"\\ud800\":1}", Some(Code::InvalidJson)),
            ("{\"a\":\"\\ud8\"}", Some(Code::InvalidJson)),
            ("[]", Some(Code::InvalidArgument)),
            ("1", Some(Code::InvalidArgument)),
            ("", Some(Code::InvalidJson)),
            ("{\"\":1}", Some(Code::InvalidArgument)),
            ("{\"abcde\":1}", Some(Code::LimitExceeded)),
            ("{\"a\":123456}", Some(Code::LimitExceeded)),
            ("{\"a\":1,\"b\":1,\"c\":1}", Some(Code::LimitExceeded)),
            ("{\"a\":[[[]]]}", Some(Code::LimitExceeded)),
            ("{\"a\":1                                  }", Some(Code::LimitExceeded)),
            ("{\"a\":[[]],\"abcd\":12345}", None),
            ("{}", None),
        ] {
            assert_eq!(fields_from_object(text, &limits).err().map(|error| error.code()), code, "{text}");
        }
    }
}
