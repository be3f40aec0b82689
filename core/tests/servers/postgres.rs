//! A PostgreSQL for tests: made on a free port of 127.0.0.1 in a temporary folder, stopped with it.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// See the file. It trusts who connects, unless its settings say otherwise.
pub(crate) struct Server {
    pub(crate) port: u16,
    folder: TempDir,
    settings: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// With `name=value` settings of its own.
    pub(crate) fn start(settings: &[&str]) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = Server { port: free_port(), folder, settings: Vec::new(), child: None };
        own(server.folder.path());
        let data = server.data();
        let mut make = as_nobody(&binaries().join("initdb"));
        make.args(["--no-sync", "--auth=trust", "--username=sessile", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data);
        let made = make.stdin(Stdio::null()).output().expect("initdb: install Debian's package postgresql");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut server = server;
        server.restart_with(settings);
        server
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file in the server's folder that the server may read.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
        own(&path);
        path
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        self.stop();
        let mut command = as_nobody(&binaries().join("postgres"));
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-h", "127.0.0.1"]);
        // No test asks what a power cut leaves.
        let usual = ["fsync=off", "unix_socket_directories=", "shared_buffers=32MB", "max_connections=200"];
        for setting in usual.into_iter().chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.child = Some(child.expect("postgres: install Debian's package postgresql"));
        wait_until("the server answers", || self.try_ask("SELECT 1").is_ok());
    }

    pub(crate) fn restart_with(&mut self, settings: &[&str]) {
        self.settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        self.restart();
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// As `kill -9` of the server and of all it started.
    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // The backends of a server that was killed end when they see that it is gone: the next one waits for them.
        let _ = kill_process(Pid::from_child(&child), Signal::QUIT);
        let patience = Instant::now() + Duration::from_secs(10);
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        let _ = child.wait();
    }

    /// To the server and to those of its processes that serve us.
    pub(crate) fn signal(&self, signal: Signal, serving: &[i32]) {
        let child = self.child.as_ref().expect("a running server");
        kill_process(Pid::from_child(child), signal).expect("a signal");
        for process in serving.iter().filter_map(|process| Pid::from_raw(*process)) {
            let _ = kill_process(process, signal);
        }
    }

    /// The processes that serve the stores that are connected.
    pub(crate) fn serving(&self) -> Vec<i32> {
        let listed = self.ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'sessile'");
        listed.lines().map(|line| line.parse().expect("a number")).collect()
    }

    /// What `psql` answers.
    pub(crate) fn ask(&self, statement: &str) -> String {
        self.try_ask(statement).unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    fn try_ask(&self, statement: &str) -> Result<String, String> {
        let url = format!("postgresql://sessile@127.0.0.1:{}/postgres", self.port);
        let asked = Command::new("psql").args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, &url]).output();
        let asked = asked.expect("psql: install Debian's package postgresql-client");
        match asked.status.success() {
            true => Ok(String::from_utf8_lossy(&asked.stdout).trim().to_owned()),
            false => Err(String::from_utf8_lossy(&asked.stderr).into_owned()),
        }
    }
}

/// A `psql` that stays, for who asks often.
pub(crate) struct Console {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Console {
    pub(crate) fn of(server: &Server) -> Console {
        let mut psql = Command::new("psql");
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", &server.url()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = psql.spawn().expect("psql: install Debian's package postgresql-client");
        let (input, output) = (child.stdin.take().expect("its input"), child.stdout.take().expect("its output"));
        Console { child, input, output: BufReader::new(output) }
    }

    /// Waits until it is done.
    pub(crate) fn run(&mut self, statement: &str) {
        writeln!(self.input, "{statement};\n\\echo done").expect("psql listens");
        let mut line = String::new();
        while line.trim() != "done" {
            line.clear();
            assert!(self.output.read_line(&mut line).expect("psql answers") > 0, "psql ended at {statement}");
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A `pgbouncer` in transaction mode before a server, with fewer connections to it than it takes.
pub(crate) struct Pooler {
    pub(crate) port: u16,
    child: Child,
}

impl Pooler {
    pub(crate) fn before(server: &Server) -> Pooler {
        let port = free_port();
        let settings = format!(
            "[databases]\npostgres = host=127.0.0.1 port={} user=sessile\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n\
             default_pool_size = 2\nmax_client_conn = 1000\n",
            server.port
        );
        let file = server.file(&format!("pgbouncer-{port}.ini"), settings.as_bytes());
        let mut command = as_nobody(Path::new("pgbouncer"));
        command.arg("-q").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("pgbouncer: install Debian's package pgbouncer");
        wait_until("the pooler takes connections", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        Pooler { port, child }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) fn url(port: u16) -> String {
    format!("postgresql://sessile@127.0.0.1:{port}/postgres")
}

/// A program of the server, as a user that it does not refuse: the superuser it does.
fn as_nobody(program: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    // With its parent's death it ends too, even if the test is killed.
    command.args(["--pdeathsig", "QUIT", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]).arg(program);
    // Where the test's folder may not be entered.
    command.current_dir("/");
    command
}

fn own(path: &Path) {
    if rustix::process::geteuid().is_root() {
        let owned = Command::new("chown").arg("nobody:nogroup").arg(path).status();
        assert!(owned.expect("chown").success());
    }
}

/// Where Debian puts them, the newest; else wherever `initdb` is found.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort();
    versions.pop().unwrap_or_default()
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < patience, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
