//! The id of a Global session, as callers hold it: its config's tag, its bucket, its 16 bytes.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::backend::StorageId;

/// `<tag>.<two hex digits><22 base64url characters>`. There is one text for each id.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SessionId {
    pub(crate) tag: Box<str>,
    pub(crate) storage: StorageId,
}

/// What follows the tag and its dot.
const LENGTH: usize = 2 + 22;

impl SessionId {
    /// `None` if the text is no session's id. The tag may hold dots: the last one ends it.
    pub(crate) fn parse(text: &str) -> Option<SessionId> {
        let (tag, rest) = text.rsplit_once('.')?;
        if rest.len() != LENGTH || !rest.is_ascii() || tag.is_empty() {
            return None;
        }
        let (bucket, random) = rest.split_at(2);
        if !bucket.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let mut storage = [0; 17];
        storage[0] = u8::from_str_radix(bucket, 16).ok()?;
        storage[1..].copy_from_slice(&URL_SAFE_NO_PAD.decode(random).ok().filter(|bytes| bytes.len() == 16)?);
        Some(SessionId { tag: tag.into(), storage })
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bucket, random) = (self.storage[0], &self.storage[1..]);
        write!(f, "{}.{bucket:02x}{}", self.tag, URL_SAFE_NO_PAD.encode(random))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_text() {
        let mut storage = [0; 17];
        storage.iter_mut().enumerate().for_each(|(at, byte)| *byte = 0xA0 + at as u8);
        let id = SessionId { tag: "a.b_c".into(), storage };
        assert_eq!(id.to_string(), "a.b_c.a0oaKjpKWmp6ipqqusra6vsA");
        assert_eq!(SessionId::parse(&id.to_string()), Some(id));
        for bad in [
            "",
            "a",
            ".a0oaKjpKWmp6ipqqusra6vsA",
            "a.A0oaKjpKWmp6ipqqusra6vsA",
            "a.g0oaKjpKWmp6ipqqusra6vsA",
            "a.a0oaKjpKWmp6ipqqusra6vs",
            "a.a0oaKjpKWmp6ipqqusra6vsAA",
            "a.a0oaKjpKWmp6ipqqusra6vsB", // bits that no byte has
            "a.a0oaKjpKWmp6ipqqusra6vs=",
            "a.a0éaKjpKWmp6ipqqusra6vs",
        ] {
            assert_eq!(SessionId::parse(bad), None, "{bad}");
        }
    }
}
