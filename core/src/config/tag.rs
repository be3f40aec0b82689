//! A configuration's tag: what steps, tokens and calls name it by. Given, or made of its name.

use super::member::{Member, shortened};
use crate::error::{Result, fail};

/// The longest tag, in characters.
const LONGEST: usize = 64;

/// What a tag is made of, as errors say it.
pub(crate) const ACCEPTED: &str = "a config's tag: 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit";

/// Whether `text` is a tag: `[a-z0-9][a-z0-9._-]{0,63}`. So a tag never holds `:`, which ends it in a token, nor `/`.
pub(crate) fn is_tag(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
        && text.len() <= LONGEST
}

/// Reads the member `tag`. `CONFIG_INVALID` if it is none.
pub(crate) fn given(member: Member<'_>) -> Result<Box<str>> {
    match member.text() {
        Some(text) if is_tag(&text) => Ok(text.into()),
        _ => Err(member.refused(ACCEPTED, &[])),
    }
}

/// The tag of a config that gives none: its name in lower case, each run of anything but `a-z0-9` one `_`, none at
/// either end, at most 64 characters: `User Session (v2)` is `user_session_v2`. Only ASCII has a lower case here, so
/// that every language and every Unicode version derives the same tag. `CONFIG_INVALID` if nothing is left.
pub(crate) fn derived(name: &str) -> Result<Box<str>> {
    let mut tag = String::with_capacity(name.len());
    for c in name.chars().map(|c| c.to_ascii_lowercase()) {
        if matches!(c, 'a'..='z' | '0'..='9') {
            tag.push(c);
        } else if !tag.is_empty() && !tag.ends_with('_') {
            tag.push('_');
        }
    }
    tag.truncate(LONGEST);
    let tag = tag.trim_end_matches('_');
    if tag.is_empty() {
        return Err(fail!(
            ConfigInvalid,
            "name: no tag can be made of {:?}, which has no a-z or 0-9; give a tag",
            shortened(name)
        )
        .with("member", "tag"));
    }
    Ok(tag.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn a_tag_is_made_of_the_name() {
        for (name, tag) in [
            ("User session", "user_session"),
            ("  User -- Session (v2)! ", "user_session_v2"),
            ("7 Months", "7_months"),
            ("a", "a"),
            ("__a.b__", "a_b"),
            ("Café Zürich", "caf_z_rich"),
            // The Kelvin sign and the long s would have an ASCII lower case in Unicode.
            ("\u{212a}elvin \u{17f}", "elvin"),
        ] {
            assert_eq!(&*derived(name).unwrap(), tag, "{name}");
        }
        let long = "ab ".repeat(40);
        assert_eq!(derived(&long).unwrap().len(), 64);
        assert_eq!(&*derived(&format!("{} b", "a".repeat(63))).unwrap(), "a".repeat(63));
        for name in ["", " ", "!!!", "日本", "___"] {
            let error = derived(name).unwrap_err();
            assert_eq!((error.code(), &error.details()["member"]), (Code::ConfigInvalid, &"tag".into()), "{name}");
        }
    }

    #[test]
    fn a_given_tag_is_kept_or_refused() {
        for tag in ["a", "0", "user_session", "a.b-c_d", "9.", &"x".repeat(64)] {
            assert_eq!(&*given(Member { name: "tag", raw: &format!("{tag:?}") }).unwrap(), tag);
        }
        for raw in [
            "\"\"",
            "\"A\"",
            "\"_a\"",
            "\".a\"",
            "\"a:b\"",
            "\"a/b\"",
            "\"a b\"",
            "\"é\"",
            "7",
            "null",
            &format!("\"{}\"", "x".repeat(65)),
        ] {
            let error = given(Member { name: "tag", raw }).unwrap_err();
            assert_eq!((error.code(), &error.details()["member"]), (Code::ConfigInvalid, &"tag".into()), "{raw}");
        }
    }
}
