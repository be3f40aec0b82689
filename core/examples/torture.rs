//! The Rust writer of `tests/torture`, and what only its drivers ask for.
//!
//! ```text
//! torture init <folder>                                            makes sessions.db and keyring.json, prints a token
//! torture write <db> <keyring> <token> <name> <durability>         writes until it is killed
//! ```

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use sessile::{Keyring, Options, Store};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["init", folder] => init(Path::new(folder)),
        ["write", db, keyring, token, name, durability] => write(&open(db, keyring, durability)?, token, name),
        _ => Err("usage: torture init <folder> | torture write <db> <keyring> <token> <name> <durability>".into()),
    }
}

fn init(folder: &Path) -> Outcome {
    let keyring = folder.join("keyring.json");
    Keyring::generate(&keyring)?;
    let db = folder.join("sessions.db");
    let store = open(&db.display().to_string(), &keyring.display().to_string(), "commit")?;
    let definition = json!({"name": "Torture", "tag": "torture", "schema": {"userId": "string"},
                            "selector": "$Session{userId}"});
    store.configs().create(&definition.to_string()).wait()?;
    println!("{}", store.tokens().issue(r#"{"sub": "torture"}"#, 86_400).wait()?);
    Ok(store.close().wait()?)
}

fn write(store: &Store, token: &str, name: &str) -> Outcome {
    let run = store.execution(Some(r#"{"type": "rest", "security": "jwt"}"#), Some(token))?;
    let session = run.global(None);
    let mut count: u64 = session.get(name).wait()?.map_or(Ok(0), |value| value.as_str().parse())?;
    let mut started = std::collections::VecDeque::new();
    loop {
        count += 1;
        session.put(&json!({name: count}).to_string(), None).wait()?;
        say(&format!("n {count}"))?;
        if count.is_multiple_of(3) {
            let data = json!({"userId": format!("{name}-{}", count % 5)}).to_string();
            let pair: Value = serde_json::from_str(&store.sessions().start("torture", &data, None).wait()?)?;
            let id = pair["sessionId"].as_str().ok_or("no session id")?.to_owned();
            say(&format!("s {id}"))?;
            started.push_back(id);
        }
        if count.is_multiple_of(6) {
            let id = started.pop_front().ok_or("none started")?;
            say(&format!("w {id}"))?;
            store.sessions().revoke(&id).wait()?;
            say(&format!("r {id}"))?;
        }
    }
}

fn open(db: &str, keyring: &str, durability: &str) -> sessile::Result<Store> {
    let options = json!({"url": format!("sqlite:{db}"), "durability": durability, "limits": {"deadline": 20_000}});
    Store::open(Options::from_json(&options.to_string())?.keyring_file(keyring)).wait()
}

/// One write a line, past all buffers: what was said survives the kill.
fn say(line: &str) -> std::io::Result<()> {
    std::io::stdout().lock().write_all(format!("{line}\n").as_bytes())?;
    std::io::stdout().flush()
}
