//! A Redis Cluster for tests: six nodes on free ports of 127.0.0.1, stopped with it.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::{Server, free_port, wait_until};

/// Three primaries, each with a replica.
pub(crate) struct Cluster(pub(crate) Vec<Server>);

impl Cluster {
    /// A node that says nothing for `timeout` milliseconds has died: its replica takes its place.
    pub(crate) fn start(timeout: u32) -> Cluster {
        let timeout = timeout.to_string();
        let nodes: Vec<Server> = (0..6)
            .map(|_| {
                let bus = free_port().to_string();
                let timeout = ["--cluster-node-timeout", &timeout, "--cluster-replica-validity-factor", "0"];
                Server::start(&[&["--cluster-enabled", "yes", "--cluster-port", &bus][..], &timeout].concat())
            })
            .collect();
        let hosts = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let created = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(hosts)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output();
        let said = String::from_utf8_lossy(&created.expect("redis-cli").stdout).into_owned();
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
    pub(crate) fn url(&self) -> String {
        format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", self.0[0].port, self.0[5].port)
    }

    pub(crate) fn primaries(&self) -> impl Iterator<Item = &Server> {
        self.0.iter().filter(|node| node.ask(&["ROLE"]).starts_with("master"))
    }

    pub(crate) fn empty(&self) {
        self.primaries().for_each(|node| {
            node.ask(&["FLUSHALL"]);
        });
    }

    /// The place of the node that has that slot.
    pub(crate) fn owner(&self, slot: u16) -> usize {
        let slot = slot.to_string();
        let has = |node: &Server| node.ask(&["CLUSTER", "COUNTKEYSINSLOT", &slot]) != "0";
        let is_primary = |node: &Server| node.ask(&["ROLE"]).starts_with("master");
        self.0.iter().position(|node| is_primary(node) && has(node)).expect("somebody has it")
    }

    /// Moves a slot with all its keys to another primary; who reads meanwhile is sent to and fro.
    pub(crate) fn move_slot(&self, slot: u16, from: usize, to: usize) {
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

/// Connections to the primaries that there are, for who empties a cluster often.
pub(crate) struct Emptier(Vec<BufReader<TcpStream>>);

impl Emptier {
    pub(crate) fn of(cluster: &Cluster) -> Emptier {
        let connect = |node: &Server| TcpStream::connect((Ipv4Addr::LOCALHOST, node.port)).expect("a node that runs");
        Emptier(cluster.primaries().map(connect).map(BufReader::new).collect())
    }

    pub(crate) fn empty(&mut self) {
        for node in &mut self.0 {
            node.get_mut().write_all(b"FLUSHALL\r\n").expect("a node that listens");
            let mut answer = String::new();
            node.read_line(&mut answer).expect("a node that answers");
            assert_eq!(answer, "+OK\r\n");
        }
    }
}
