//! The value that names a user inside a config: typed, so that 1 and "1" are two users.

use crate::error::{Result, fail};

/// See the module. Canonical bytes: a type byte, then the value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Identifier {
    String(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
}

impl Identifier {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let (kind, value) = match self {
            Identifier::String(text) => (b's', text.as_bytes().to_vec()),
            Identifier::Integer(number) => (b'i', number.to_be_bytes().to_vec()),
            Identifier::Number(number) => (b'n', number.to_bits().to_be_bytes().to_vec()),
            Identifier::Boolean(truth) => (b'b', vec![u8::from(*truth)]),
        };
        let mut bytes = vec![kind];
        bytes.extend(value);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Identifier> {
        let corrupt = || fail!(Corrupt, "an identifier does not read as one");
        let (kind, value) = bytes.split_first().ok_or_else(corrupt)?;
        Ok(match (kind, value) {
            (b's', text) => Identifier::String(String::from_utf8(text.to_vec()).map_err(|_| corrupt())?),
            (b'i', number) => Identifier::Integer(i64::from_be_bytes(number.try_into().map_err(|_| corrupt())?)),
            (b'n', number) => Identifier::Number(f64::from_bits(u64::from_be_bytes(number.try_into().map_err(|_| corrupt())?))),
            (b'b', [0]) => Identifier::Boolean(false),
            (b'b', [1]) => Identifier::Boolean(true),
            _ => return Err(corrupt()),
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
        for bad in [&b""[..], b"x1", b"b\x02", b"i1", b"s\xff"] {
            assert!(Identifier::from_bytes(bad).is_err());
        }
    }
}
