//! A primary with a replica and three sentinels for tests, on free ports of 127.0.0.1, stopped with it.

use rustix::process::Signal;

use super::{Server, free_port, wait_until};

/// The first of the servers is the primary.
pub(crate) struct Sentinels {
    pub(crate) servers: [Server; 2],
    sentinels: Vec<Server>,
}

impl Sentinels {
    pub(crate) fn start() -> Sentinels {
        let primary = Server::start(&[]);
        let replica = Server::start(&["--replicaof", "127.0.0.1", &primary.port.to_string()]);
        wait_until("the replica follows", || is_followed(&primary));
        let sentinels: Vec<Server> = (0..3)
            .map(|_| {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let file = folder.path().join("sentinel.conf");
                let port = primary.port;
                let config = format!(
                    "sentinel monitor main 127.0.0.1 {port} 2\nsentinel down-after-milliseconds main 500\n\
                     sentinel failover-timeout main 1000\n"
                );
                std::fs::write(&file, config).expect("a file of configuration");
                Server::start_in(folder, free_port(), &[file.to_str().expect("a path"), "--sentinel"])
            })
            .collect();
        wait_until("the sentinels know each other and the replica", || {
            let knows = |sentinel: &Server| {
                let told = sentinel.ask(&["SENTINEL", "MASTER", "main"]);
                told.contains("num-other-sentinels\n2") && told.contains("num-slaves\n1")
            };
            sentinels.iter().all(knows)
        });
        Sentinels { servers: [primary, replica], sentinels }
    }

    /// By sentinels of which the first is not there.
    pub(crate) fn url(&self, name: &str) -> String {
        let hosts: Vec<String> = self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port)).collect();
        format!("redis+sentinel://127.0.0.1:{},{}/{name}", free_port(), hosts.join(","))
    }

    /// From here on nothing that the primary is told reaches the replica, nor do its sentinels find out before it dies.
    pub(crate) fn stop_replication(&self) {
        let [primary, replica] = &self.servers;
        wait_until("the replica has all there was", || {
            let offset = |server: &Server, name: &str| -> Option<u64> {
                let told = server.ask(&["INFO", "replication"]);
                let number = told.lines().find_map(|line| line.strip_prefix(name))?;
                number.trim().parse().ok()
            };
            // Others write all the time: by the second question it may be further than the primary was.
            let had = offset(primary, "master_repl_offset:");
            had.is_some() && offset(replica, "slave_repl_offset:") >= had
        });
        replica.signal(Signal::STOP);
        primary.ask(&["CLIENT", "KILL", "TYPE", "replica"]);
    }

    /// The primary dies, and with it whatever [`stop_replication`](Sentinels::stop_replication) kept from the replica.
    pub(crate) fn kill_primary(&mut self) {
        self.servers[0].stop();
        self.servers[1].signal(Signal::CONT);
    }

    pub(crate) fn wait_for_promotion(&self) {
        wait_until("the replica is primary", || self.servers[1].ask(&["ROLE"]).starts_with("master"));
    }

    /// The one that was killed follows the other one, which is killed next.
    pub(crate) fn turn_round(&mut self) {
        let port = self.servers[1].port.to_string();
        self.servers[0].restart_with(&["--replicaof", "127.0.0.1", &port]);
        self.servers.reverse();
        // On a machine that stands still for a moment the sentinels may have changed their minds meanwhile.
        wait_until("one follows the other", || {
            if is_followed(&self.servers[1]) {
                self.servers.reverse();
            }
            is_followed(&self.servers[0])
        });
        wait_until("the sentinels know it", || {
            let follows = |sentinel: &Server| {
                let told = sentinel.ask(&["SENTINEL", "REPLICAS", "main"]);
                told.contains("master-link-status\nok") && !told.contains("s_down")
            };
            self.sentinels.iter().all(follows)
        });
    }
}

fn is_followed(server: &Server) -> bool {
    server.ask(&["INFO", "replication"]).contains("state=online")
}
