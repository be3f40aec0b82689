//! One object's members or one array's elements, in order, as raw slices: the walk under every verb that looks inside
//! a value. A walk to its end has validated the whole text.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::{Result, fail};

use super::kind::Kind;
use super::quote;
use super::scan::Scanner;

/// A walk over the outermost container of a text.
pub(crate) struct Entries<'a> {
    scan: Scanner<'a>,
    kind: Kind,
    count: usize,
    close: Option<usize>,
}

/// A member or an element.
pub(crate) struct Entry<'a> {
    /// A member's name; elements have none.
    pub(crate) name: Option<Name<'a>>,
    /// From the name's (or the element's) first byte to the value's last.
    pub(crate) whole: Range<usize>,
    /// Where the value is.
    pub(crate) value: Range<usize>,
}

/// A member's name as it is written.
pub(crate) struct Name<'a> {
    /// With its quotes and escapes.
    quoted: &'a str,
    escaped: bool,
    offset: usize,
}

impl<'a> Name<'a> {
    /// The name itself; `None` if it holds half of a surrogate pair, which no text can be equal to.
    #[inline]
    pub(crate) fn text(&self) -> Option<Cow<'a, str>> {
        if self.escaped {
            quote::unquote(self.quoted).map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(&self.quoted[1..self.quoted.len() - 1]))
        }
    }

    /// The name itself, where one is needed. `INVALID_JSON` for half of a surrogate pair.
    pub(crate) fn required(&self) -> Result<Cow<'a, str>> {
        self.text().ok_or_else(|| {
            fail!(
                InvalidJson,
                "the member name at byte {} holds half of a surrogate pair: it is no text and can't name a field",
                self.offset
            )
            .with("offset", self.offset as u64)
        })
    }
}

impl<'a> Entries<'a> {
    /// Walks the object or array (as `wanted` says) that `text` is. Valid JSON of another kind comes back as that kind; what is not JSON
    /// at all is `INVALID_JSON`, whatever it began as.
    pub(crate) fn of(text: &'a str, wanted: Kind, depth: usize) -> Result<Result<Entries<'a>, Kind>> {
        let mut scan = Scanner::new(text, depth);
        scan.space();
        let opening = if wanted == Kind::Object { b'{' } else { b'[' };
        if scan.peek() != Some(opening) {
            scan.value()?;
            scan.end()?;
            return Ok(Err(Kind::of(text)));
        }
        scan.enter(wanted)?;
        Ok(Ok(Entries { scan, kind: wanted, count: 0, close: None }))
    }

    /// The next entry; `None` once the container is closed and nothing but white space follows.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Entry<'a>>> {
        if self.close.is_some() {
            return Ok(None);
        }
        let closing = if self.kind == Kind::Object { b'}' } else { b']' };
        self.scan.space();
        match self.scan.peek() {
            Some(byte) if byte == closing => {
                self.close = Some(self.scan.at());
                self.scan.leave();
                self.scan.end()?;
                return Ok(None);
            }
            _ if self.count == 0 => {}
            Some(b',') => {
                self.scan.pass();
                self.scan.space();
            }
            _ if self.kind == Kind::Object => return Err(self.scan.expected("',' or '}'")),
            _ => return Err(self.scan.expected("',' or ']'")),
        }
        self.count += 1;
        let start = self.scan.at();
        let name = if self.kind == Kind::Object { Some(self.name()?) } else { None };
        let value = self.scan.value()?;
        Ok(Some(Entry { name, whole: start..value.end, value }))
    }

    #[inline]
    fn name(&mut self) -> Result<Name<'a>> {
        let start = self.scan.at();
        let text = self.scan.text();
        let (end, escaped) = self.scan.name()?;
        Ok(Name { quoted: &text[start..end], escaped, offset: start })
    }

    /// How many entries were met so far.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Where the closing bracket is. Walks on to it if the walk is not there yet.
    pub(crate) fn close(&mut self) -> Result<usize> {
        loop {
            if let Some(close) = self.close {
                return Ok(close);
            }
            self.next()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_slices_of_the_text() {
        let text = " { \"a\" : 1.0 ,\"\\u0062\":[1, 2] } ";
        let mut entries = Entries::of(text, Kind::Object, 128).unwrap().ok().unwrap();
        let mut seen = Vec::new();
        while let Some(entry) = entries.next().unwrap() {
            let name = entry.name.unwrap().text().unwrap().into_owned();
            seen.push((name, &text[entry.whole], &text[entry.value]));
        }
        assert_eq!(seen, [("a".to_owned(), "\"a\" : 1.0", "1.0"), ("b".to_owned(), "\"\\u0062\":[1, 2]", "[1, 2]")]);
        assert_eq!(entries.close().unwrap(), text.len() - 2);
        assert_eq!(entries.count(), 2);
    }

    #[test]
    fn another_kind_is_said_only_of_valid_json() {
        for (text, given) in
            [("[1]", Some(Kind::Array)), (" null", Some(Kind::Null)), ("\"a\"", Some(Kind::String)), ("[1", None)]
        {
            match Entries::of(text, Kind::Object, 128) {
                Ok(Err(kind)) => assert_eq!(Some(kind), given, "{text}"),
                Ok(Ok(_)) => panic!("{text}"),
                Err(_) => assert_eq!(None, given, "{text}"),
            }
        }
    }

    #[test]
    fn the_walk_refuses_what_the_scanner_refuses() {
        for text in ["{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{\"a\":1}x", "{", "{\"a\":1", "{\"a\":1]", "{1:2}"] {
            let mut entries = Entries::of(text, Kind::Object, 128).unwrap().ok().unwrap();
            assert!(entries.close().is_err(), "{text}");
        }
    }
}
