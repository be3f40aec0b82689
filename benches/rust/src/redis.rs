//! Three fields of a session on a Redis, one read at a time and 64 under way, beside redis-rs that sends our very command
//! from another thread than its connection lives on.

use std::cell::Cell;
use std::future::Future;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value, cmd};
use tokio::runtime::{Builder, Runtime};

use crate::Outcome;
use crate::bench::{Bench, Group};
use crate::ours::{Filled, fill, open};

/// What of a server is measured needs no more of them.
const SESSIONS: usize = 2_000;
const FLYING: usize = 64;
/// Words of a get besides those of its fields: the command, the key, and what there is of every session.
const HEAD: usize = 8;

pub fn run(bench: &Bench) -> Outcome {
    let Some(url) = bench.plan.redis.as_deref().filter(|_| bench.plan.wants("rust.redis")) else { return Ok(()) };
    let (payloads, sessions) = (&bench.payloads, SESSIONS.min(bench.plan.sessions));
    let ours = fill(open(&bench.plan, url, "redis", r#", "workspace": "rust""#)?, payloads.small.get(), sessions, 1)?;
    let (names, changed) = (payloads.read(), payloads.changed.as_str());
    let key = move |n| payloads.key(n, sessions);
    let commands = commands(url, &ours, &names)?;

    // The connection's own thread: what stands in for the one that a store has.
    let there = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let here = Builder::new_current_thread().enable_all().build()?;
    let client = redis::Client::open(url)?;
    let multiplexed = there.block_on(client.get_multiplexed_async_connection())?;
    let mut blocking = client.get_connection()?;
    for user in 0..sessions {
        cmd("HSET").arg(bare(user)).arg(&bare_fields(payloads.small.get())?).exec(&mut blocking)?;
    }
    let ask = |n: usize| {
        let mut connection = multiplexed.clone();
        let command = &commands[key(n) % commands.len()];
        async move { answered(command.query_async(&mut connection).await) }
    };
    let read = |n: usize| {
        let session = ours.session(key(n));
        let task = session.get_many(&names);
        async move { task.await.map(drop).expect("fields") }
    };
    let put = |n: usize| {
        let task = ours.session(key(n)).put_one(changed, &n.to_string(), None);
        async move { task.await.expect("a put") }
    };
    let set = |n: usize| {
        let mut connection: MultiplexedConnection = multiplexed.clone();
        let mut command = cmd("HSET");
        command.arg(bare(key(n))).arg(changed).arg(n);
        async move { answered(command.query_async(&mut connection).await) }
    };
    if bench.plan.wants("rust.redis.1") {
        let mut group = bench.group("rust.redis.1");
        group.add("sessile get of 3 fields", |n| ours.session(key(n)).get_many(&names).wait().expect("fields"));
        group.add("redis-rs multiplexed, our very command", |n| here.block_on(ask(n)));
        group.add("redis-rs sync, our very command", |n| {
            answered(commands[key(n) % commands.len()].query(&mut blocking))
        });
        group
            .add("sessile put of 1 field", |n| ours.session(key(n)).put_one(changed, "1", None).wait().expect("a put"));
        group.add("redis-rs multiplexed, a bare HSET", |n| here.block_on(set(n)));
        group.run();
    }
    if bench.plan.wants("rust.redis.64") {
        let mut group = bench.group("rust.redis.64");
        add_flying(&mut group, "sessile get of 3 fields", &here, &read);
        add_flying(&mut group, "redis-rs multiplexed, our very command", &here, &ask);
        add_flying(&mut group, "sessile put of 1 field", &here, &put);
        add_flying(&mut group, "redis-rs multiplexed, a bare HSET", &here, &set);
        group.run();
    }
    drop(multiplexed);
    ours.store.close().wait()?;
    Ok(())
}

/// A contestant of whose operations 64 are always under way.
fn add_flying<'a, F: Future<Output = ()>>(
    group: &mut Group<'a>,
    name: &str,
    runtime: &'a Runtime,
    operation: &'a impl Fn(usize) -> F,
) {
    let next = Cell::new(0);
    group.add_round(name, move |count| -> Duration {
        let started = Instant::now();
        let end = next.get() + count;
        let lane = async || {
            while next.get() < end {
                let n = next.replace(next.get() + 1);
                operation(n).await;
            }
        };
        runtime.block_on(join_all((0..FLYING).map(|_| lane())));
        started.elapsed()
    });
}

/// The server did what it was asked: a bare HSET has a number for an answer, our command fields.
fn answered(answer: redis::RedisResult<Value>) {
    match answer.expect("an answer") {
        Value::Array(fields) => assert_ne!(fields.first(), Some(&Value::Nil), "no session"),
        Value::Int(_) => {}
        other => panic!("{other:?}"),
    }
}

fn bare(user: usize) -> String {
    format!("bare:{user}")
}

fn bare_fields(session: &str) -> Outcome<Vec<(String, String)>> {
    Ok(crate::plan::fields(session)?.into_iter().map(|(name, value)| (name, value.to_string())).collect())
}

/// What a get of these fields sends, for each of some sessions, as the server itself saw it.
fn commands(url: &str, ours: &Filled, names: &[&str]) -> Outcome<Vec<Cmd>> {
    let address = url.trim_start_matches("redis://").split('/').next().unwrap_or_default();
    let mut monitor = TcpStream::connect(address)?;
    monitor.write_all(b"MONITOR\r\n")?;
    let mut seen = BufReader::new(monitor);
    let mut line = String::new();
    seen.read_line(&mut line)?;
    let mut commands = Vec::new();
    for user in 0..256.min(ours.tokens.len()) {
        ours.session(user).get_many(names).wait()?;
        loop {
            line.clear();
            seen.read_line(&mut line)?;
            let words = words(&line)?;
            // Another one, shorter, asks once a second what has been revoked.
            let is_get = words.first().is_some_and(|word| word.eq_ignore_ascii_case(b"HMGET"));
            if is_get && words.len() == HEAD + names.len() {
                let mut command = Cmd::new();
                for word in &words {
                    command.arg(word.as_slice());
                }
                commands.push(command);
                break;
            }
        }
    }
    Ok(commands)
}

/// The words of a line of MONITOR: `+1700000000.1 [0 127.0.0.1:1] "HMGET" "a\x00b"`.
fn words(line: &str) -> Outcome<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut letters = line.split_once("] ").ok_or("no command")?.1.bytes();
    while letters.any(|letter| letter == b'"') {
        let mut word = Vec::new();
        loop {
            match letters.next().ok_or("no end")? {
                b'"' => break,
                b'\\' => word.push(match letters.next().ok_or("no end")? {
                    b'x' => {
                        let mut digit = || Some((letters.next()? as char).to_digit(16)? as u8);
                        let (high, low) = (digit().ok_or("no digit")?, digit().ok_or("no digit")?);
                        high * 16 + low
                    }
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'a' => 7,
                    b'b' => 8,
                    other => other,
                }),
                letter => word.push(letter),
            }
        }
        words.push(word);
    }
    Ok(words)
}
