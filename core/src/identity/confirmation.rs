//! Proof of possession (RFC 7800): which key a token is bound to, and whether the host saw its holder prove it.
//!
//! The proof itself (a DPoP header, RFC 9449; a client certificate, RFC 8705) is the host's to verify: it stands at the
//! connection. What it found comes with the trigger; here it is compared.

use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use super::members::{Members, string};
use super::refusal::claim;
use crate::error::{Error, Result, fail};
use serde_json::value::RawValue;

/// The ways of confirmation that can be compared: the thumbprint of a key (RFC 9449 §6.1) and that of a certificate
/// (RFC 8705 §3.1). Both are SHA-256 in base64url without padding.
const METHODS: [&str; 2] = ["jkt", "x5t#S256"];
const THUMBPRINT: usize = 43;

/// A token's `cnf`, or what a host verified: the thumbprints, by method.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub(crate) struct Confirmation([Option<Box<str>>; METHODS.len()]);

impl Confirmation {
    /// From the claim of a token. What can't be compared refuses the token: whoever bound it meant it.
    pub(super) fn of_claim(value: &RawValue) -> Result<Confirmation> {
        let bad = |why: &str| claim("cnf", "cnf", why);
        let members = Members::read(value.get()).map_err(|_| bad("not an object"))?;
        let mut confirmation = Confirmation::default();
        for (name, value) in members.iter() {
            let Some(at) = METHODS.iter().position(|method| *method == name) else {
                return Err(bad("the token is bound in a way that is not jkt or x5t#S256"));
            };
            let thumbprint = string(value).filter(|text| is_thumbprint(text));
            confirmation.0[at] = Some(thumbprint.ok_or_else(|| bad("not a SHA-256 thumbprint"))?.into());
        }
        match confirmation.is_nothing() {
            true => Err(bad("it names no key")),
            false => Ok(confirmation),
        }
    }

    /// From the member `proof` of a trigger: `{"jkt": "…"}`, `{"x5t#S256": "…"}`, or both. `INVALID_ARGUMENT`.
    pub(crate) fn of_host(given: &Map<String, Value>) -> Result<Confirmation> {
        let mut proof = Confirmation::default();
        for (name, value) in given {
            let Some(at) = METHODS.iter().position(|method| method == name) else {
                return Err(bad_proof(&format!("there is no member {name:?}; it has jkt and x5t#S256")));
            };
            let thumbprint = value.as_str().filter(|text| is_thumbprint(text));
            let wanted = || bad_proof("a thumbprint is a SHA-256 in base64url, 43 characters");
            proof.0[at] = Some(thumbprint.ok_or_else(wanted)?.into());
        }
        match proof.is_nothing() {
            true => Err(bad_proof("jkt or x5t#S256 is wanted")),
            false => Ok(proof),
        }
    }

    /// `TOKEN_CLAIMS` unless the host verified a proof for everything that the token is bound to.
    pub(super) fn check(&self, proven: &Confirmation) -> Result<()> {
        let holds = self.0.iter().zip(&proven.0).all(|(wanted, given)| match (wanted, given) {
            (None, _) => true,
            (Some(wanted), Some(given)) => bool::from(wanted.as_bytes().ct_eq(given.as_bytes())),
            (Some(_), None) => false,
        });
        match holds {
            true => Ok(()),
            false => Err(claim(
                "cnf",
                "cnf",
                "the token is bound to a key whose possession was not proven: give the trigger its `proof`",
            )),
        }
    }

    fn is_nothing(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

fn is_thumbprint(text: &str) -> bool {
    text.len() == THUMBPRINT && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn bad_proof(message: &str) -> Error {
    fail!(InvalidArgument, "trigger.proof: {message}").with("argument", "trigger").with("member", "proof")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn thumbprint(letter: &str) -> String {
        letter.repeat(THUMBPRINT)
    }

    fn of_claim(value: Value) -> Result<Confirmation> {
        Confirmation::of_claim(&serde_json::from_str::<Box<RawValue>>(&value.to_string()).unwrap())
    }

    fn of_host(value: Value) -> Confirmation {
        Confirmation::of_host(value.as_object().unwrap()).unwrap()
    }

    #[test]
    fn everything_that_the_token_names_is_proven() {
        let (a, b) = (thumbprint("a"), thumbprint("b"));
        let both = json!({"jkt": a, "x5t#S256": b});
        let cases = [
            (json!({"jkt": a}), json!({"jkt": a}), true),
            (json!({"jkt": a}), both.clone(), true),
            (json!({"jkt": a}), json!({"jkt": b}), false),
            (json!({"jkt": a}), json!({"x5t#S256": a}), false),
            (json!({"x5t#S256": b}), json!({"x5t#S256": b}), true),
            (both.clone(), both.clone(), true),
            (both.clone(), json!({"jkt": a}), false),
        ];
        for (wanted, given, holds) in cases {
            assert_eq!(
                of_claim(wanted.clone()).unwrap().check(&of_host(given.clone())).is_ok(),
                holds,
                "{wanted} {given}"
            );
        }
        let error = of_claim(both).unwrap().check(&Confirmation::default()).unwrap_err();
        assert_eq!(error.details()["claim"], "cnf");
    }

    #[test]
    fn what_can_not_be_compared_is_refused() {
        let a = thumbprint("a");
        for value in [
            json!(null),
            json!("x"),
            json!({}),
            json!({"jwk": {}}),
            json!({"kid": "k"}),
            json!({"jkt": a, "jku": "https://x"}),
            json!({"jkt": 7}),
            json!({"jkt": ""}),
            json!({"jkt": format!("{a}a")}),
            json!({"JKT": a}),
        ] {
            assert!(of_claim(value.clone()).is_err(), "{value}");
            if let Some(members) = value.as_object() {
                assert!(Confirmation::of_host(members).is_err(), "{value}");
            }
        }
    }
}
