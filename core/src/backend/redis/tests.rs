//! The contract on real servers, and what is special to Redis.

mod answers;
mod days;
mod failover;
mod tls;

use super::super::contract::{self, DEADLINE, open_with};
use super::super::proxy::Proxy;
use super::super::{Backend, Cells, Durability};
use super::server::Server;
use crate::error::{Code, Error};

fn open(url: &str) -> Backend {
    contract::open(url, Durability::default(), DEADLINE).unwrap()
}

/// Any call that reaches the server, once.
fn call(backend: &Backend) -> Result<(), Error> {
    contract::wait(backend.read_meta(&[1; 16])).map(|_| ())
}

fn reason(error: &Error) -> &str {
    error.details().get("reason").and_then(|reason| reason.as_str()).unwrap_or_default()
}

#[test]
fn contract_holds_on_one_server() {
    let server = Server::start(&[]);
    contract::check(|| {
        server.ask(&["FLUSHALL"]);
        open(&server.url())
    });
}

#[test]
fn a_call_is_one_round_trip() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(server.port);
    let backend = open(&proxy.url());
    let mut begin = contract::put(1, vec![(contract::cell(1), contract::sealed(1, 0, 60))]);
    begin.effects.expires = Some(contract::NOW);
    contract::applied(&backend, &begin);
    assert_eq!(proxy.count(|| contract::applied(&backend, &begin)).1, 1, "its hint for the sweep goes along");
    assert_eq!(proxy.count(|| contract::read(&backend, 1)).1, 1);
    let user = contract::user(1);
    let with_user = || contract::wait(backend.read(&contract::SPACE, &contract::id(1), &Cells::All, Some(&user)));
    with_user().unwrap();
    assert_eq!(proxy.count(with_user).1, 1);
    assert_eq!(proxy.count(|| contract::wait(backend.user(&contract::SPACE, &user))).1, 2, "with its script, once");
    assert_eq!(proxy.count(|| contract::wait(backend.user(&contract::SPACE, &user))).1, 1);
}

/// The commands that docs/redis.md names, on our keys: no more is needed.
#[test]
fn contract_holds_for_a_user_who_may_do_little() {
    let server = Server::start(&[]);
    let commands = "+info +select +get +set +del +hget +hgetall +hmget +hset +hdel +hstrlen +zadd +zrem +zrange \
                    +zrangebylex +zrangebyscore +pttl +pexpire +persist +exists +eval +evalsha";
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/redis.md")).unwrap();
    let mut user = vec!["ACL", "SETUSER", "app", "on", ">pass word", "~sessile:*"];
    for command in commands.split_whitespace() {
        assert!(docs.contains(command), "docs/redis.md does not name {command}");
        user.push(command);
    }
    assert_eq!(server.ask(&user), "OK");
    contract::check(|| {
        server.ask(&["FLUSHALL"]);
        let url = format!("redis://app@127.0.0.1:{}/3", server.port);
        open_with(&url, |_, access| access.password = Some("pass word".to_owned().into())).unwrap()
    });
    assert_eq!(server.ask(&["DBSIZE"]), "0", "database 3 was used");
}

#[test]
fn a_server_that_will_not_do_is_refused_with_the_reason() {
    let server = Server::start(&[]);
    let refused = |url: &str| call(&open(url)).unwrap_err();

    server.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let error = refused(&server.url());
    assert_eq!((error.code(), reason(&error)), (Code::Unsupported, "eviction"));
    assert!(error.message().contains("allowEviction"));
    let allowed = open_with(&server.url(), |_, access| access.allow_eviction = true).unwrap();
    call(&allowed).unwrap();
    server.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);

    let missing = refused(&format!("{}/99", server.url()));
    assert_eq!(missing.code(), Code::InvalidArgument);
    assert_eq!(refused(&server.url().replace("redis://", "redis+cluster://")).code(), Code::Unsupported);

    let replica = Server::start(&["--replicaof", "127.0.0.1", &server.port.to_string()]);
    assert_eq!(refused(&replica.url()).code(), Code::ReadOnly);
    // Who only reads may read there, and changes nothing anywhere.
    for url in [replica.url(), server.url()] {
        let reader = open_with(&url, |settings, _| settings.read_only = true).unwrap();
        call(&reader).unwrap();
        let error = contract::wait(reader.apply(&contract::change(1))).err().unwrap();
        assert_eq!(error.code(), Code::ReadOnly);
    }

    let node = Server::start(&["--cluster-enabled", "yes", "--cluster-port", &super::server::free_port().to_string()]);
    let error = refused(&node.url());
    assert_eq!(error.code(), Code::Unsupported);
    assert!(error.message().contains("redis+cluster://"));
    // A cluster in which nobody has any slots.
    assert_eq!(refused(&node.url().replace("redis://", "redis+cluster://")).code(), Code::Unavailable);
}

#[test]
fn a_password_is_wanted_and_never_told() {
    let server = Server::start(&["--requirepass", "swordfish"]);
    for password in [None, Some("wrong")] {
        let backend = open_with(&server.url(), |_, access| access.password = password.map(|it| it.to_owned().into()));
        let error = call(&backend.unwrap()).unwrap_err();
        assert_eq!((error.code(), reason(&error)), (Code::Unavailable, "authentication"), "{error}");
        assert!(!error.message().contains("wrong"));
    }
    let good = open_with(&server.url(), |_, access| access.password = Some("swordfish".to_owned().into())).unwrap();
    call(&good).unwrap();
    let Err(nobody) = open_with("redis://app@127.0.0.1", |_, _| ()) else { panic!("a user without a password") };
    assert_eq!(nobody.code(), Code::InvalidArgument);
}

#[test]
fn bytes_that_are_not_ours_are_an_error_and_hide_nothing_else() {
    let server = Server::start(&[]);
    let backend = open(&server.url());
    contract::applied(&backend, &contract::put(1, vec![(contract::cell(1), contract::sealed(1, 0, 60))]));
    let key = server.ask(&["--no-raw", "KEYS", "*s:*"]);
    assert!(key.contains("sessile:{"), "{key}");
    let script = "for _, key in ipairs(redis.call('KEYS', '*s:*')) do redis.call('DEL', key); \
                  redis.call('SET', key, 'x') end";
    server.ask(&["EVAL", script, "0"]);
    let damaged = contract::wait(backend.apply(&contract::put(1, Vec::new())));
    assert_eq!(damaged.err().map(|error| error.code()), Some(Code::Corrupt));
    contract::applied(&backend, &contract::put(2, vec![(contract::cell(1), contract::sealed(1, 0, 60))]));
}
