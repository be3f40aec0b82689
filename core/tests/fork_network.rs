//! A forked child goes on with a store on a server, on connections of its own; and the network thread ends with the last
//! store. Alone in its process: it counts threads.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

#[path = "servers/postgres.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod postgres;
#[path = "servers/redis.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod redis;

use redis::wait_until;
use rustix::process::{Pid, WaitOptions, waitpid};
use sessile::{Code, Keyring, Options, Session, Store, fork};

/// What `work` gives in a child that was forked with the hooks, or without: 0 when all is well; none when it hung.
fn in_a_child(hooks: bool, work: impl FnOnce() -> i32) -> Option<i32> {
    if hooks {
        fork::before().unwrap();
    }
    // SAFETY: the child works on the store alone and leaves.
    let pid = unsafe { libc::fork() };
    if hooks {
        fork::after();
    }
    if pid == 0 {
        // SAFETY: it ends a child that hangs.
        unsafe { libc::alarm(60) };
        let status = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(99);
        // SAFETY: as wanted of a forked child: nothing of the parent's is torn down.
        unsafe { libc::_exit(status) }
    }
    let (_, status) = waitpid(Pid::from_raw(pid), WaitOptions::empty()).unwrap().unwrap();
    status.exit_status()
}

fn network_threads() -> usize {
    let names = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    names
        .filter(|task| std::fs::read_to_string(task.path().join("comm")).is_ok_and(|it| it.trim() == "sessile-net"))
        .count()
}

/// A new thread has its maker's name for a moment.
fn wait_for_network_threads(count: usize) {
    wait_until("the network thread is as it should be", || network_threads() == count);
}

fn add_one(session: &Session) -> String {
    session.increment("n", "1").wait().unwrap().as_str().to_owned()
}

/// One after the other, in one process.
#[test]
fn parent_and_child_go_on_each_by_itself() {
    let server = redis::Server::start(&[]);
    let count = || server.ask(&["CLIENT", "LIST"]).lines().filter(|line| !line.contains("cmd=client")).count();
    go_on_on(&server.url(), &count);
    let server = postgres::Server::start(&[]);
    let mine = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sessile'";
    let count = || server.ask(mine).parse().unwrap();
    go_on_on(&server.url(), &count);
}

fn go_on_on(url: &str, connections: &dyn Fn() -> usize) {
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring.json");
    Keyring::generate(&keyring).unwrap();
    let options = format!(r#"{{"url": "{url}", "limits": {{"connections": 1}}}}"#);
    let open = || Store::open(Options::from_json(&options).unwrap().keyring_file(&keyring)).wait().unwrap();
    let store = open();
    let token = store.tokens().issue(r#"{"sub": "ada"}"#, 600).wait().unwrap();
    let run = store.execution(Some(r#"{"type": "rest", "security": "jwt"}"#), Some(&token)).unwrap();
    let session = run.global(None);
    session.put(r#"{"n": 0}"#, None).wait().unwrap();
    assert_eq!(add_one(&session), "1");
    wait_for_network_threads(1);
    wait_until("there is one connection", || connections() == 1);

    let child = in_a_child(true, || {
        let two = add_one(&session) == "2";
        wait_until("its connection is the only one", || connections() == 1);
        wait_for_network_threads(1);
        store.close().wait().unwrap();
        wait_for_network_threads(0);
        i32::from(!two)
    });
    assert_eq!(child, Some(0));
    assert_eq!(add_one(&session), "3");

    // While other threads of the parent are at it: each call is finished before, or begins after.
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| (0..300).for_each(|_| drop(add_one(&session))));
        for _ in 0..10 {
            std::thread::sleep(std::time::Duration::from_millis(2));
            let child = in_a_child(true, || i32::from(session.increment("n", "1").wait().is_err()));
            assert_eq!(child, Some(0));
        }
        busy.join().unwrap();
    });
    assert_eq!(add_one(&session), "314");

    // Without the hooks the child is told, and nothing of the parent's is touched.
    let child = in_a_child(false, || {
        let told = session.increment("n", "1").wait().is_err_and(|error| error.code() == Code::Forked);
        drop(store.clone());
        i32::from(!told)
    });
    assert_eq!(child, Some(0));
    assert_eq!(add_one(&session), "315");
    wait_until("the children's connections are gone", || connections() == 1);

    let second = open();
    wait_for_network_threads(1);
    store.close().wait().unwrap();
    wait_for_network_threads(1);
    second.close().wait().unwrap();
    assert_eq!(network_threads(), 0, "the last store that is closed joins it");
}
