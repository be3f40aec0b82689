//! A proxy in front of a server: counts what is sent through it, and loses answers on demand.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// See the file. Its threads end with the connections, and its listener with the process.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Bursts that clients sent.
    sent: AtomicUsize,
    /// How many answers more are lost, each with its connection.
    lose: AtomicUsize,
    /// Everything is lost, and nobody is told.
    is_deaf: AtomicBool,
}

impl Proxy {
    pub(crate) fn before(server: u16) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else { continue };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                pass(client, server, &shared);
            }
        });
        Proxy { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What `work` gives, and in how many bursts it spoke to the server.
    pub(crate) fn count<T>(&self, work: impl FnOnce() -> T) -> (T, usize) {
        let before = self.state.sent.load(Ordering::SeqCst);
        let given = work();
        (given, self.state.sent.load(Ordering::SeqCst) - before)
    }

    /// The next `answers` reach the server's side only.
    pub(crate) fn lose(&self, answers: usize) {
        self.state.lose.store(answers, Ordering::SeqCst);
    }

    pub(crate) fn be_deaf(&self, is_deaf: bool) {
        self.state.is_deaf.store(is_deaf, Ordering::SeqCst);
    }
}

fn pass(client: TcpStream, server: TcpStream, state: &Arc<State>) {
    let (Ok(from_client), Ok(to_client)) = (client.try_clone(), client.try_clone()) else { return };
    let (Ok(from_server), Ok(to_server)) = (server.try_clone(), server.try_clone()) else { return };
    let counted = state.clone();
    thread::spawn(move || {
        copy(from_client, to_server, || {
            counted.sent.fetch_add(1, Ordering::SeqCst);
            true
        });
    });
    let state = state.clone();
    thread::spawn(move || {
        copy(from_server, to_client, || {
            if state.is_deaf.load(Ordering::SeqCst) {
                return false;
            }
            let lose = |left: usize| left.checked_sub(1);
            state.lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose).is_err()
        });
    });
}

/// Until one of both ends, or `passes` says that this burst is where it ends.
fn copy(mut from: TcpStream, mut to: TcpStream, passes: impl Fn() -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if !passes() || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
