//! Whom a store trusts: the `issuers` of its options.
//!
//! An issuer's definition fixes the identity it can prove: the realm, the claim that names the user, the keys and how
//! long its tokens may live. Nothing in a token or a session configuration changes that.

use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::algorithm;
use super::claims::Rules;
use super::jwks::{KeySet, Refused};
use super::key::Key;
use super::members::{Members, boolean, string, strings, whole};
use super::secret;
use crate::error::{Error, Result, fail};

const LEEWAY: u32 = 30;
const MAX_LEEWAY: u32 = 120;
const TOKEN_LIFE: u32 = 86_400;
const NAME_BYTES: usize = 512;
const MEMBERS: [&str; 9] =
    ["issuer", "audiences", "jwks", "symmetric", "algorithm", "realm", "subjectClaim", "leeway", "maxTokenLife"];

/// One issuer that is trusted.
pub(super) struct Issuer {
    pub(super) name: Arc<str>,
    pub(super) realm: Arc<str>,
    pub(super) rules: Rules,
    keys: Keys,
}

enum Keys {
    Set(KeySet),
    Secret(Key),
}

/// The issuers of a store's options, by name.
pub(crate) struct Issuers {
    by_name: HashMap<String, Issuer>,
    refused: Vec<RefusedKey>,
}

/// A key of an issuer's set that is not used, and why. It never has the key's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedKey {
    /// The issuer.
    pub(crate) issuer: String,
    /// The key's place in the set.
    pub(crate) index: usize,
    /// The key's name, if it has a proper one.
    pub(crate) kid: Option<String>,
    /// Why: `its use is not sig`.
    pub(crate) reason: String,
}

/// The secrets of symmetric issuers, by issuer; they never ride in the options' JSON.
pub(crate) type Secrets = HashMap<String, Zeroizing<Vec<u8>>>;

impl Issuers {
    /// Reads the entries of `issuers`, each a JSON object, and gives the symmetric ones their secrets. `own` is the
    /// store's own issuer, which nobody else may be.
    pub(crate) fn read<'a>(
        entries: impl IntoIterator<Item = &'a RawValue>,
        secrets: &Secrets,
        own: &str,
    ) -> Result<Issuers> {
        let mut issuers = Issuers { by_name: HashMap::new(), refused: Vec::new() };
        for (index, entry) in entries.into_iter().enumerate() {
            let (issuer, refused) = read_entry(entry, secrets, own).map_err(|wrong| wrong.at(index))?;
            let name = issuer.name.to_string();
            issuers.refused.extend(refused.into_iter().map(|Refused { index, kid, reason }| RefusedKey {
                issuer: name.clone(),
                index,
                kid,
                reason,
            }));
            if issuers.by_name.insert(name, issuer).is_some() {
                return Err(bad("issuer", "an entry before it names the same issuer").at(index));
            }
        }
        match secrets.keys().find(|name| !issuers.by_name.get(*name).is_some_and(Issuer::is_symmetric)) {
            None => Ok(issuers),
            Some(name) => Err(fail!(
                InvalidArgument,
                "a secret was given for {name:?}, which no entry of `issuers` declares with \"symmetric\": true"
            )),
        }
    }

    /// The issuer of that exact name: no slash is added, no case folded.
    pub(super) fn get(&self, name: &str) -> Option<&Issuer> {
        self.by_name.get(name)
    }

    /// The longest that a token of any of them may live, in seconds; 0 without issuers.
    pub(super) fn longest_life(&self) -> u32 {
        self.by_name.values().map(Issuer::longest_life).max().unwrap_or_default()
    }

    /// The keys that were given but are not used.
    #[cfg_attr(not(test), expect(dead_code, reason = "told to hosts when key sets can reload"))]
    pub(crate) fn refused_keys(&self) -> &[RefusedKey] {
        &self.refused
    }
}

impl Issuer {
    /// The store's own issuer: it is its own audience and realm.
    pub(super) fn own(name: &str, keys: KeySet) -> Issuer {
        let name: Arc<str> = name.into();
        let rules = Rules {
            audiences: vec![name.to_string()],
            subject_claim: "sub".to_owned(),
            leeway: LEEWAY,
            exact_end: false,
            max_life: Some(TOKEN_LIFE),
        };
        Issuer { realm: name.clone(), name, rules, keys: Keys::Set(keys) }
    }

    /// The rules for this issuer's session tokens: their config says how long they live, and to whom we gave one we said
    /// when it ends.
    pub(super) fn session_rules(&self) -> Rules {
        Rules {
            audiences: self.rules.audiences.clone(),
            subject_claim: self.rules.subject_claim.clone(),
            leeway: self.rules.leeway,
            exact_end: true,
            max_life: None,
        }
    }

    /// The longest that its tokens may live, in seconds.
    pub(super) fn longest_life(&self) -> u32 {
        self.rules.max_life.unwrap_or(u32::MAX)
    }

    /// The key that a header's `kid` means. A secret has no name of its own, so any will do for it.
    pub(super) fn key(&self, kid: Option<&str>) -> Option<&Key> {
        match &self.keys {
            Keys::Set(keys) => keys.find(kid),
            Keys::Secret(key) => Some(key),
        }
    }

    fn is_symmetric(&self) -> bool {
        matches!(self.keys, Keys::Secret(_))
    }
}

/// What is wrong with an entry, and with which member of it.
struct Wrong {
    member: String,
    why: String,
}

impl Wrong {
    /// `INVALID_ARGUMENT`: `issuers[0].audiences: …`.
    fn at(self, index: usize) -> Error {
        let dot = if self.member.is_empty() { "" } else { "." };
        fail!(InvalidArgument, "issuers[{index}]{dot}{}: {}", self.member, self.why)
    }
}

fn bad(member: &str, why: &str) -> Wrong {
    Wrong { member: member.to_owned(), why: why.to_owned() }
}

fn read_entry(entry: &RawValue, secrets: &Secrets, own: &str) -> Result<(Issuer, Vec<Refused>), Wrong> {
    let entry = Members::read(entry.get()).map_err(|why| bad("", &format!("the entry {}", why.as_str())))?;
    if let Some((name, _)) = entry.iter().find(|(name, _)| !MEMBERS.contains(name)) {
        return Err(bad(name, &format!("unknown member; known are {}", MEMBERS.join(", "))));
    }
    let name = name_of(&entry, "issuer")?.ok_or_else(|| bad("issuer", "required: the issuer's exact `iss`"))?;
    if name == own {
        return Err(bad("issuer", "that is the store's own issuer, which is trusted without an entry"));
    }
    let rules = Rules {
        audiences: audiences(&entry)?,
        subject_claim: name_of(&entry, "subjectClaim")?.unwrap_or_else(|| "sub".to_owned()),
        leeway: seconds(&entry, "leeway", 0, MAX_LEEWAY)?.unwrap_or(LEEWAY),
        exact_end: false,
        max_life: Some(seconds(&entry, "maxTokenLife", 1, u32::MAX)?.unwrap_or(TOKEN_LIFE)),
    };
    let realm = name_of(&entry, "realm")?.unwrap_or_else(|| name.clone());
    let (keys, refused) = match is_symmetric(&entry)? {
        true => (Keys::Secret(secret_key(&entry, secrets.get(&name))?), Vec::new()),
        false => public_keys(&entry)?,
    };
    Ok((Issuer { name: name.into(), realm: realm.into(), rules, keys }, refused))
}

fn public_keys(entry: &Members<'_>) -> Result<(Keys, Vec<Refused>), Wrong> {
    if entry.get("algorithm").is_some() {
        return Err(bad("algorithm", "only for a symmetric issuer; a JWK says its own"));
    }
    let jwks = entry.get("jwks").ok_or_else(|| bad("jwks", "required: {\"keys\": [...]}, or \"symmetric\": true"))?;
    let (keys, refused) = KeySet::admit(jwks.get()).map_err(|why| bad("jwks", &why))?;
    Ok((Keys::Set(keys), refused))
}

fn secret_key(entry: &Members<'_>, given: Option<&Zeroizing<Vec<u8>>>) -> Result<Key, Wrong> {
    if entry.get("jwks").is_some() {
        return Err(bad("jwks", "a symmetric issuer has a secret instead, given outside the options' JSON"));
    }
    let algorithm = match entry.get("algorithm") {
        None => Algorithm::HS256,
        Some(value) => string(value)
            .and_then(|name| algorithm::named(&name))
            .filter(|algorithm| algorithm::hmac_bytes(*algorithm).is_some())
            .ok_or_else(|| bad("algorithm", "HS256, HS384 or HS512"))?,
    };
    let given = given.ok_or_else(|| bad("symmetric", "its secret is missing: set it through the issuer secrets"))?;
    secret::admit(given, algorithm).map_err(|why| bad("symmetric", &why))
}

fn audiences(entry: &Members<'_>) -> Result<Vec<String>, Wrong> {
    let wanted = || bad("audiences", "required: an array of the `aud` values meant for this store, none empty");
    let given = entry.get("audiences").and_then(strings).ok_or_else(wanted)?;
    if given.is_empty() || !given.iter().all(|audience| is_name(audience)) {
        return Err(wanted());
    }
    Ok(given)
}

fn is_symmetric(entry: &Members<'_>) -> Result<bool, Wrong> {
    match entry.get("symmetric") {
        None => Ok(false),
        Some(value) => boolean(value).ok_or_else(|| bad("symmetric", "true or false")),
    }
}

fn name_of(entry: &Members<'_>, member: &str) -> Result<Option<String>, Wrong> {
    match entry.get(member) {
        None => Ok(None),
        Some(value) => string(value)
            .filter(|text| is_name(text))
            .map(Some)
            .ok_or_else(|| bad(member, "a string of 1 to 512 bytes without control characters")),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES && !text.chars().any(char::is_control)
}

fn seconds(entry: &Members<'_>, member: &str, least: u32, most: u32) -> Result<Option<u32>, Wrong> {
    let Some(value) = entry.get(member) else { return Ok(None) };
    match whole(value).and_then(|secs| u32::try_from(secs).ok()).filter(|secs| (least..=most).contains(secs)) {
        Some(secs) => Ok(Some(secs)),
        None => Err(bad(member, &format!("a whole number of seconds from {least} to {most}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::Code;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn entry(changes: Value) -> Value {
        let mut entry = json!({
            "issuer": "https://id", "audiences": ["shop"],
            "jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "k"}]},
        });
        for (name, value) in changes.as_object().unwrap() {
            entry[name] = value.clone();
        }
        entry
    }

    fn symmetric(changes: Value) -> Value {
        let mut entry = entry(changes);
        entry.as_object_mut().unwrap().remove("jwks");
        entry["symmetric"] = json!(true);
        entry
    }

    fn read(entries: &[Value], secrets: &[(&str, &[u8])]) -> Result<Issuers> {
        let raw: Vec<Box<RawValue>> = serde_json::from_str(&json!(entries).to_string()).unwrap();
        let secrets =
            secrets.iter().map(|(name, secret)| (name.to_string(), Zeroizing::new(secret.to_vec()))).collect();
        Issuers::read(raw.iter().map(|entry| &**entry), &secrets, "sessile:a/b/c")
    }

    #[test]
    fn defaults() {
        let issuers = read(&[entry(json!({}))], &[]).ok().unwrap();
        let issuer = issuers.get("https://id").unwrap();
        assert_eq!((&*issuer.realm, issuer.rules.subject_claim.as_str()), ("https://id", "sub"));
        assert_eq!((issuer.rules.leeway, issuer.rules.max_life), (30, Some(86_400)));
        assert!(issuers.get("https://id/").is_none() && issuers.refused_keys().is_empty());
    }

    #[test]
    fn errors_name_the_entry_and_its_member() {
        let cases: &[(Value, &str)] = &[
            (json!("https://id"), "issuers[1]: "),
            (entry(json!({"issuer": ""})), "issuers[1].issuer: "),
            (entry(json!({"issuer": 1})), "issuers[1].issuer: "),
            (entry(json!({"issuer": "sessile:a/b/c"})), "issuers[1].issuer: "),
            (entry(json!({"issuer": "https://first"})), "issuers[1].issuer: "),
            (entry(json!({"audiences": []})), "issuers[1].audiences: "),
            (entry(json!({"audiences": "shop"})), "issuers[1].audiences: "),
            (entry(json!({"audiences": ["shop", ""]})), "issuers[1].audiences: "),
            (entry(json!({"audiences": [1]})), "issuers[1].audiences: "),
            (entry(json!({"audience": ["shop"]})), "issuers[1].audience: "),
            (entry(json!({"subject_claim": "sub"})), "issuers[1].subject_claim: "),
            (entry(json!({"subjectClaim": ""})), "issuers[1].subjectClaim: "),
            (entry(json!({"realm": ["r"]})), "issuers[1].realm: "),
            (entry(json!({"leeway": 121})), "issuers[1].leeway: "),
            (entry(json!({"leeway": -1})), "issuers[1].leeway: "),
            (entry(json!({"leeway": 1.5})), "issuers[1].leeway: "),
            (entry(json!({"leeway": "30"})), "issuers[1].leeway: "),
            (entry(json!({"maxTokenLife": 0})), "issuers[1].maxTokenLife: "),
            (entry(json!({"algorithm": "ES256"})), "issuers[1].algorithm: "),
            (entry(json!({"jwks": null})), "issuers[1].jwks: "),
            (entry(json!({"jwks": {"keys": []}})), "issuers[1].jwks: "),
            (entry(json!({"symmetric": "yes"})), "issuers[1].symmetric: "),
            (entry(json!({"symmetric": true})), "issuers[1].jwks: "),
            (symmetric(json!({})), "issuers[1].symmetric: "),
            (symmetric(json!({"algorithm": "RS256"})), "issuers[1].algorithm: "),
        ];
        for (wrong, place) in cases {
            let error = read(&[entry(json!({"issuer": "https://first"})), wrong.clone()], &[]).err().unwrap();
            assert_eq!(error.code(), Code::InvalidArgument);
            assert!(error.message().starts_with(place), "{place} {error}");
            assert!(!error.message().contains(X), "{error}");
        }
    }

    #[test]
    fn a_secret_has_an_issuer_that_was_declared_symmetric() {
        let secret = b"0123456789abcdef0123456789ABCDEF";
        assert!(read(&[symmetric(json!({}))], &[("https://id", secret)]).is_ok());
        assert!(read(&[symmetric(json!({}))], &[]).is_err());
        assert!(read(&[symmetric(json!({"algorithm": "HS384"}))], &[("https://id", secret)]).is_err());
        for undeclared in
            [read(&[entry(json!({}))], &[("https://id", secret)]), read(&[], &[("https://other", secret)])]
        {
            let error = undeclared.err().unwrap();
            assert_eq!(error.code(), Code::InvalidArgument);
            assert!(!error.message().contains("0123456789"), "{error}");
        }
    }

    #[test]
    fn refused_keys_are_reported_with_their_issuer() {
        let keys = json!([{"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "k"}, {"kty": "oct", "kid": "s"}]);
        let issuers = read(&[entry(json!({"jwks": {"keys": keys}}))], &[]).ok().unwrap();
        let [refused] = issuers.refused_keys() else { panic!("one key is refused") };
        assert_eq!((refused.issuer.as_str(), refused.index, refused.kid.as_deref()), ("https://id", 1, Some("s")));
        assert!(refused.reason.contains("secret"));
    }
}
