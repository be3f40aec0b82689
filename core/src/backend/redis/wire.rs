//! One connection that many callers share: commands go out in the order in which they come, and answers come in that order.
//!
//! The crate's own has a queue, a task's message and a timer for each command. Here a caller writes into what is sent next,
//! and one task, which sends what has gathered and reads what has come, keeps all callers' deadlines with one timer.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::{io, mem};

use parking_lot::Mutex;
use redis::{Cmd, Value};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, sleep_until};

use super::reply::Replies;

/// See the module. The connection ends with it.
pub(super) struct Wire {
    desk: Arc<Mutex<Desk>>,
    driver: AbortHandle,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Silence {
    /// The connection was over before anything was sent.
    Over,
    Broken,
    /// What came is no reply.
    Malformed,
    Late,
}

/// What callers and the driver share.
struct Desk {
    unsent: Vec<u8>,
    /// Who waits for answers, in their order.
    waiting: VecDeque<Caller>,
    /// No later than the first deadline of those who wait.
    soonest: Option<Instant>,
    /// When something last came.
    heard: Instant,
    is_over: bool,
    /// The driver, when it has nothing to do.
    driver: Option<Waker>,
}

struct Caller {
    answers: Vec<Value>,
    missing: usize,
    deadline: Instant,
    /// `None`: told that it is late.
    to: Option<Sender>,
}

type Sender = oneshot::Sender<Result<Vec<Value>, Silence>>;

impl Desk {
    /// Takes no more commands. Who still waited is to be dropped, or told, without the lock: it wakes them.
    fn close(&mut self) -> VecDeque<Caller> {
        self.is_over = true;
        self.unsent = Vec::new();
        mem::take(&mut self.waiting)
    }

    /// Those whose deadline has come.
    fn late(&mut self, now: Instant) -> Vec<Sender> {
        let late = self.waiting.iter_mut().filter(|caller| caller.deadline <= now);
        let late = late.filter_map(|caller| caller.to.take()).collect();
        let waiting = self.waiting.iter().filter(|caller| caller.to.is_some());
        self.soonest = waiting.map(|caller| caller.deadline).min();
        late
    }
}

impl Wire {
    /// Within the engine.
    pub(super) fn new(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Wire {
        let desk = Arc::new(Mutex::new(Desk {
            unsent: Vec::new(),
            waiting: VecDeque::new(),
            soonest: None,
            heard: Instant::now(),
            is_over: false,
            driver: None,
        }));
        let driver = Driver {
            desk: desk.clone(),
            stream,
            sending: Vec::new(),
            sent: 0,
            replies: Replies::default(),
            alarm: None,
            answered: Vec::new(),
        };
        Wire { desk, driver: tokio::spawn(driver).abort_handle() }
    }

    pub(super) fn is_over(&self) -> bool {
        self.desk.lock().is_over
    }

    /// Ends it; who still waits is told.
    pub(super) fn end(&self) {
        let waiting = self.desk.lock().close();
        drop(waiting);
        self.driver.abort();
    }

    /// Sends commands in one go; their answers, in order. A server's refusals are among them.
    pub(super) async fn exchange(&self, commands: &[&Cmd], deadline: Instant) -> Result<Vec<Value>, Silence> {
        let (to, answers) = oneshot::channel();
        let (sent, driver) = {
            let mut desk = self.desk.lock();
            if desk.is_over {
                return Err(Silence::Over);
            }
            for command in commands {
                command.write_packed_command(&mut desk.unsent);
            }
            let missing = commands.len();
            desk.waiting.push_back(Caller { answers: Vec::with_capacity(missing), missing, deadline, to: Some(to) });
            if desk.soonest.is_none_or(|soonest| deadline < soonest) {
                desk.soonest = Some(deadline);
            }
            (Instant::now(), desk.driver.take())
        };
        if let Some(driver) = driver {
            driver.wake();
        }
        let outcome = answers.await.unwrap_or(Err(Silence::Broken));
        // Answers come in order: something that came since tells that the server lives, and only this takes long.
        if outcome == Err(Silence::Malformed) || (outcome == Err(Silence::Late) && self.desk.lock().heard < sent) {
            self.end();
        }
        outcome
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.end();
    }
}

/// The task that reads and writes.
struct Driver<S> {
    desk: Arc<Mutex<Desk>>,
    stream: S,
    sending: Vec<u8>,
    /// What of it has gone.
    sent: usize,
    replies: Replies,
    alarm: Option<Pin<Box<Sleep>>>,
    /// Who has all answers, and what.
    answered: Vec<(Sender, Vec<Value>)>,
}

/// Read at once, at least.
const PIECE: usize = 16 << 10;
/// What is kept for what is sent next.
const KEPT: usize = 1 << 20;

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    /// Ready when there is nothing left to be sent.
    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while self.sent < self.sending.len() {
                match ready!(Pin::new(&mut self.stream).poll_write(context, &self.sending[self.sent..]))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    count => self.sent += count,
                }
            }
            if self.sent > 0 {
                ready!(Pin::new(&mut self.stream).poll_flush(context))?;
                self.sent = 0;
                self.sending.clear();
                self.sending.shrink_to(KEPT);
            }
            let mut desk = self.desk.lock();
            if desk.unsent.is_empty() {
                return Poll::Ready(Ok(()));
            }
            mem::swap(&mut self.sending, &mut desk.unsent);
        }
    }

    /// Reads what has come; ready when nothing will come any more.
    fn receive(&mut self, context: &mut Context<'_>) -> Poll<Silence> {
        loop {
            let buffer = self.replies.buffer();
            buffer.reserve(PIECE);
            let mut read = std::pin::pin!(self.stream.read_buf(buffer));
            match ready!(read.as_mut().poll(context)) {
                Ok(0) | Err(_) => return Poll::Ready(Silence::Broken),
                Ok(_) => {}
            }
            let outcome = self.hand_out();
            // Woken, callers may come back for more: not under the lock.
            for (to, answers) in self.answered.drain(..) {
                let _ = to.send(Ok(answers));
            }
            if let Err(silence) = outcome {
                return Poll::Ready(silence);
            }
        }
    }

    /// Gives each reply that is whole to whom it is for.
    fn hand_out(&mut self) -> Result<(), Silence> {
        let mut desk = self.desk.lock();
        desk.heard = Instant::now();
        while let Some(value) = self.replies.next().map_err(|_| Silence::Malformed)? {
            // What nobody asked for.
            let Some(caller) = desk.waiting.front_mut() else { return Err(Silence::Malformed) };
            caller.answers.push(value);
            caller.missing -= 1;
            if caller.missing == 0
                && let Some(Caller { to: Some(to), answers, .. }) = desk.waiting.pop_front()
            {
                self.answered.push((to, answers));
            }
        }
        Ok(())
    }

    /// Tells those whose deadline has come.
    fn keep_time(&mut self, context: &mut Context<'_>) {
        loop {
            let Some(soonest) = self.desk.lock().soonest else { return };
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(soonest)));
            if alarm.deadline() != soonest {
                alarm.as_mut().reset(soonest);
            }
            if alarm.as_mut().poll(context).is_pending() {
                return;
            }
            let late = self.desk.lock().late(Instant::now());
            for to in late {
                let _ = to.send(Err(Silence::Late));
            }
        }
    }

    /// Who still waits is told.
    fn end(&mut self, silence: Silence) {
        let waiting = self.desk.lock().close();
        for to in waiting.into_iter().filter_map(|caller| caller.to) {
            let _ = to.send(Err(silence));
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Driver<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let driver = self.get_mut();
        {
            let mut desk = driver.desk.lock();
            if !desk.driver.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                desk.driver = Some(context.waker().clone());
            }
        }
        let silence = match driver.send(context) {
            Poll::Ready(Err(_)) => Poll::Ready(Silence::Broken),
            _ => driver.receive(context),
        };
        driver.keep_time(context);
        silence.map(|silence| driver.end(silence))
    }
}

impl<S> Drop for Driver<S> {
    fn drop(&mut self) {
        let waiting = self.desk.lock().close();
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncWriteExt, duplex};
    use tokio::runtime::Builder;
    use tokio::task::JoinHandle;

    use super::*;

    fn run<T>(test: impl Future<Output = T>) -> T {
        Builder::new_current_thread().enable_time().build().unwrap().block_on(test)
    }

    fn after(millis: u64) -> Instant {
        Instant::now() + Duration::from_millis(millis)
    }

    /// Asks at once, and waits elsewhere.
    fn ask(wire: &Arc<Wire>, count: usize, deadline: Instant) -> JoinHandle<Result<Vec<Value>, Silence>> {
        let wire = wire.clone();
        tokio::spawn(async move {
            let ping = redis::cmd("PING");
            wire.exchange(&vec![&ping; count], deadline).await
        })
    }

    #[test]
    fn answers_go_to_those_who_asked_in_their_order() {
        run(async {
            // Smaller than a command, and than an answer.
            let (here, mut there) = duplex(5);
            let wire = Arc::new(Wire::new(here));
            tokio::spawn(async move {
                let (mut come, mut answered) = (Vec::new(), 0);
                while there.read_buf(&mut come).await.is_ok_and(|count| count > 0) {
                    let commands = come.windows(6).filter(|bytes| *bytes == b"PING\r\n").count();
                    for number in mem::replace(&mut answered, commands)..commands {
                        there.write_all(format!(":{number}\r\n").as_bytes()).await.unwrap();
                    }
                }
            });
            let callers: Vec<_> = (0..50).map(|_| ask(&wire, 2, after(60_000))).collect();
            for (place, caller) in (0..).zip(callers) {
                assert_eq!(caller.await.unwrap(), Ok(vec![Value::Int(2 * place), Value::Int(2 * place + 1)]));
            }
        });
    }

    #[test]
    fn who_is_late_or_gone_takes_nobody_elses_answer() {
        run(async {
            let (here, mut there) = duplex(4096);
            let wire = Arc::new(Wire::new(here));
            let [first, late, gone] = [60_000, 30, 60_000].map(|millis| ask(&wire, 1, after(millis)));
            sleep_until(after(5)).await;
            gone.abort();
            there.write_all(b":1\r\n").await.unwrap();
            assert_eq!(first.await.unwrap(), Ok(vec![Value::Int(1)]));
            assert_eq!(late.await.unwrap(), Err(Silence::Late));
            assert!(!wire.is_over(), "something came since");
            let last = ask(&wire, 1, after(60_000));
            there.write_all(b":2\r\n:3\r\n").await.unwrap();
            sleep_until(after(5)).await;
            there.write_all(b":4\r\n").await.unwrap();
            assert_eq!(last.await.unwrap(), Ok(vec![Value::Int(4)]));
            assert_eq!(ask(&wire, 1, after(10)).await.unwrap(), Err(Silence::Late));
            assert!(wire.is_over(), "nothing came since");
            assert_eq!(ask(&wire, 1, after(10)).await.unwrap(), Err(Silence::Over));
        });
    }

    #[test]
    fn all_who_wait_are_told_when_it_ends() {
        for (answer, wanted) in [(&b":1\r\n?\r\n"[..], Silence::Malformed), (b":1\r\n:2", Silence::Broken)] {
            run(async {
                let (here, mut there) = duplex(4096);
                let wire = Arc::new(Wire::new(here));
                let [one, two, three] = [1, 2, 3].map(|_| ask(&wire, 1, after(60_000)));
                sleep_until(after(5)).await;
                there.write_all(answer).await.unwrap();
                drop(there);
                assert_eq!(one.await.unwrap(), Ok(vec![Value::Int(1)]));
                assert_eq!((two.await.unwrap(), three.await.unwrap()), (Err(wanted), Err(wanted)));
                assert!(wire.is_over());
            });
        }
        // What nobody asked for.
        run(async {
            let (here, mut there) = duplex(4096);
            let wire = Arc::new(Wire::new(here));
            there.write_all(b"+hello\r\n").await.unwrap();
            sleep_until(after(5)).await;
            assert_eq!(ask(&wire, 1, after(60_000)).await.unwrap(), Err(Silence::Over));
        });
    }
}
