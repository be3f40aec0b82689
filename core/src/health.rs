//! What a host watches: whether the store can be reached, and what its calls came to.

use std::time::Instant;

use serde_json::json;

use crate::store::Store;
use crate::task::Task;

/// No record has this name.
const NOBODYS: [u8; 16] = [0; 16];

impl Store {
    /// Asks the store for something small, as a call of its own would: `{"ok": true, "micros": n}`, how long the answer
    /// took; or `{"ok": false, "micros": n, "error": {"code": "UNAVAILABLE", "reason": …|null, "message": "…"}}`. It ends by
    /// the deadline like any call. `CLOSED` and `FORKED` are errors: they are about the handle, not about the store.
    pub fn health(&self) -> Task<String> {
        let store = self.0.clone();
        Task::new(&self.0.pool, async move || {
            store.check_usable()?;
            let asked = Instant::now();
            let answered = async {
                store.ready().await?;
                store.backend.read_meta(&NOBODYS).await
            };
            let answered = answered.await;
            let micros = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
            Ok(match answered {
                Ok(_) => json!({"ok": true, "micros": micros}),
                Err(error) => {
                    let reason = error.details().get("reason");
                    let error = json!({"code": error.code().name(), "reason": reason, "message": error.message()});
                    json!({"ok": false, "micros": micros, "error": error})
                }
            }
            .to_string())
        })
    }

    /// What there is to know of tokens, keys and calls, JSON: `{"tokenCache": {"hits", "misses", "tokens"}, "issuers":
    /// [{"issuer", "keys": [kid…], "refusedKeys": [{"index", "kid", "reason"}], "trouble": null|"…"}], "backend": {"kind",
    /// "calls", "failed", "meanMicros", "connects", "connections": {"open", "idle", "waiting"}}}`.
    ///
    /// `trouble` is why the keys could not be loaded lately; the last good ones are in force meanwhile. `backend` has no
    /// more than its `kind` (`memory`, `sqlite`) where there is no server: else what this process asked of it, how often in
    /// vain, how long an answer took in the mean (`null` before the first), how many connections were ever made, which says
    /// how often they broke, and (`postgresql`) the connections that there are, and the calls that wait for one.
    pub fn stats(&self) -> String {
        let mut stats = self.0.verifier.stats();
        stats["backend"] = self.0.backend.stats();
        stats.to_string()
    }
}
