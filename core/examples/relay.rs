//! The Rust part of the relay (`tests/relay/run.py`), and the two things that only its driver asks for.
//!
//! ```text
//! relay init <url> <keyring>                                 makes the store and its keyring, prints a token
//! relay relay <url> <keyring> <token> <language> <seconds>   runs the relay, prints one JSON line
//! relay show <url> <keyring> <token>                         prints all fields of the session
//! relay sessions <url> <keyring> <verb> <language>           a verb on users' sessions, see tests/relay/life.py
//! ```

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use sessile::{Execution, Keyring, Options, Session, Store};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const LANGUAGES: [&str; 5] = ["python", "node", "c", "cpp", "rust"];
const TRIGGER: &str = r#"{"type": "rest", "security": "jwt"}"#;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["init", url, keyring] => init(url, keyring),
        ["relay", url, keyring, token, language, seconds] => {
            relay(&open(url, keyring)?, token, language, seconds.parse()?)
        }
        ["show", url, keyring, token] => show(&open(url, keyring)?, token),
        ["sessions", url, keyring, verb, language] => sessions(&open(url, keyring)?, verb, language),
        _ => Err("usage: relay init <url> <keyring> | relay <url> <keyring> <token> <language> <seconds> \
                  | show <url> <keyring> <token> | sessions <url> <keyring> <verb> <language>"
            .into()),
    }
}

fn init(url: &str, keyring: &str) -> Outcome {
    Keyring::generate(keyring)?;
    let store = open(url, keyring)?;
    println!("{}", store.tokens().issue(r#"{"sub": "relay"}"#, 3600).wait()?);
    let schema = json!({"userId": "string", "startedBy": "string", "passedBy": "string"});
    let config = json!({"name": "Relay", "schema": schema, "selector": "userId", "expiry": 1, "period": "day"});
    store.configs().create(&config.to_string()).wait()?;
    Ok(store.close().wait()?)
}

fn relay(store: &Store, token: &str, language: &str, seconds: f64) -> Outcome {
    let (_run, session) = global(store, token)?;
    let others: Vec<&str> = LANGUAGES.into_iter().filter(|other| *other != language).collect();
    let mut seen: BTreeMap<&str, u64> = others.iter().map(|other| (*other, 0)).collect();
    let mut writes = 0_u64;
    let started = millis();
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    while Instant::now() < until {
        writes += 1;
        session.put(&json!({language: writes}).to_string(), None).wait()?;
        session.increment("total", "1").wait()?;
        for (other, value) in session.get_many(&others).wait()?.iter() {
            let now: u64 = value.as_str().parse()?;
            let before = seen.get_mut(other).ok_or("a field that nobody asked for")?;
            if now < *before {
                return Err(format!("{other} went back from {before} to {now}").into());
            }
            *before = now;
        }
    }
    println!(
        "{}",
        json!({"lang": language, "startedAt": started, "endedAt": millis(), "writes": writes, "seen": seen})
    );
    Ok(())
}

fn show(store: &Store, token: &str) -> Outcome {
    let (_run, session) = global(store, token)?;
    println!("{}", session.all().wait()?.to_json());
    Ok(())
}

fn sessions(store: &Store, verb: &str, language: &str) -> Outcome {
    let sessions = store.sessions();
    if verb == "start" {
        for n in 0..3 {
            let data = json!({"userId": format!("{language}{n}"), "startedBy": language});
            println!("{}", sessions.start("relay", &data.to_string(), None).wait()?);
        }
    }
    if verb == "list" {
        println!("{}", sessions.list("relay", None, None).wait()?);
    }
    for line in std::io::stdin().lines() {
        let line = line?;
        let [session_id, token, refresh_token] = line.split(' ').collect::<Vec<_>>()[..] else {
            return Err("a line is <sessionId> <token> <refreshToken>".into());
        };
        match verb {
            "pass" => {
                let verified = sessions.verify(token).wait()?;
                if !verified.starts_with(r#"{"valid":true"#) {
                    return Err(verified.into());
                }
                sessions.update(session_id, &json!({"passedBy": language}).to_string()).wait()?;
                println!("{}", sessions.refresh(refresh_token).wait()?);
            }
            "extend" => {
                let end = sessions.extend(session_id, 400 * 86_400).wait()?;
                println!("{}", json!(end.map(|end| end.to_string())));
            }
            "revoke" => sessions.revoke(session_id).wait()?,
            _ => println!("{}", sessions.verify(token).wait()?),
        }
    }
    Ok(())
}

fn open(url: &str, keyring: &str) -> sessile::Result<Store> {
    // Five processes want one session, on a machine that may have other things to do.
    let options = json!({"url": url, "limits": {"deadline": 20_000}}).to_string();
    Store::open(Options::from_json(&options)?.keyring_file(keyring)).wait()
}

/// The user's Global session, and the execution that must outlive its use.
fn global(store: &Store, token: &str) -> sessile::Result<(Execution, Session)> {
    let run = store.execution(Some(TRIGGER), Some(token))?;
    let session = run.global(None);
    Ok((run, session))
}

fn millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
