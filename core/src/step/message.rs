//! A step and its message: PUT takes members out of it, GET sets members in it. One pass, and every byte that the rules
//! don't name stays as it is.

use std::borrow::Cow;
use std::mem;
use std::ops::Range;

use crate::error::{Error, Result, fail};
use crate::json::{Entries, FieldName, Fields, Json, Kind, Name, is_blank, push_quoted};
use crate::limits::{self, Limits};

/// The members of `message` that `names` mention, in the order of `names`: what PUT stores. The whole message is
/// validated, and each value is within `limits.field_value`.
///
/// A message that is empty or blank has no members. `MESSAGE_NOT_OBJECT` for an array or a scalar; `INVALID_JSON` also
/// if one of the names occurs in it twice.
pub(crate) fn take(names: &[FieldName], message: &str, limits: &Limits) -> Result<Vec<(FieldName, Json)>> {
    let message = or_empty(message);
    let mut members = members(message, limits)?;
    let wanted = Wanted::new(names);
    let mut found: Vec<Option<Range<usize>>> = vec![None; names.len()];
    while let Some(member) = members.next().map_err(in_message)? {
        let Some(slot) = wanted.slot(member.name.as_ref()) else { continue };
        if found[slot].replace(member.value).is_some() {
            return Err(twice(&names[slot]));
        }
    }
    let mut taken = Vec::with_capacity(found.iter().flatten().count());
    for (name, value) in names.iter().zip(found) {
        if let Some(value) = value {
            name.check_value(value.len(), limits)?;
            taken.push((name.clone(), Json::checked(&message[value])));
        }
    }
    Ok(taken)
}

/// `message` with every found field of `names` set: what GET gives.
///
/// A member of that name has its value replaced in place; the others go before the closing brace, in the order of
/// `names`. The same is refused as by [`take`], and `LIMIT_EXCEEDED` if the result is larger than a message may be.
pub(crate) fn splice(message: &str, names: &[FieldName], found: &Fields, limits: &Limits) -> Result<String> {
    let wanted = Wanted::new(names);
    let mut slots = Slots::new(names.len());
    for (name, value) in found.iter() {
        if let Some(slot) = wanted.slot_of(name) {
            slots.all()[slot].value = Some(value);
        }
    }
    set(message, &wanted, slots.all(), limits)
}

/// [`splice`] with what `find` finds.
pub(crate) fn splice_found<'v>(
    message: &str,
    names: &[FieldName],
    find: impl Fn(&FieldName) -> Option<&'v Json>,
    limits: &Limits,
) -> Result<String> {
    let mut slots = Slots::new(names.len());
    for (name, slot) in names.iter().zip(slots.all()) {
        slot.value = find(name);
    }
    set(message, &Wanted::new(names), slots.all(), limits)
}

fn set(message: &str, wanted: &Wanted<'_>, slots: &mut [Slot<'_>], limits: &Limits) -> Result<String> {
    let names = wanted.names;
    let message = or_empty(message);
    let mut members = members(message, limits)?;
    let set = names.iter().zip(&*slots).filter_map(|(name, slot)| Some((name, slot.value?)));
    let added: usize = set.map(|(name, value)| name.as_str().len() + value.as_str().len() + 4).sum();
    let mut out = String::with_capacity(message.len() + added);
    let mut copied = 0;
    while let Some(member) = members.next().map_err(in_message)? {
        let Some(slot) = wanted.slot(member.name.as_ref()) else { continue };
        if mem::replace(&mut slots[slot].seen, true) {
            return Err(twice(&names[slot]));
        }
        if let Some(value) = slots[slot].value {
            out.push_str(&message[copied..member.value.start]);
            out.push_str(value.as_str());
            copied = member.value.end;
        }
    }
    let close = members.close().map_err(in_message)?;
    out.push_str(&message[copied..close]);
    let mut first = members.count() == 0;
    for (name, slot) in names.iter().zip(slots) {
        if let Slot { value: Some(value), seen: false } = slot {
            if !mem::replace(&mut first, false) {
                out.push(',');
            }
            push_quoted(&mut out, name.as_str());
            out.push(':');
            out.push_str(value.as_str());
        }
    }
    out.push_str(&message[close..]);
    limits::check("message", out.len(), limits.message, "bytes")?;
    Ok(out)
}

/// What GET knows of one of its names.
#[derive(Clone, Copy, Default)]
struct Slot<'v> {
    /// The value that the session holds.
    value: Option<&'v Json>,
    /// Whether the message has a member of that name.
    seen: bool,
}

/// One for each name; for a few names nothing is allocated.
struct Slots<'v> {
    few: [Slot<'v>; FEW],
    many: Vec<Slot<'v>>,
    count: usize,
}

impl<'v> Slots<'v> {
    fn new(count: usize) -> Slots<'v> {
        let many = if count > FEW { vec![Slot::default(); count] } else { Vec::new() };
        Slots { few: [Slot::default(); FEW], many, count }
    }

    fn all(&mut self) -> &mut [Slot<'v>] {
        if self.count > FEW { &mut self.many } else { &mut self.few[..self.count] }
    }
}

fn or_empty(message: &str) -> &str {
    if is_blank(message) { "{}" } else { message }
}

fn members<'m>(message: &'m str, limits: &Limits) -> Result<Entries<'m>> {
    limits::check("message", message.len(), limits.message, "bytes")?;
    Entries::of(message, Kind::Object, limits.depth).map_err(in_message)?.map_err(|given| {
        fail!(MessageNotObject, "GET and PUT need a JSON object as message, not {given} text")
            .with("given", given.as_str())
    })
}

/// Says that it is the message that is not JSON, or too deep.
fn in_message(error: Error) -> Error {
    error.at("message")
}

fn twice(name: &FieldName) -> Error {
    fail!(InvalidJson, "the message has the member {name:?} twice, and the step names it; give it once")
        .with("member", name.as_str())
}

/// The names that are looked for in a message, for a quick look at each of its members.
struct Wanted<'n> {
    names: &'n [FieldName],
    /// Positions in `names`, by length and text; empty for a few names, which are compared one by one.
    sorted: Vec<usize>,
    /// One bit for each length that a name has (mod 64): it tells most members apart. 5,000 members: 88 µs without,
    /// 63 with.
    lengths: u64,
}

/// Up to so many names, comparing each is quicker than searching.
const FEW: usize = 8;

impl<'n> Wanted<'n> {
    fn new(names: &'n [FieldName]) -> Wanted<'n> {
        let mut sorted = Vec::new();
        if names.len() > FEW {
            sorted.extend(0..names.len());
            sorted.sort_unstable_by_key(|slot| by_length(names[*slot].as_str()));
        }
        let lengths = names.iter().fold(0, |lengths, name| lengths | length_bit(name.as_str()));
        Wanted { names, sorted, lengths }
    }

    /// The position of a member's name, unescaped; half of a surrogate pair is equal to none.
    #[inline]
    fn slot(&self, name: Option<&Name<'_>>) -> Option<usize> {
        match name?.text()? {
            Cow::Borrowed(name) => self.slot_of(name),
            Cow::Owned(name) => self.slot_of(&name),
        }
    }

    #[inline]
    fn slot_of(&self, name: &str) -> Option<usize> {
        if self.lengths & length_bit(name) == 0 { None } else { self.search(name) }
    }

    fn search(&self, name: &str) -> Option<usize> {
        if self.names.len() <= FEW {
            return self.names.iter().position(|wanted| wanted.as_str() == name);
        }
        let found = self.sorted.binary_search_by_key(&by_length(name), |slot| by_length(self.names[*slot].as_str()));
        found.ok().map(|at| self.sorted[at])
    }
}

fn length_bit(name: &str) -> u64 {
    1 << (name.len() % 64)
}

fn by_length(name: &str) -> (usize, &str) {
    (name.len(), name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn names(of: &str) -> Vec<FieldName> {
        of.split_whitespace().map(FieldName::stored).collect()
    }

    fn fields(of: &[(&str, &str)]) -> Fields {
        of.iter().map(|(name, value)| (FieldName::stored(name), Json::checked(value))).collect()
    }

    #[test]
    fn put_takes_the_named_members() {
        for (message, wanted, taken) in [
            ("", "a", &[][..]),
            (" \n", "a", &[]),
            ("{}", "a b", &[]),
            ("{\"a\":1.0 ,\"b\": null , \"c\":[ 1e400 ]}", "c b x", &[("c", "[ 1e400 ]"), ("b", "null")]),
            ("{\"\\u0061\":\"\\ud800\"}", "a", &[("a", "\"\\ud800\"")]),
            ("{\"x\":1,\"x\":2,\"a\":3,\"\\ud800\":4}", "a", &[("a", "3")]),
            ("{\"a.b\":1,\"a\":{\"b\":2}}", "a.b", &[("a.b", "1")]),
            ("{\"j\":10,\"a\":1}", "a b c d e f g h i j", &[("a", "1"), ("j", "10")]),
        ] {
            let given = take(&names(wanted), message, &Limits::default()).unwrap();
            let given: Vec<_> = given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(given, taken, "{message}");
        }
    }

    #[test]
    fn get_changes_only_what_it_sets() {
        let held = [("a", "1"), ("b", "[2]"), ("c", "{\"d\": 3}"), ("q\"", "4")];
        for (message, wanted, output) in [
            ("", "", "{}"),
            (" \n", "a", "{\"a\":1}"),
            ("{}", "x", "{}"),
            ("{ }", "a b", "{ \"a\":1,\"b\":[2]}"),
            ("{\"a\": 1.0}", "b x", "{\"a\": 1.0,\"b\":[2]}"),
            ("{\"x\":1.0 \n}\n", "b a", "{\"x\":1.0 \n,\"b\":[2],\"a\":1}\n"),
            (
                "{\"x\":1, \"a\" : {\"b\":0} , \"y\":9223372036854775808}",
                "a",
                "{\"x\":1, \"a\" : 1 , \"y\":9223372036854775808}",
            ),
            ("{\"\\u0061\":0,\"x\":0,\"x\":1e400}", "c a", "{\"\\u0061\":1,\"x\":0,\"x\":1e400,\"c\":{\"d\": 3}}"),
            ("{\"b\":0}", "a b c", "{\"b\":[2],\"a\":1,\"c\":{\"d\": 3}}"),
            ("{}", "q\"", "{\"q\\\"\":4}"),
            ("{\"\\ud800\":\"\\udfff\"}", "a", "{\"\\ud800\":\"\\udfff\",\"a\":1}"),
            ("{\"b\":0}", "z y x w v u t s a b", "{\"b\":[2],\"a\":1}"),
        ] {
            let wanted = names(wanted);
            // Beside the found fields stands one that the step does not name.
            let unnamed = Json::checked("5");
            let held = fields(&held);
            let found = held.iter().chain([("unnamed", &unnamed)]);
            let found = found.map(|(name, value)| (FieldName::stored(name), value.clone())).collect();
            assert_eq!(splice(message, &wanted, &found, &Limits::default()).unwrap(), output, "{message}");
        }
    }

    #[test]
    fn what_is_refused() {
        let limits = Limits { message: 40, field_value: 8, depth: 3, ..Limits::default() };
        for (message, code, details) in [
            ("[1]", Code::MessageNotObject, r#"{"given":"array"}"#),
            (" \"a\"", Code::MessageNotObject, r#"{"given":"string"}"#),
            ("null", Code::MessageNotObject, r#"{"given":"null"}"#),
            ("[1", Code::InvalidJson, r#"{"offset":2}"#),
            ("\u{feff}{}", Code::InvalidJson, r#"{"offset":0}"#),
            ("\u{a0}", Code::InvalidJson, r#"{"offset":0}"#),
            ("{\"a\":1,\"x\":}", Code::InvalidJson, r#"{"offset":11}"#),
            ("{\"a\":1}}", Code::InvalidJson, r#"{"offset":7}"#),
            ("{\"a\":1,\"\\u0061\":2}", Code::InvalidJson, r#"{"member":"a"}"#),
            ("{\"b\":1,\"b\":2}", Code::InvalidJson, r#"{"member":"b"}"#),
            ("{\"x\":[[[]]]}", Code::LimitExceeded, r#"{"given":4,"limit":3,"offset":7,"what":"JSON depth"}"#),
            (
                "{\"x\":\"1234567890123456789012345678901234\"}",
                Code::LimitExceeded,
                r#"{"given":42,"limit":40,"what":"message"}"#,
            ),
        ] {
            let wanted = names("a b");
            for error in [
                take(&wanted, message, &limits).unwrap_err(),
                splice(message, &wanted, &fields(&[("a", "1")]), &limits).unwrap_err(),
            ] {
                assert_eq!((error.code(), error.details_json().as_str()), (code, details), "{message}: {error}");
            }
        }
        let error = take(&names("a"), "{\"a\":\"12345678\"}", &limits).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), (Code::LimitExceeded, &"a".into()));
        let error = splice("{}", &names("a"), &fields(&[("a", &"1".repeat(40))]), &limits).unwrap_err();
        assert_eq!(error.code(), Code::LimitExceeded);
    }
}
