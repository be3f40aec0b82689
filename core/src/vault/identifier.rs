//! The value that names a user inside a config: typed, so that 1 and "1" are two users.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::{Result, fail};

/// See the module. Canonical bytes: a type byte, then the value.
#[derive(Clone, PartialEq)]
pub(crate) enum Identifier {
    String(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
}

impl Identifier {
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.length()));
        self.write(&mut bytes);
        bytes
    }

    /// How many bytes it is written in.
    pub(super) fn length(&self) -> usize {
        1 + match self {
            Identifier::String(text) => text.len(),
            Identifier::Integer(_) | Identifier::Number(_) => 8,
            Identifier::Boolean(_) => 1,
        }
    }

    pub(super) fn write(&self, to: &mut Vec<u8>) {
        match self {
            Identifier::String(text) => {
                to.push(b's');
                to.extend(text.as_bytes());
            }
            Identifier::Integer(number) => {
                to.push(b'i');
                to.extend(number.to_be_bytes());
            }
            // Minus zero equals zero, so it is written like zero.
            Identifier::Number(number) => {
                to.push(b'n');
                to.extend((number + 0.0).to_bits().to_be_bytes());
            }
            Identifier::Boolean(truth) => to.extend([b'b', u8::from(*truth)]),
        }
    }

    /// As a JSON value.
    pub(crate) fn to_json(&self) -> String {
        match self {
            Identifier::String(text) => Value::from(text.as_str()).to_string(),
            Identifier::Integer(number) => number.to_string(),
            Identifier::Number(number) => Value::from(*number).to_string(),
            Identifier::Boolean(truth) => truth.to_string(),
        }
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Identifier> {
        let corrupt = || fail!(Corrupt, "an identifier does not read as one");
        let (kind, value) = bytes.split_first().ok_or_else(corrupt)?;
        Ok(match (kind, value) {
            (b's', text) => Identifier::String(std::str::from_utf8(text).map_err(|_| corrupt())?.to_owned()),
            (b'i', number) => Identifier::Integer(i64::from_be_bytes(number.try_into().map_err(|_| corrupt())?)),
            (b'n', number) => {
                let number = f64::from_bits(u64::from_be_bytes(number.try_into().map_err(|_| corrupt())?));
                // JSON has no others, and one that is none is not even equal to itself.
                Identifier::Number(Some(number).filter(|number| number.is_finite()).ok_or_else(corrupt)?)
            }
            (b'b', [0]) => Identifier::Boolean(false),
            (b'b', [1]) => Identifier::Boolean(true),
            _ => return Err(corrupt()),
        })
    }
}

/// Its type only: the value names a person.
impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Identifier::String(_) => "String(..)",
            Identifier::Integer(_) => "Integer(..)",
            Identifier::Number(_) => "Number(..)",
            Identifier::Boolean(_) => "Boolean(..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_kept_apart_and_read_back() {
        let all = [
            Identifier::String("1".into()),
            Identifier::String(String::new()),
            Identifier::Integer(1),
            Identifier::Number(1.0),
            Identifier::Boolean(true),
            Identifier::Boolean(false),
        ];
        for (i, a) in all.iter().enumerate() {
            assert_eq!(Identifier::from_bytes(&a.to_bytes()).unwrap(), *a);
            for b in &all[i + 1..] {
                assert_ne!(a.to_bytes(), b.to_bytes());
            }
        }
        for bad in [&b""[..], b"x1", b"b\x02", b"i1", b"s\xff", b"n\x7f\xf0\0\0\0\0\0\0", b"n\xff\xff\0\0\0\0\0\x01"] {
            assert!(Identifier::from_bytes(bad).is_err());
        }
    }
}
