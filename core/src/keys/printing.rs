//! Who holds a secret is not printed, or prints none of it: the list of all such types, and what they print.

use std::fmt::Debug;
use std::marker::PhantomData;

use crate::clock::Time;
use crate::options::{KeyringSource, Options};
use crate::store::Store;
use crate::vault::{self, Entropy, Head, HeadState, Identifier, Keyring, Owner, Ring, User, Vault};
use crate::{backend, identity, lifecycle};

/// Whether a type can be printed: the inherent constant is there only if it can, and wins if it is.
pub(crate) struct Printing<T>(PhantomData<T>);

pub(crate) trait Unprinted {
    const PRINTED: bool = false;
}

impl<T> Unprinted for Printing<T> {}

impl<T: Debug> Printing<T> {
    pub(crate) const PRINTED: bool = true;
}

macro_rules! assert_unprinted {
    ($($kind:ty),+ $(,)?) => {{
        #[allow(unused_imports, reason = "used if one of them can't be printed, as it should be")]
        use $crate::keys::printing::{Printing, Unprinted};
        $(const { assert!(!Printing::<$kind>::PRINTED, concat!(stringify!($kind), " can be printed")) };)+
    }};
}
pub(crate) use assert_unprinted;

#[test]
fn most_types_that_hold_a_secret_cannot_be_printed() {
    assert_unprinted!(
        Ring,
        vault::InForce,
        vault::CatalogVault,
        Entropy,
        backend::SealedField,
        backend::Record,
        backend::UserRecord,
        backend::Change,
        backend::Effects,
        backend::Replacement,
        identity::Signer,
        identity::OwnKey,
        identity::Verifier,
        identity::SessionClaims<'static>,
        identity::SessionRef,
        KeyringSource,
        crate::session::seen::Seen,
        crate::session::Heads,
        crate::session::HighWater,
        crate::session::field::Field,
        crate::store::Inner,
        super::Keys,
        crate::secrets::UserSecrets,
    );
    vault::assert_inner_types_unprinted();
    lifecycle::assert_tokens_unprinted();
    const { assert!(Printing::<String>::PRINTED, "the probe tells nothing apart") };
}

#[test]
fn the_others_print_none_of_it() {
    const HMAC_SECRET: &[u8] = b"Vq7#mZ2!tR9@xK4$wN8%bL3^cJ6&yH5*dG1(fP0)sQ";
    const SECRETS: [&str; 5] = ["hush", "ada@example.org", "realm.example", "119, 119", "Vq7#"];
    let json = Keyring::generate_json().unwrap();
    let file: serde_json::Value = serde_json::from_str(&json).unwrap();
    let keys: Vec<&str> = ["/data/0/key", "/index/key", "/signing/0/key"]
        .iter()
        .map(|key| file.pointer(key).unwrap().as_str().unwrap())
        .collect();
    let keyring = Keyring::from_bytes(json.as_bytes()).unwrap();
    let namespace = vault::Namespace::new("w", "p", "e").unwrap();
    let ring = std::sync::Arc::new(Ring::given(keyring.clone()));
    let vault = Vault::new(ring.clone(), namespace);
    let identifier = Identifier::String("ada@example.org".into());
    let at = Time::from_secs(1);
    let head = Head {
        life: [0x77; 16],
        state: HeadState::Alive,
        not_before: None,
        began: at,
        ends: None,
        idle: None,
        config_version: 1,
        refresh_counter: 0,
        refresh_time: None,
        owner: Owner::plain("realm.example", &identifier),
    };
    let owner = Owner::plain("realm.example", &identifier);
    let user = User { owner, first_seen: at, last_end: None, begun: 1, until: None };
    let options = || {
        let options = Options::from_json(
            r#"{"url": "memory:", "issuers": [{"issuer": "i", "audiences": ["a"], "symmetric": true, "algorithm": "HS256"}]}"#,
        );
        options.unwrap().keyring_bytes(json.as_bytes()).issuer_secret("i", HMAC_SECRET)
    };
    let store = Store::open(options()).wait().unwrap();
    let token = store.tokens().issue(r#"{"sub": "ada@example.org", "note": "hush"}"#, 60).wait().unwrap();
    let proof = store.verify(&token).wait().unwrap();
    let run = store.execution(Some(r#"{"type": "rest", "security": "jwt"}"#), Some(&token)).unwrap();
    let session = run.global(None);
    session.put(r#"{"secret": "hush"}"#, None).wait().unwrap();
    let in_force = ring.in_force();
    let shown: Vec<String> = vec![
        format!("{keyring:?} {:?} {:?}", keyring.data_keys(), keyring.signing_keys()),
        format!("{:?} {:?}", in_force.sealing, in_force.signing),
        format!("{vault:?} {:?}", vault.config("t", &[9; 16])),
        format!("{head:?} {user:?} {:?} {identifier:?}", head.owner),
        format!("{:?} {store:?} {:?} {:?} {:?}", options(), store.tokens(), store.configs(), store.sessions()),
        format!("{proof:?} {run:?} {session:?} {:?} {:?}", run.local(), store.global(&proof, None).unwrap()),
        format!("{:?} {:?}", session.get("secret"), session.info().wait().unwrap()),
        Keyring::from_bytes(json.replacen("primary", "primaries", 1).as_bytes()).unwrap_err().to_string(),
        format!("{:?}", Keyring::from_bytes(json.replacen(keys[0], keys[1], 1).as_bytes()).unwrap_err()),
        format!("{:?}", store.verify(&format!("{token}A")).wait().unwrap_err()),
        format!("{:?}", store.sessions().refresh(&format!("shop:{token}")).wait().unwrap_err()),
        store.key_usage().wait().unwrap(),
    ];
    for shown in shown {
        for secret in SECRETS.iter().chain(&keys).copied().chain([&token[..20]]) {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}
