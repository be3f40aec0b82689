//! A cluster of six nodes and a trio of sentinels: redirects, slots that move, primaries that die.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::super::keys::{Bucket, slot};
use super::super::server::cluster::Cluster;
use super::super::server::sentinels::Sentinels;
use super::super::server::wait_until;
use super::*;

/// The slot of the sessions that the contract uses.
fn slot_in_use() -> u16 {
    slot(&Bucket::of(&contract::SPACE, 7).prefix())
}

#[test]
fn a_cluster_holds_the_contract_moves_its_slots_and_loses_a_primary() {
    let cluster = Cluster::start(1_000);
    contract::check(|| {
        cluster.empty();
        open(&cluster.url())
    });

    // Increments while the slot goes to another node and back.
    cluster.empty();
    let backend = open(&cluster.url());
    contract::increment(&backend, 200, 0);
    let (stop, done) = (AtomicBool::new(false), AtomicU32::new(1));
    thread::scope(|scope| {
        for salt in 0..4 {
            let (backend, stop, done) = (&backend, &stop, &done);
            scope.spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    contract::increment(backend, salt, n);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let from = cluster.owner(slot_in_use());
        let to = cluster
            .0
            .iter()
            .position(|node| node.port != cluster.0[from].port && node.ask(&["ROLE"]).starts_with("master"));
        cluster.move_slot(slot_in_use(), from, to.unwrap());
        cluster.move_slot(slot_in_use(), to.unwrap(), from);
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(contract::counted(&backend), done.load(Ordering::Relaxed));

    let mut cluster = cluster;
    let before = contract::counted(&backend);
    let owner = cluster.owner(slot_in_use());
    wait_until_replicated(&cluster.0[owner]);
    cluster.0[owner].stop();
    let backend = open_with(&cluster.url(), |settings, _| settings.deadline = Duration::from_secs(2)).unwrap();
    assert_recovers(&backend, before);
}

/// Until a replica has all that was written so far.
fn wait_until_replicated(primary: &Server) {
    let number = |key: &str| {
        let said = primary.ask(&["INFO", "replication"]);
        said.split([',', '\r', '\n']).find_map(|part| part.strip_prefix(key)?.parse::<u64>().ok())
    };
    let written = number("master_repl_offset:").unwrap();
    wait_until("a replica has all", || number("offset=").is_some_and(|offset| offset >= written));
}

/// Calls fail for a while, each in time; then they do not, and nothing was lost that had been there for long.
fn assert_recovers(backend: &Backend, before: u32) {
    wait_until("somebody else is primary", || match contract::try_increment(backend, 99, 1) {
        Ok(()) => true,
        Err(error) => {
            // A replica that is not promoted yet is READ_ONLY.
            assert!(error.retryable() || error.code() == Code::ReadOnly, "{error}");
            false
        }
    });
    assert!(contract::counted(backend) > before);
}

/// Rounds under load, with what users see: `core/tests/failovers.rs`.
#[test]
fn sentinels_tell_who_is_primary_also_after_it_died() {
    let mut trio = Sentinels::start();
    let unknown = call(&open(&trio.url("other"))).unwrap_err();
    assert_eq!(unknown.code(), Code::InvalidArgument);
    let backend = open_with(&trio.url("main"), |settings, _| settings.deadline = Duration::from_secs(2)).unwrap();
    for round in 0..2 {
        for n in 0..20 {
            contract::increment(&backend, 1, round * 100 + n);
        }
        let before = contract::counted(&backend);
        wait_until_replicated(&trio.servers[0]);
        trio.servers[0].stop();
        assert_recovers(&backend, before);
        assert!(trio.servers[1].ask(&["ROLE"]).starts_with("master"));
        trio.turn_round();
    }
}
