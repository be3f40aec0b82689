//! The keys of one issuer: a JWK set (RFC 7517 §5), of which the fit keys are admitted.
//!
//! A key that is refused doesn't spoil the set; a set of which nothing is left is refused as a whole.

use serde_json::value::RawValue;

use super::jwk::{self, Reason, is_kid};
use super::key::{Key, Print};
use super::members::{Members, array, string};

/// The keys of one issuer.
pub(super) struct KeySet {
    keys: Vec<Key>,
    any_name: bool,
}

/// A key that was not admitted, by its place in the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) index: usize,
    pub(super) kid: Option<String>,
    pub(super) reason: String,
}

impl KeySet {
    /// Keys that need no vetting: our own.
    pub(super) fn of(keys: Vec<Key>) -> KeySet {
        KeySet { keys, any_name: false }
    }

    /// Admits what is fit of `{"keys": […]}`; an error if that is nothing.
    pub(super) fn admit(jwks: &str) -> Result<(KeySet, Vec<Refused>), Reason> {
        let members = Members::read(jwks).map_err(|why| format!("the key set {}", why.as_str()))?;
        let given = members.get("keys").and_then(array).ok_or("a key set is an object {\"keys\": [...]}")?;
        if given.is_empty() {
            return Err("the key set is empty".to_owned());
        }
        let kids: Vec<Option<String>> = given.iter().map(|jwk| kid_of(jwk)).collect();
        let mut keys = Vec::new();
        let mut refused = Vec::new();
        for (index, jwk) in given.iter().enumerate() {
            match check_name(&kids, index).and_then(|()| jwk::admit(jwk)) {
                Ok(key) => keys.push(key),
                Err(reason) => refused.push(Refused { index, kid: kids[index].clone(), reason }),
            }
        }
        match keys.is_empty() {
            false => Ok((KeySet { keys, any_name: false }, refused)),
            true => Err(format!("no key of the set can be used: {}", list(&refused))),
        }
    }

    /// The key of a symmetric issuer. Its secret has no name, so any will do.
    pub(super) fn of_secret(key: Key) -> KeySet {
        KeySet { keys: vec![key], any_name: true }
    }

    /// Whether that key is in it.
    pub(super) fn has(&self, print: &Print) -> bool {
        self.keys.iter().any(|key| key.print() == print)
    }

    /// The names of its keys.
    pub(super) fn kids(&self) -> impl Iterator<Item = Option<&str>> {
        self.keys.iter().map(|key| key.kid.as_deref())
    }

    /// The key of that exact name. A token without one means the only key there is (RFC 7515 §4.1.4 makes `kid`
    /// optional); with several, guessing would be trial verification.
    pub(super) fn find(&self, kid: Option<&str>) -> Option<&Key> {
        match (kid, self.keys.as_slice()) {
            (_, [only]) if self.any_name => Some(only),
            (Some(_), keys) => keys.iter().find(|key| key.kid.as_deref() == kid),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

fn list(refused: &[Refused]) -> String {
    let reasons: Vec<String> = refused
        .iter()
        .map(|key| match &key.kid {
            Some(kid) => format!("keys[{}] (kid {kid:?}): {}", key.index, key.reason),
            None => format!("keys[{}]: {}", key.index, key.reason),
        })
        .collect();
    reasons.join("; ")
}

/// The key's name, if it has a proper one.
fn kid_of(jwk: &RawValue) -> Option<String> {
    let kid = string(Members::read(jwk.get()).ok()?.get("kid")?)?;
    is_kid(&kid).then_some(kid)
}

fn check_name(kids: &[Option<String>], index: usize) -> Result<(), Reason> {
    match &kids[index] {
        None if kids.len() > 1 => Err("one of several keys needs a kid".to_owned()),
        Some(kid) if kids.iter().flatten().filter(|other| *other == kid).count() > 1 => {
            Err("another key of the set has the same kid".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::jwk::tests::{ed, p256, with};
    use super::*;

    fn admit(keys: &[Value]) -> Result<(KeySet, Vec<Refused>), Reason> {
        KeySet::admit(&json!({"keys": keys}).to_string())
    }

    #[test]
    fn sets() {
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#, r#"{"keys":[1]}"#, r#"{"keys":[],"keys":[]}"#]
        {
            assert!(KeySet::admit(text).is_err(), "{text}");
        }
        let text = json!({"keys": [ed()], "issuer": "somebody"}).to_string();
        assert!(KeySet::admit(&text).is_ok(), "members beside keys are ignored (RFC 7517 section 5)");
    }

    #[test]
    fn what_is_refused_is_named_and_the_rest_works() {
        let rsa = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "RS256", "kid": "small"});
        let nameless = with(p256(), "kid", Value::Null);
        let (set, refused) = admit(&[ed(), rsa, nameless]).ok().unwrap();
        assert!(set.find(Some("ed")).is_some() && set.find(Some("small")).is_none());
        let names: Vec<_> = refused.iter().map(|key| (key.index, key.kid.as_deref())).collect();
        assert_eq!(names, [(1, Some("small")), (2, None)]);
        assert_eq!(refused[0].reason, "its modulus has 17 bits; 2048 to 4096 are accepted");
        assert_eq!(refused[1].reason, "one of several keys needs a kid");
    }

    #[test]
    fn a_set_of_which_nothing_is_left_says_why_without_key_bytes() {
        let key = with(p256(), "d", json!("c2VjcmV0"));
        let why = admit(&[key.clone(), with(ed(), "use", json!("enc"))]).err().unwrap();
        assert!(why.contains("keys[0] (kid \"p256\"): it has the private member d"), "{why}");
        assert!(why.contains("keys[1] (kid \"ed\"): its use is not sig"), "{why}");
        assert!(!why.contains("c2VjcmV0") && !why.contains(key["x"].as_str().unwrap()), "{why}");
    }

    #[test]
    fn keys_of_one_name_are_both_refused() {
        let (set, refused) = admit(&[ed(), with(p256(), "kid", json!("ed")), p256()]).ok().unwrap();
        assert!(set.find(Some("ed")).is_none() && set.find(Some("p256")).is_some());
        assert_eq!(refused.len(), 2);
    }

    #[test]
    fn the_only_key_answers_for_no_name_but_not_for_another() {
        let (set, _) = admit(&[ed()]).ok().unwrap();
        assert!(set.find(None).is_some() && set.find(Some("ed")).is_some() && set.find(Some("ED")).is_none());
        let (set, _) = admit(&[with(ed(), "kid", Value::Null)]).ok().unwrap();
        assert!(set.find(None).is_some() && set.find(Some("ed")).is_none());
        let (set, _) = admit(&[ed(), p256()]).ok().unwrap();
        assert!(set.find(None).is_none());
    }
}
