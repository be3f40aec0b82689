//! Whom a store trusts: the `issuers` of its options.
//!
//! An issuer's definition fixes the identity it can prove: the realm, the claim that names the user, the keys and how
//! long its tokens may live. Nothing in a token or a session configuration changes that.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::algorithm;
use super::claims::{Profile, Rules};
use super::fetch::Fetch;
use super::jwks::KeySet;
use super::key::Key;
use super::key_file::KeyFile;
use super::key_url::{KeyUrl, Pace};
use super::keys::Keys;
use super::members::{Members, boolean, string, strings, whole};
use super::secret;
use crate::clock::Time;
use crate::error::{Code, Error, Result, fail};

const LEEWAY: u32 = 30;
const MAX_LEEWAY: u32 = 120;
const TOKEN_LIFE: u32 = 86_400;
const NAME_BYTES: usize = 512;
const MEMBERS: [&str; 13] = [
    "issuer",
    "audiences",
    "jwks",
    "jwksFile",
    "jwksUrl",
    "jwksCa",
    "symmetric",
    "algorithm",
    "profile",
    "realm",
    "subjectClaim",
    "leeway",
    "maxTokenLife",
];

/// One issuer that is trusted.
pub(super) struct Issuer {
    pub(super) name: Arc<str>,
    pub(super) realm: Arc<str>,
    pub(super) rules: Rules,
    pub(super) keys: Keys,
    pub(super) is_symmetric: bool,
}

/// The issuers of a store's options, by name.
pub(crate) struct Issuers {
    by_name: HashMap<String, Arc<Issuer>>,
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
        let mut issuers = Issuers { by_name: HashMap::new() };
        for (index, entry) in entries.into_iter().enumerate() {
            let issuer = read_entry(entry, secrets, own).map_err(|wrong| wrong.at(index))?;
            if issuers.by_name.insert(issuer.name.to_string(), Arc::new(issuer)).is_some() {
                return Err(bad("issuer", "an entry before it names the same issuer").at(index));
            }
        }
        match secrets.keys().find(|name| !issuers.by_name.get(*name).is_some_and(|issuer| issuer.is_symmetric)) {
            None => Ok(issuers),
            Some(name) => Err(fail!(
                InvalidArgument,
                "a secret was given for {name:?}, which no entry of `issuers` declares with \"symmetric\": true"
            )),
        }
    }

    /// The issuer of that exact name: no slash is added, no case folded.
    pub(super) fn get(&self, name: &str) -> Option<&Arc<Issuer>> {
        self.by_name.get(name)
    }

    /// The longest that a token of any of them may live, in seconds; 0 without issuers.
    pub(super) fn longest_life(&self) -> u32 {
        self.by_name.values().map(|issuer| issuer.longest_life()).max().unwrap_or_default()
    }

    /// All of them, in the order of their names.
    pub(super) fn all(&self) -> Vec<&Arc<Issuer>> {
        let mut all: Vec<_> = self.by_name.values().collect();
        all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        all
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
            profile: Profile::Jwt,
        };
        Issuer { realm: name.clone(), name, rules, keys: Keys::own(keys), is_symmetric: false }
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
            profile: Profile::Jwt,
        }
    }

    /// The longest that its tokens may live, in seconds.
    pub(super) fn longest_life(&self) -> u32 {
        self.rules.max_life.unwrap_or(u32::MAX)
    }

    /// When none of its tokens that were issued until `now` is good any more.
    pub(super) fn outlived(&self, now: Time) -> Time {
        outlived(now.plus_millis(i64::from(self.longest_life()) * 1000))
    }

    /// `UNAVAILABLE`: its keys could not be had yet, or are too old to go by.
    pub(super) fn unknown_keys(&self) -> Error {
        let why = self.keys.trouble().unwrap_or_else(|| "they were not fetched yet".to_owned());
        Error::new(Code::Unavailable, format!("the keys of issuer {:?} are not known: {why}", self.name))
            .with("reason", "keys")
            .with("issuer", &*self.name)
    }
}

/// When a token that ends at `end` is good nowhere any more: other stores may give its issuer another leeway, and have
/// another time.
pub(super) fn outlived(end: Time) -> Time {
    end.plus_millis(2 * i64::from(MAX_LEEWAY) * 1000)
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

fn read_entry(entry: &RawValue, secrets: &Secrets, own: &str) -> Result<Issuer, Wrong> {
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
        profile: profile(&entry)?,
    };
    let realm = name_of(&entry, "realm")?.unwrap_or_else(|| name.clone());
    let is_symmetric = is_symmetric(&entry)?;
    let keys = match is_symmetric {
        true => Keys::fixed(KeySet::of_secret(secret_key(&entry, secrets.get(&name))?), Vec::new()),
        false => public_keys(&entry)?,
    };
    Ok(Issuer { name: name.into(), realm: realm.into(), rules, keys, is_symmetric })
}

/// The members that say where the keys are: one of them.
const SOURCES: [&str; 3] = ["jwks", "jwksFile", "jwksUrl"];

fn public_keys(entry: &Members<'_>) -> Result<Keys, Wrong> {
    if entry.get("algorithm").is_some() {
        return Err(bad("algorithm", "only for a symmetric issuer; a JWK says its own"));
    }
    if SOURCES.iter().filter(|source| entry.get(source).is_some()).count() > 1 {
        return Err(bad("jwks", "one of jwks, jwksFile and jwksUrl says where the keys are, not two"));
    }
    if entry.get("jwksCa").is_some() && entry.get("jwksUrl").is_none() {
        return Err(bad("jwksCa", "only with jwksUrl: whom that server must be certified by"));
    }
    if let Some(jwks) = entry.get("jwks") {
        let (set, refused) = KeySet::admit(jwks.get()).map_err(|why| bad("jwks", &why))?;
        return Ok(Keys::fixed(set, refused));
    }
    if let Some(path) = path(entry, "jwksFile")? {
        return KeyFile::open(&path).map(Keys::File).map_err(|why| bad("jwksFile", &why));
    }
    let Some(url) = entry.get("jwksUrl") else {
        return Err(bad("jwks", "required: {\"keys\": [...]}, or jwksFile, jwksUrl, or \"symmetric\": true"));
    };
    let url = string(url).ok_or_else(|| bad("jwksUrl", "an https:// URL"))?;
    let ca = path(entry, "jwksCa")?;
    let member = |why: &str| bad(if why.contains("certificate") { "jwksCa" } else { "jwksUrl" }, why);
    let fetch = Fetch::new(&url, ca.as_deref()).map_err(|why| member(&why))?;
    Ok(Keys::Url(KeyUrl::new(fetch, Pace::default())))
}

fn path(entry: &Members<'_>, member: &str) -> Result<Option<PathBuf>, Wrong> {
    match entry.get(member).map(string) {
        None => Ok(None),
        Some(Some(path)) if !path.is_empty() => Ok(Some(path.into())),
        Some(_) => Err(bad(member, "a path")),
    }
}

fn profile(entry: &Members<'_>) -> Result<Profile, Wrong> {
    match entry.get("profile").map(string) {
        None => Ok(Profile::Jwt),
        Some(Some(name)) if name == "jwt" => Ok(Profile::Jwt),
        Some(Some(name)) if name == "rfc9068" => Ok(Profile::Rfc9068),
        Some(_) => Err(bad("profile", "jwt (the default) or rfc9068")),
    }
}

fn secret_key(entry: &Members<'_>, given: Option<&Zeroizing<Vec<u8>>>) -> Result<Key, Wrong> {
    if let Some(source) = SOURCES.into_iter().find(|source| entry.get(source).is_some()) {
        return Err(bad(source, "a symmetric issuer has a secret instead, given outside the options' JSON"));
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

    fn keys_at(member: &str, place: Value) -> Value {
        let mut entry = entry(json!({}));
        entry.as_object_mut().unwrap().remove("jwks");
        entry[member] = place;
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
        assert!(issuers.get("https://id/").is_none());
        assert!(issuer.keys.current().unwrap().refused.is_empty());
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
            (entry(json!({"jwksFile": "keys.json"})), "issuers[1].jwks: "),
            (entry(json!({"jwksCa": "ca.pem"})), "issuers[1].jwksCa: "),
            (entry(json!({"profile": "RFC9068"})), "issuers[1].profile: "),
            (entry(json!({"profile": null})), "issuers[1].profile: "),
            (keys_at("jwksFile", json!("/nowhere/keys.json")), "issuers[1].jwksFile: "),
            (keys_at("jwksFile", json!("")), "issuers[1].jwksFile: "),
            (keys_at("jwksUrl", json!("http://id/keys")), "issuers[1].jwksUrl: "),
            (keys_at("jwksUrl", json!("HTTPS://id/keys")), "issuers[1].jwksUrl: "),
            (keys_at("jwksUrl", json!("https://u:p@id/keys")), "issuers[1].jwksUrl: "),
            (keys_at("jwksUrl", json!("https:///keys")), "issuers[1].jwksUrl: "),
            (keys_at("jwksUrl", json!("file:///keys")), "issuers[1].jwksUrl: "),
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
    fn refused_keys_are_told() {
        let keys = json!([{"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "k"}, {"kty": "oct", "kid": "s"}]);
        let issuers = read(&[entry(json!({"jwks": {"keys": keys}}))], &[]).ok().unwrap();
        let keys = issuers.get("https://id").unwrap().keys.current().unwrap();
        let [refused] = keys.refused.as_slice() else { panic!("one key is refused") };
        assert_eq!((refused.index, refused.kid.as_deref()), (1, Some("s")));
        assert!(refused.reason.contains("secret"));
    }
}
