//! A proxy in front of a server: counts what is sent through it, and on demand loses answers, cuts them off, slows them down or
//! gives others.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

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
    /// What is given in the place of the next answers, and of how many.
    instead: Mutex<(Vec<u8>, usize)>,
    /// An answer comes a byte a second.
    is_slow: AtomicBool,
    /// So many bytes of the next answer come through, and with it ends its connection.
    cut: Mutex<Option<usize>>,
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

    /// These bytes take the place of the next `answers`; whoever waits for more waits in vain.
    pub(crate) fn say(&self, bytes: &[u8], answers: usize) {
        *self.state.instead.lock().expect("a proxy") = (bytes.to_owned(), answers);
    }

    /// The next answer ends after so many bytes.
    pub(crate) fn cut(&self, bytes: usize) {
        *self.state.cut.lock().expect("a proxy") = Some(bytes);
    }

    pub(crate) fn be_slow(&self, is_slow: bool) {
        self.state.is_slow.store(is_slow, Ordering::SeqCst);
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
        copy(from_client, to_server, |to, burst| {
            counted.sent.fetch_add(1, Ordering::SeqCst);
            to.write_all(burst).is_ok()
        });
    });
    let state = state.clone();
    thread::spawn(move || {
        copy(from_server, to_client, |to, burst| answer(&state, to, burst));
    });
}

/// What becomes of an answer; whether its connection goes on.
fn answer(state: &State, to: &mut TcpStream, burst: &[u8]) -> bool {
    if state.is_deaf.load(Ordering::SeqCst) {
        return false;
    }
    let lose = |left: usize| left.checked_sub(1);
    if state.lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose).is_ok() {
        return false;
    }
    if let Some(bytes) = state.cut.lock().expect("a proxy").take() {
        let _ = to.write_all(&burst[..bytes.min(burst.len())]);
        return false;
    }
    let instead = {
        let mut instead = state.instead.lock().expect("a proxy");
        let (bytes, left) = &mut *instead;
        left.checked_sub(1).map(|fewer| {
            *left = fewer;
            bytes.clone()
        })
    };
    if let Some(bytes) = instead {
        return to.write_all(&bytes).is_ok();
    }
    if state.is_slow.load(Ordering::SeqCst) {
        return burst.iter().all(|byte| {
            thread::sleep(Duration::from_secs(1));
            to.write_all(&[*byte]).is_ok()
        });
    }
    to.write_all(burst).is_ok()
}

/// Until one of both ends, or `pass` says that this burst is where it ends.
fn copy(mut from: TcpStream, mut to: TcpStream, pass: impl Fn(&mut TcpStream, &[u8]) -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if !pass(&mut to, &buffer[..read]) {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
