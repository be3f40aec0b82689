//! A cluster of six nodes and a trio of sentinels: redirects, slots that move, primaries that die.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::super::keys::{Bucket, slot};
use super::super::server::{free_port, wait_until};
use super::*;

/// Three primaries, each with a replica.
struct Cluster(Vec<Server>);

impl Cluster {
    fn start() -> Cluster {
        let nodes: Vec<Server> = (0..6)
            .map(|_| {
                let bus = free_port().to_string();
                let timeout = ["--cluster-node-timeout", "1000", "--cluster-replica-validity-factor", "0"];
                Server::start(&[&["--cluster-enabled", "yes", "--cluster-port", &bus][..], &timeout].concat())
            })
            .collect();
        let hosts = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let created = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(hosts)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output();
        let said = String::from_utf8_lossy(&created.unwrap().stdout).into_owned();
        assert!(said.contains("All 16384 slots covered"), "{said}");
        let cluster = Cluster(nodes);
        wait_until("every node knows the cluster", || {
            cluster.0.iter().all(|node| node.ask(&["CLUSTER", "INFO"]).contains("cluster_state:ok"))
        });
        wait_until("every primary has its replica", || {
            cluster.primaries().all(|node| node.ask(&["INFO", "replication"]).contains("state=online"))
        });
        cluster
    }

    /// By two of its nodes; the others are found.
    fn url(&self) -> String {
        format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", self.0[0].port, self.0[5].port)
    }

    fn primaries(&self) -> impl Iterator<Item = &Server> {
        self.0.iter().filter(|node| node.ask(&["ROLE"]).starts_with("master"))
    }

    fn empty(&self) {
        self.primaries().for_each(|node| {
            node.ask(&["FLUSHALL"]);
        });
    }

    /// The place of the node that has that slot.
    fn owner(&self, slot: u16) -> usize {
        let slot = slot.to_string();
        let has = |node: &Server| node.ask(&["CLUSTER", "COUNTKEYSINSLOT", &slot]) != "0";
        let is_primary = |node: &Server| node.ask(&["ROLE"]).starts_with("master");
        self.0.iter().position(|node| is_primary(node) && has(node)).unwrap()
    }

    /// Moves a slot with all its keys to another primary; who reads meanwhile is sent to and fro.
    fn move_slot(&self, slot: u16, from: usize, to: usize) {
        let (from, to) = (&self.0[from], &self.0[to]);
        let [source, target] = [from, to].map(|node| node.ask(&["CLUSTER", "MYID"]));
        let slot = slot.to_string();
        assert_eq!(to.ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source]), "OK");
        assert_eq!(from.ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target]), "OK");
        thread::sleep(Duration::from_millis(100));
        let port = to.port.to_string();
        loop {
            let keys = from.ask(&["CLUSTER", "GETKEYSINSLOT", &slot, "1"]);
            if keys.is_empty() {
                break;
            }
            let moved = from.ask(&["MIGRATE", "127.0.0.1", &port, &keys, "0", "5000"]);
            assert!(moved == "OK" || moved == "NOKEY", "{moved}");
            thread::sleep(Duration::from_millis(20));
        }
        for node in [to, from] {
            assert_eq!(node.ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &target]), "OK");
        }
    }
}

/// The slot of the sessions that the contract uses.
fn slot_in_use() -> u16 {
    slot(&Bucket::of(&contract::SPACE, 7).prefix())
}

#[test]
fn a_cluster_holds_the_contract_moves_its_slots_and_loses_a_primary() {
    let cluster = Cluster::start();
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
    thread::sleep(Duration::from_millis(100));
    cluster.0[owner].stop();
    let backend = open_with(&cluster.url(), |settings, _| settings.deadline = Duration::from_secs(2)).unwrap();
    assert_recovers(&backend, before);
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

#[test]
fn sentinels_tell_who_is_primary_also_after_it_died() {
    let primary = Server::start(&[]);
    let replica = Server::start(&["--replicaof", "127.0.0.1", &primary.port.to_string()]);
    wait_until("the replica follows", || primary.ask(&["INFO", "replication"]).contains("state=online"));
    let sentinels: Vec<Server> = (0..3)
        .map(|_| {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("sentinel.conf");
            let port = primary.port;
            let config = format!(
                "sentinel monitor main 127.0.0.1 {port} 2\nsentinel down-after-milliseconds main 500\n\
                 sentinel failover-timeout main 1000\n"
            );
            std::fs::write(&file, config).unwrap();
            Server::start_in(folder, free_port(), &[file.to_str().unwrap(), "--sentinel"])
        })
        .collect();
    wait_until("the sentinels know each other and the replica", || {
        let knows = |sentinel: &Server| {
            let told = sentinel.ask(&["SENTINEL", "MASTER", "main"]);
            told.contains("num-other-sentinels\n2") && told.contains("num-slaves\n1")
        };
        sentinels.iter().all(knows)
    });
    let hosts: Vec<String> = sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port)).collect();
    // The first of them is not there.
    let url = |name: &str| format!("redis+sentinel://127.0.0.1:{},{}/{name}", free_port(), hosts.join(","));
    let unknown = call(&open(&url("other"))).unwrap_err();
    assert_eq!(unknown.code(), Code::InvalidArgument);

    let backend = open_with(&url("main"), |settings, _| settings.deadline = Duration::from_secs(2)).unwrap();
    let mut servers = [primary, replica];
    // Of as many rounds as there are with SESSILE_TORTURE, the test runs three.
    let rounds = if std::env::var_os("SESSILE_TORTURE").is_some() { 50 } else { 3 };
    for round in 0..rounds {
        for n in 0..20 {
            contract::increment(&backend, 1, round * 100 + n);
        }
        let before = contract::counted(&backend);
        thread::sleep(Duration::from_millis(100));
        servers[0].stop();
        assert_recovers(&backend, before);
        assert!(servers[1].ask(&["ROLE"]).starts_with("master"));
        // The one that was killed follows the other one, which is killed next.
        let port = servers[1].port.to_string();
        servers[0].restart_with(&["--replicaof", "127.0.0.1", &port]);
        servers.reverse();
        // On a machine that stands still for a moment the sentinels may have changed their minds meanwhile.
        wait_until("one follows the other", || {
            let is_followed = |server: &Server| server.ask(&["INFO", "replication"]).contains("state=online");
            if is_followed(&servers[1]) {
                servers.reverse();
            }
            is_followed(&servers[0])
        });
        wait_until("the sentinels know it", || {
            let follows = |sentinel: &Server| {
                let told = sentinel.ask(&["SENTINEL", "REPLICAS", "main"]);
                told.contains("master-link-status\nok") && !told.contains("s_down")
            };
            sentinels.iter().all(follows)
        });
    }
}
