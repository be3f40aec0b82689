//! Configurations made, changed and deleted by many at once.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sessile::Store;

use crate::agreement::{agreed, parse, text, verify};
use crate::place::{Place, crowd, start as clock};
use crate::rounds;
use crate::worker::{Desk, Worker};

/// A member for each worker, of which nobody else knows.
const MEMBERS: [&str; 4] = ["maxAuthAge", "refreshGrace", "maxSessionsPerUser", "tokenExpiry"];

fn definition(tag: &str) -> String {
    json!({"name": tag, "tag": tag, "schema": {"userId": "string"}, "selector": "userId"}).to_string()
}

#[test]
fn no_update_is_lost_and_versions_count_them() {
    let place = Place::new();
    let store = place.open(&clock());
    let mut workers: Vec<Worker> = MEMBERS.iter().map(|_| Worker::spawn(&place, "update")).collect();
    let each = rounds(15, 500);
    for tag in ["one", "other"] {
        store.configs().create(&definition(tag)).wait().unwrap();
        for (worker, member) in workers.iter_mut().zip(MEMBERS) {
            worker.say(&json!({"tag": tag, "member": member, "times": each}));
        }
        let heard = workers.iter_mut().flat_map(|worker| worker.hear().as_array().unwrap().clone());
        let versions: BTreeSet<u64> = heard.map(|version| version.as_u64().unwrap()).collect();
        // Two threads each.
        let last = 1 + (MEMBERS.len() * 2 * each) as u64;
        assert_eq!(versions, (2..=last).collect(), "every update has a version of its own");
        // `get` may give what this process knew a second ago.
        let mut listed = parse(&store.configs().list(None).wait().unwrap());
        let mut configs = listed["configs"].as_array_mut().unwrap().drain(..);
        let config = configs.find(|config| config["tag"] == tag).unwrap();
        assert_eq!(config["version"], last);
        MEMBERS.iter().for_each(|member| assert_eq!(config[*member], each, "{member}"));
    }
}

/// A worker of the test above: two threads count its member up; the versions that they got.
pub fn update(desk: &Desk) {
    while let Some(order) = desk.hear() {
        let (tag, member) = (text(&order, "tag"), text(&order, "member"));
        let times = order["times"].as_u64().unwrap();
        let versions = crowd(2, |_| {
            (1..=times)
                .map(|n| {
                    let changes = json!({member.as_str(): n}).to_string();
                    let config = parse(&desk.store.configs().update(&tag, &changes).wait().unwrap());
                    assert!(config[&member].as_u64().unwrap() >= 1);
                    config["version"].clone()
                })
                .collect::<Vec<_>>()
        });
        desk.say(&Value::from(versions.concat()));
    }
}

#[test]
fn a_tag_made_again_meets_no_record_of_before() {
    // Short: a deletion takes a second and this.
    let place = Place::with("interval", 400);
    let store = place.open(&clock());
    let mut workers: Vec<Worker> = (0..3).map(|_| Worker::spawn(&place, "begin")).collect();
    for round in 0..rounds(2, 60) {
        store.configs().create(&definition("again")).wait().unwrap();
        empty(&store);
        workers.iter_mut().for_each(|worker| worker.say(&json!("begin")));
        workers.iter_mut().for_each(|worker| assert_eq!(worker.hear(), "begun"));
        // Two deleters at once, while sessions begin and end: one deletes it, the other finds it gone or going.
        let deleted = crowd(2, |_| store.configs().delete("again", true).wait());
        assert!(deleted.iter().any(Result::is_ok), "{deleted:?}");
        let others = deleted.iter().filter_map(|deleted| deleted.as_ref().err());
        others.for_each(|error| assert!(["NOT_FOUND", "CONFLICT"].contains(&error.code().name()), "{error}"));
        let begun: Vec<Value> =
            workers.iter_mut().flat_map(|worker| worker.hear().as_array().unwrap().clone()).collect();
        assert!(begun.len() >= workers.len(), "round {round}: sessions begin while it is deleted");
        begun.iter().for_each(|started| gone(&store, started));

        store.configs().create(&definition("again")).wait().unwrap();
        begun.iter().for_each(|started| gone(&store, started));
        empty(&store);
        store.configs().delete("again", false).wait().unwrap();
    }
}

fn empty(store: &Store) {
    assert!(agreed(store, "again").is_empty());
}

/// Neither of its tokens is good for anything.
fn gone(store: &Store, started: &Value) {
    let verified = verify(store, &text(started, "token"));
    assert_eq!(verified["valid"], false, "{verified}");
    let refused = store.sessions().refresh(&text(started, "refreshToken")).wait().unwrap_err();
    assert_eq!(refused.code().name(), "TOKEN_SIGNATURE", "{refused}");
    let refused = store.sessions().update(&text(started, "sessionId"), "{}").wait().unwrap_err();
    assert_eq!(refused.code().name(), "NOT_FOUND", "{refused}");
}

/// A worker of the test above: begins sessions for as long as it may; all that began.
pub fn begin(desk: &Desk) {
    while desk.hear().is_some() {
        let mut begun: Vec<Value> = Vec::new();
        for n in 0.. {
            let data = json!({"userId": format!("user{}", n % 5)}).to_string();
            match desk.store.sessions().start("again", &data, None).wait() {
                Ok(started) => {
                    begun.push(parse(&started));
                    if begun.len() == 1 {
                        desk.say(&json!("begun"));
                    }
                }
                Err(error) if error.code().name() == "NOT_FOUND" => break,
                // Its patience is short.
                Err(error) => assert!(["BUSY", "CONFLICT"].contains(&error.code().name()), "{error}"),
            }
        }
        desk.say(&Value::from(begun));
    }
}
