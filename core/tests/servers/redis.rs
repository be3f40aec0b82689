//! Servers for tests: started on a free port of 127.0.0.1 with a temporary folder, stopped with it.

#[path = "cluster.rs"]
#[allow(dead_code, reason = "not every test empties one")]
pub(crate) mod cluster;
#[path = "sentinels.rs"]
#[allow(dead_code, reason = "not every test keeps replication back")]
pub(crate) mod sentinels;

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A `redis-server` of a test's own.
pub(crate) struct Server {
    pub(crate) port: u16,
    folder: TempDir,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// One that forgets everything when it ends, and is otherwise as Debian ships it.
    pub(crate) fn start(arguments: &[&str]) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Server::start_in(folder, free_port(), arguments)
    }

    pub(crate) fn start_in(folder: TempDir, port: u16, arguments: &[&str]) -> Server {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut server = Server { port, folder, arguments, child: None };
        server.restart();
        server
    }

    /// Starts it, again where it was.
    pub(crate) fn restart(&mut self) {
        self.stop();
        let port = self.port.to_string();
        let mut command = Command::new("redis-server");
        // A file of configuration comes before everything else.
        let has_file = self.arguments.first().is_some_and(|argument| !argument.starts_with("--"));
        let (file, arguments) = self.arguments.split_at(usize::from(has_file));
        command.args(file).args(["--port", &port, "--bind", "127.0.0.1", "--dir"]).arg(self.folder.path());
        if !has_file {
            command.args(["--save", ""]);
        }
        let child = command
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server: install Debian's package redis-server");
        self.child = Some(child);
        wait_until("the server takes connections", || TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok());
    }

    /// Starts it again where it was, with other arguments.
    pub(crate) fn restart_with(&mut self, arguments: &[&str]) {
        self.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self.restart();
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// As `kill -9`.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("a running server");
        kill_process(Pid::from_child(child), signal).expect("a signal");
    }

    /// What `redis-cli` answers to a command.
    pub(crate) fn ask(&self, command: &[&str]) -> String {
        let port = self.port.to_string();
        let asked = Command::new("redis-cli").args(["-h", "127.0.0.1", "-p", &port]).args(command).output();
        String::from_utf8(asked.expect("redis-cli").stdout).expect("text").trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    // Sentinels look at their servers every ten seconds only, and the machine may have other things to do.
    let patience = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < patience, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
