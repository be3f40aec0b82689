//! What a store has of its server: made when first needed, in each process anew, and let go of before a fork.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::{Engine, PerProcess, Traffic, read_only};
use crate::error::{Result, fail};
use crate::task::may_block;

/// See the module. `L` is what reaches the server; all that it does, it does on the engine.
pub(in crate::backend) struct Remote<L> {
    deadline: Duration,
    read_only: bool,
    live: PerProcess<Live<L>>,
    closed: AtomicBool,
    traffic: Arc<Traffic>,
}

struct Live<L> {
    engine: Arc<Engine>,
    link: Arc<L>,
}

impl<L> Clone for Live<L> {
    fn clone(&self) -> Live<L> {
        Live { engine: self.engine.clone(), link: self.link.clone() }
    }
}

impl<L: Send + Sync + 'static> Remote<L> {
    pub(in crate::backend) fn new(deadline: Duration, read_only: bool) -> Remote<L> {
        Remote { deadline, read_only, live: PerProcess::new(), closed: AtomicBool::new(false), traffic: Arc::default() }
    }

    /// Does `work` on the engine, by the deadline that it is given; `make` makes the link if there is none.
    pub(in crate::backend) async fn run<T: Send + 'static, F>(
        &self,
        make: impl FnOnce(Arc<Traffic>) -> L,
        work: impl FnOnce(Arc<L>, Instant) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.check_open()?;
        let live = self
            .live
            .get(|| Ok(Live { engine: Engine::of_this_process()?, link: Arc::new(make(self.traffic.clone())) }))?;
        // Boxed: it is large, and handed on by several hands.
        let work = Box::pin(work(live.link, Instant::now() + self.deadline));
        let began = std::time::Instant::now();
        let outcome = live.engine.run(work).await;
        self.traffic.count(began, &outcome);
        outcome
    }

    /// What calls came to, and what `more` knows of the link that there is.
    pub(in crate::backend) fn stats(&self, kind: &str, more: impl FnOnce(&L) -> Option<Value>) -> Value {
        let mut stats = self.traffic.to_json();
        stats["kind"] = kind.into();
        if let Some(connections) = self.live.peek().and_then(|live| more(&live.link)) {
            stats["connections"] = connections;
        }
        stats
    }

    pub(in crate::backend) fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(fail!(Closed, "the store is closed")) } else { Ok(()) }
    }

    /// `READ_ONLY` of a store that was opened so.
    pub(in crate::backend) fn check_writable(&self, doing: &str) -> Result<()> {
        if self.read_only { Err(read_only(doing)) } else { Ok(()) }
    }

    /// Ends the connections; waits for the engine's thread if no other store has it.
    pub(in crate::backend) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        may_block().await;
        if let Some(live) = self.live.take() {
            drop(live.link);
            live.engine.tidy_up();
        }
    }

    /// Before a fork: no connection and no thread is left.
    pub(in crate::backend) fn suspend(&self) {
        drop(self.live.take());
    }
}
