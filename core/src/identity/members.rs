//! A JSON object read strictly.
//!
//! RFC 7519 §4 lets a reader take the last of two members of one name. Two readers that choose differently would see two
//! tokens in one text, so here a second member of a name is refused at every depth, however it is spelled.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Nesting that claims, headers and key sets may have; each level is read once more, so this also bounds the work.
pub(super) const MAX_DEPTH: usize = 32;

/// How many members an object may have: no claims have as many, and each costs more memory than text.
pub(super) const MAX_MEMBERS: usize = 256;

/// The members of a JSON object, in order; values are kept as text.
pub(super) struct Members<'a>(Vec<(String, &'a RawValue)>);

/// Why text is not such an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    NotJson,
    NotObject,
    Duplicate,
    TooDeep,
    TooMany,
}

impl Unreadable {
    /// The end of a sentence that begins with what was read: `the header …`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Unreadable::NotJson => "is not JSON",
            Unreadable::NotObject => "is not a JSON object",
            Unreadable::Duplicate => "has a member twice",
            Unreadable::TooDeep => "is nested too deeply (32 levels at most)",
            Unreadable::TooMany => "has more than 256 members",
        }
    }
}

impl<'a> Members<'a> {
    /// Reads `text`: one JSON object, no name twice at any depth, at most [`MAX_DEPTH`] levels.
    pub(super) fn read(text: &'a str) -> Result<Members<'a>, Unreadable> {
        match first_byte(text) {
            // Before anything is read level by level: what is nested a thousand deep costs one look.
            Some(b'{') if depth(text) > MAX_DEPTH => Err(Unreadable::TooDeep),
            Some(b'{') => object(text, MAX_DEPTH),
            _ if serde_json::from_str::<&RawValue>(text).is_ok() => Err(Unreadable::NotObject),
            _ => Err(Unreadable::NotJson),
        }
    }

    /// The value of `name`.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// The members, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    fn has_duplicate(&self) -> bool {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| pair[0] == pair[1])
    }
}

/// The string that `value` is; absent for every other type.
pub(super) fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// The elements of the array that `value` is; absent for every other type.
pub(super) fn array(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}

/// The strings of the array that `value` is; absent if it is no array or an element is no string.
pub(super) fn strings(value: &RawValue) -> Option<Vec<String>> {
    serde_json::from_str(value.get()).ok()
}

/// The boolean that `value` is; absent for every other type.
pub(super) fn boolean(value: &RawValue) -> Option<bool> {
    serde_json::from_str(value.get()).ok()
}

/// The whole number that `value` is, written as one: `30`, not `3e1` or `30.0`.
pub(super) fn whole(value: &RawValue) -> Option<u64> {
    serde_json::from_str(value.get()).ok()
}

fn object(text: &str, depth: usize) -> Result<Members<'_>, Unreadable> {
    let Read(members) = serde_json::from_str(text).map_err(|_| Unreadable::NotJson)?;
    let members = Members(members.ok_or(Unreadable::TooMany)?);
    if members.has_duplicate() {
        return Err(Unreadable::Duplicate);
    }
    for (_, value) in &members.0 {
        check(value, depth - 1)?;
    }
    Ok(members)
}

/// How deep brackets are nested, whatever else is wrong with the text.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => {
                open += 1;
                deepest = deepest.max(open);
            }
            (false, b'}' | b']') => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// `RawValue` skips over a value; this looks inside it. Numbers were checked by the skipping and stay text, so that one
/// beyond 64 bits is still a number.
fn check(value: &RawValue, depth: usize) -> Result<(), Unreadable> {
    match first_byte(value.get()) {
        Some(b'{' | b'[') if depth == 0 => Err(Unreadable::TooDeep),
        Some(b'{') => object(value.get(), depth).map(|_| ()),
        Some(b'[') => Elements { depth: depth - 1, wrong: None }.check(value),
        // Skipping lets a lone surrogate through; reading does not.
        Some(b'"') => string(value).map(|_| ()).ok_or(Unreadable::NotJson),
        _ => Ok(()),
    }
}

/// Looks inside each element as it is read: thousands in a list are never held at once.
struct Elements {
    depth: usize,
    wrong: Option<Unreadable>,
}

impl Elements {
    fn check(mut self, list: &RawValue) -> Result<(), Unreadable> {
        let read = serde_json::Deserializer::from_str(list.get()).deserialize_seq(&mut self);
        match self.wrong {
            Some(wrong) => Err(wrong),
            None => read.map_err(|_| Unreadable::NotJson),
        }
    }
}

impl<'de> Visitor<'de> for &mut Elements {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<&'de RawValue>()? {
            if let Err(wrong) = check(element, self.depth) {
                self.wrong = Some(wrong);
                return Err(A::Error::custom(wrong.as_str()));
            }
        }
        Ok(())
    }
}

fn first_byte(text: &str) -> Option<u8> {
    text.bytes().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

/// Members as they are read; `None` if there are too many of them.
struct Read<'a>(Option<Vec<(String, &'a RawValue)>>);

impl<'de: 'a, 'a> Deserialize<'de> for Read<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Option<Vec<(String, &'de RawValue)>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Some(Vec::new());
                while let Some((name, value)) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
                    members = members.filter(|members| members.len() < MAX_MEMBERS);
                    if let Some(members) = &mut members {
                        members.push((name.into_owned(), value));
                    }
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Reader).map(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<usize, Unreadable> {
        Members::read(text).map(|members| members.0.len())
    }

    #[test]
    fn objects_are_read_and_everything_else_is_named() {
        let deep = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        let many = |members: usize| {
            format!("{{{}}}", (0..members).map(|at| format!("\"{at}\":1")).collect::<Vec<_>>().join(","))
        };
        let cases: &[(&str, Result<usize, Unreadable>)] = &[
            ("{}", Ok(0)),
            (" { \"a\" : 1 , \"b\":[{\"a\":1},{\"a\":1}] }\n", Ok(2)),
            ("{\"a\":1e400,\"b\":-0.0,\"c\":123456789012345678901234567890}", Ok(3)),
            ("", Err(Unreadable::NotJson)),
            ("\u{feff}{}", Err(Unreadable::NotJson)),
            ("{}{}", Err(Unreadable::NotJson)),
            ("{\"a\":1,}", Err(Unreadable::NotJson)),
            ("{\"a\":01}", Err(Unreadable::NotJson)),
            ("{\"a\":NaN}", Err(Unreadable::NotJson)),
            ("{a:1}", Err(Unreadable::NotJson)),
            ("{\"a\":\"\\ud800\"}", Err(Unreadable::NotJson)),
            ("{\"\\udc00\":1}", Err(Unreadable::NotJson)),
            ("{\"a\":[\"\\ud800\"]}", Err(Unreadable::NotJson)),
            ("{\"a\":\"\n\"}", Err(Unreadable::NotJson)),
            ("[]", Err(Unreadable::NotObject)),
            ("\"x\"", Err(Unreadable::NotObject)),
            ("null", Err(Unreadable::NotObject)),
            ("{\"a\":1,\"a\":1}", Err(Unreadable::Duplicate)),
            ("{\"a\":1,\"\\u0061\":1}", Err(Unreadable::Duplicate)),
            ("{\"b\":[[{\"a\":1,\"c\":2,\"a\":1}]]}", Err(Unreadable::Duplicate)),
            ("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[\"}", Ok(1)),
            (&many(256), Ok(256)),
            (&many(257), Err(Unreadable::TooMany)),
            (&many(5_000), Err(Unreadable::TooMany)),
            (&format!("{{\"a\":[{}]}}", many(257)), Err(Unreadable::TooMany)),
            (&deep(32), Ok(1)),
            (&deep(33), Err(Unreadable::TooDeep)),
            (&format!("{{\"a\":{}{}}}", "[".repeat(4000), "]".repeat(4000)), Err(Unreadable::TooDeep)),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), *expected, "{}", &text[..text.len().min(60)]);
        }
    }

    #[test]
    fn types_are_told_apart() {
        let members =
            Members::read(r#"{"s":"\u0061","n":30,"f":30.0,"e":3e1,"neg":-1,"b":true,"a":["x"],"m":["x",1],"z":null}"#)
                .unwrap();
        let at = |name| members.get(name).unwrap();
        assert_eq!(string(at("s")).as_deref(), Some("a"));
        for name in ["n", "b", "a", "z"] {
            assert_eq!(string(at(name)), None);
        }
        assert_eq!(whole(at("n")), Some(30));
        for name in ["f", "e", "neg", "s", "z"] {
            assert_eq!(whole(at(name)), None);
        }
        assert_eq!(strings(at("a")), Some(vec!["x".to_owned()]));
        assert_eq!(strings(at("m")), None);
        assert_eq!(boolean(at("b")), Some(true));
        assert!(members.get("none").is_none());
    }
}
