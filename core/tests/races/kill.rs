//! Processes killed in the middle of their work: what they were answered before is what stands in the file, and every
//! count of it agrees with every other.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use sessile::{Store, Time};

use crate::agreement::{Told, agreed, parse, text, tokens_agree};
use crate::place::{Place, crowd, start as clock};
use crate::rounds;
use crate::worker::{Desk, Worker};

const QUOTA: usize = 3;
/// A session that began, but the kill cut off the answer.
const UNTOLD: &str = "untold";

/// A user, as the answers that their worker was given tell it.
#[derive(Clone, Default)]
struct Account {
    /// In the order in which they began.
    alive: Vec<String>,
    /// How many began since they were forgotten; `None`: nobody knows them.
    total: Option<u64>,
    /// The others, and what their tokens are told.
    over: BTreeMap<String, &'static str>,
}

impl Account {
    /// What a call does that was answered so, or (no answer) that went through unanswered.
    fn apply(&mut self, call: &Value, answer: Option<&Value>) {
        match call["call"].as_str().unwrap() {
            "start" => {
                if self.alive.len() == QUOTA {
                    self.over.insert(self.alive.remove(0), "evicted");
                }
                self.alive.push(answer.map_or_else(|| UNTOLD.to_owned(), |started| text(started, "sessionId")));
                self.total = Some(self.total.unwrap_or(0) + 1);
            }
            "refresh" => {}
            "revoke" => {
                self.over.extend(self.alive.extract_if(.., |id| call["session"] == *id).map(|id| (id, "revoked")))
            }
            _ => {
                self.over.extend(self.alive.drain(..).map(|id| (id, "revoked")));
                self.total = None;
            }
        }
    }

    fn is_told(&self, told: Option<&Told>) -> bool {
        let Some(told) = told else { return self.total.is_none() };
        let strangers = told.alive.iter().filter(|id| !self.alive.contains(id)).count();
        let missing = self.alive.iter().filter(|id| !told.alive.contains(*id)).count();
        let untold = usize::from(self.alive.iter().any(|id| id == UNTOLD));
        self.total == Some(told.total) && (strangers, missing) == (untold, untold)
    }
}

#[test]
fn what_was_answered_before_kill_9_is_what_all_counts_tell() {
    for durability in ["interval", "commit"] {
        let place = Place::with(durability, 60_000);
        let definition = json!({"name": "Killed", "tag": "killed", "schema": {"userId": "string"}, "selector": "userId",
            "maxSessionsPerUser": QUOTA});
        place.open(&clock()).configs().create(&definition.to_string()).wait().unwrap();
        let (mut accounts, mut tokens) = (BTreeMap::new(), BTreeMap::new());
        let mut cut_off = [0, 0];
        for kill in 0..rounds(6, 200) {
            let now = clock().now().millis() + kill as i64 * 100_000;
            let followed = crowd(2, |at| follow(&place, at, kill, now, &accounts));
            let clock = clock();
            clock.set(Time::from_millis(now + 50_000)).unwrap();
            let store = place.open(&clock);
            compare(&store, followed.concat(), &mut accounts, &mut tokens, &mut cut_off);
        }
        println!("{durability}: {} unanswered calls had been done, {} had not", cut_off[0], cut_off[1]);
    }
}

type Accounts = BTreeMap<String, Account>;

/// Has a worker live, kills it after so many answers, and gives its calls with their answers. The last may have none.
fn follow(place: &Place, at: usize, kill: usize, now: i64, accounts: &Accounts) -> Vec<(Value, Option<Value>)> {
    let mut worker = Worker::spawn(place, "live");
    let alive: BTreeMap<&String, &Vec<String>> =
        accounts.iter().map(|(user, account)| (user, &account.alive)).collect();
    worker.say(&json!({"worker": at, "now": now, "alive": alive, "first": kill * 5}));
    let (mut calls, mut answers) = (Vec::new(), 0);
    let enough = 30 + (kill * 7 + at * 11) % 40;
    while let Some(said) = worker.hear_or_end() {
        if !said["call"].is_null() {
            calls.push((said, None));
            continue;
        }
        calls.last_mut().unwrap().1 = Some(said);
        answers += 1;
        if answers == enough {
            thread::sleep(Duration::from_micros(211 * (kill as u64 % 11)));
            worker.kill();
        }
    }
    assert!(answers >= enough, "a worker failed: its messages are above");
    calls
}

/// Every user is as their account says, with or without the call that the kill cut off.
fn compare(
    store: &Store,
    calls: Vec<(Value, Option<Value>)>,
    accounts: &mut Accounts,
    tokens: &mut BTreeMap<String, String>,
    cut_off: &mut [usize; 2],
) {
    let mut unanswered = Vec::new();
    for (call, answer) in &calls {
        let account = accounts.entry(text(call, "user")).or_default();
        match answer {
            None => unanswered.push(call),
            Some(answer) => account.apply(call, Some(answer)),
        }
        if let Some(started) = answer.as_ref().filter(|answer| answer["token"].is_string()) {
            tokens.insert(text(started, "sessionId"), text(started, "token"));
        }
    }
    let told = agreed(store, "killed");
    for (user, account) in accounts.iter_mut() {
        let told = told.get(&format!("{user:?}"));
        if let Some(call) = unanswered.iter().find(|call| call["user"] == **user) {
            let mut done = account.clone();
            done.apply(call, None);
            let is_done = call["call"] != "refresh" && done.is_told(told);
            cut_off[usize::from(!is_done)] += 1;
            if is_done {
                *account = done;
            }
        }
        assert!(account.is_told(told), "{user}: {told:?} is told, but {:?} was answered", account.alive);
        // Nobody has a token of a session that nobody was told of.
        if account.alive.iter().any(|id| id == UNTOLD) {
            let id = told.unwrap().alive.iter().find(|id| !account.alive.contains(id)).unwrap();
            store.sessions().revoke(id).wait().unwrap();
            account.alive.retain(|id| id != UNTOLD);
        }
    }
    let reasons = tokens_agree(store, &agreed(store, "killed"), &*tokens);
    let over = accounts.values().flat_map(|account| &account.over);
    let over: BTreeMap<String, String> =
        over.filter(|(id, _)| *id != UNTOLD).map(|(id, why)| (id.clone(), (*why).to_owned())).collect();
    assert_eq!(reasons, over);
}

/// A worker of the test above: says each call before it is made, and what came of it.
pub fn live(desk: &Desk) {
    let Some(order) = desk.hear() else { return };
    let now = order["now"].as_i64().unwrap();
    let mut alive: BTreeMap<String, Vec<(String, Option<String>)>> = BTreeMap::new();
    for (user, ids) in order["alive"].as_object().unwrap() {
        let ids = ids.as_array().unwrap().iter().map(|id| (id.as_str().unwrap().to_owned(), None));
        alive.insert(user.clone(), ids.collect());
    }
    for turn in order["first"].as_u64().unwrap().. {
        // No two begin in one instant, so it is known which is the oldest.
        desk.clock.advance(1).unwrap();
        if turn == order["first"] {
            desk.clock.set(Time::from_millis(now)).unwrap();
        }
        let user = format!("w{}-u{}", order["worker"], turn / 3 % 4);
        let sessions = alive.entry(user.clone()).or_default();
        let call = match (turn % 11, sessions.last()) {
            (2 | 7, Some((_, Some(_)))) => "refresh",
            (4 | 9, Some(_)) => "revoke",
            (10, _) if turn % 3 == 0 => "forget",
            _ => "start",
        };
        let session = sessions.last().map(|(id, _)| id.clone()).filter(|_| call == "revoke");
        desk.say(&json!({"call": call, "user": user, "session": session}));
        let answer = make(&desk.store, call, &user, sessions);
        desk.say(&answer);
    }
}

fn make(store: &Store, call: &str, user: &str, alive: &mut Vec<(String, Option<String>)>) -> Value {
    let sessions = store.sessions();
    let started = match call {
        "start" => {
            let started = sessions.start("killed", &json!({"userId": user}).to_string(), None).wait().unwrap();
            if alive.len() == QUOTA {
                alive.remove(0);
            }
            started
        }
        "refresh" => {
            let (_, token) = alive.pop().unwrap();
            sessions.refresh(&token.unwrap()).wait().unwrap()
        }
        "revoke" => {
            sessions.revoke(&alive.pop().unwrap().0).wait().unwrap();
            return json!({"done": call});
        }
        _ => {
            let forgotten = sessions.forget("killed", &json!(user).to_string()).wait().unwrap();
            assert_eq!(forgotten, alive.drain(..).count() as u64);
            return json!({"done": call});
        }
    };
    let started = parse(&started);
    alive.push((text(&started, "sessionId"), Some(text(&started, "refreshToken"))));
    started
}
