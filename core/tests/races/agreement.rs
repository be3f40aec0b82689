//! Whether a store agrees with itself: `list`, `users`, `user` and `dashboard` are asked for everything, and tell one
//! story; and whether every token's verification is part of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sessile::Store;

/// A user as all of them show it.
#[derive(Debug, PartialEq)]
pub struct Told {
    pub alive: BTreeSet<String>,
    pub total: u64,
}

/// All users of a config; fails where two answers differ. Nobody may be changing anything.
pub fn agreed(store: &Store, tag: &str) -> BTreeMap<String, Told> {
    let sessions = store.sessions();
    let listed = pages("sessions", |page| sessions.list(tag, None, Some(page)).wait().unwrap());
    let users = pages("users", |page| sessions.users(tag, Some(page)).wait().unwrap());
    let mut told = BTreeMap::new();
    for shown in &users {
        let user = shown["identifier"].to_string();
        let mut alone = parse(&sessions.user(tag, &user).wait().unwrap());
        let own = alone.as_object_mut().unwrap().remove("sessions").unwrap();
        assert_eq!(alone, *shown, "user and users differ");
        let of_user = pages("sessions", |page| sessions.list(tag, Some(&user), Some(page)).wait().unwrap());
        assert_eq!(own, Value::from(of_user), "user and list of {user} differ");
        let in_list: Vec<&Value> = listed.iter().filter(|entry| entry["identifier"] == shown["identifier"]).collect();
        assert_eq!(in_list.len(), own.as_array().unwrap().len(), "list and user {user} differ");
        assert!(own.as_array().unwrap().iter().all(|entry| in_list.contains(&entry)), "list and user {user} differ");
        let alive: BTreeSet<String> =
            in_list.iter().filter(|entry| entry["active"] == true).map(|entry| text(entry, "sessionId")).collect();
        assert_eq!(shown["activeSessions"], alive.len(), "{user}");
        assert_eq!(shown["state"] == "active", !alive.is_empty(), "{user}");
        told.insert(user, Told { alive, total: shown["totalSessions"].as_u64().unwrap() });
    }
    assert_eq!(told.len(), users.len(), "a user is shown twice");
    let nobodys = listed.iter().find(|entry| !told.contains_key(&entry["identifier"].to_string()));
    assert_eq!(nobodys, None, "a session is listed whose user is not");

    let dashboard = parse(&sessions.dashboard(tag).wait().unwrap());
    let in_state = |state: &str| users.iter().filter(|user| user["state"] == state).count();
    let expected = json!({
        "totalUsers": users.len(), "activeUsers": in_state("active"), "inactiveUsers": in_state("inactive"),
        "expiredUsers": in_state("expired"), "totalSessions": told.values().map(|user| user.total).sum::<u64>(),
        "activeSessions": told.values().map(|user| user.alive.len()).sum::<usize>(), "unreadable": 0,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&dashboard[name], value, "dashboard: {name}");
    }
    told
}

/// Which of these tokens are good is what the lists say; of the others every one says why not. Gives the reasons.
pub fn tokens_agree<'a>(
    store: &Store,
    told: &BTreeMap<String, Told>,
    tokens: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> BTreeMap<String, String> {
    let mut reasons = BTreeMap::new();
    let mut good = BTreeSet::new();
    for (session, token) in tokens {
        let verified = verify(store, token);
        let listed = told.values().any(|user| user.alive.contains(session));
        assert_eq!(verified["valid"], listed, "{session}: {verified}");
        if listed {
            assert_eq!(text(&verified, "sessionId"), *session);
            good.insert(session.clone());
        } else {
            reasons.insert(session.clone(), text(&verified, "reason"));
        }
    }
    let alive: BTreeSet<String> = told.values().flat_map(|user| user.alive.iter().cloned()).collect();
    assert_eq!(good, alive, "sessions are alive that nobody was told of");
    reasons
}

pub fn verify(store: &Store, token: &str) -> Value {
    parse(&store.sessions().verify(token).wait().unwrap())
}

pub fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap().to_owned()
}

/// Everything of a listing, seven a page.
fn pages(member: &str, ask: impl Fn(&str) -> String) -> Vec<Value> {
    let (mut all, mut page) = (Vec::new(), json!({"limit": 7}));
    loop {
        let mut given = parse(&ask(&page.to_string()));
        all.append(given[member].as_array_mut().unwrap());
        match given["nextCursor"].take() {
            Value::Null => return all,
            cursor => page["cursor"] = cursor,
        }
    }
}
