//! Events fetched by the host.

use crate::store::Store;

impl Store {
    /// Whether [`drain_events`](Store::drain_events) has something to give. Costs next to nothing, so it may be asked after
    /// every call.
    pub fn has_events(&self) -> bool {
        self.0.audit.has_events()
    }

    /// The oldest audit events that nobody fetched yet, `max` at most, each a JSON object; none unless the store was opened
    /// with `audit`. They can be fetched from a closed store too.
    ///
    /// ```
    /// use sessile::{Options, Store};
    ///
    /// let store = Store::open(Options::from_json(r#"{"url": "memory:", "audit": true}"#)?).wait()?;
    /// store.configs().create(r#"{"name": "Cart"}"#).wait()?;
    /// let events = store.drain_events(100);
    /// assert!(events[0].ends_with(r#""event":"config.created","tag":"cart"}"#), "{events:?}");
    /// assert!(!store.has_events());
    /// # Ok::<(), sessile::Error>(())
    /// ```
    pub fn drain_events(&self, max: usize) -> Vec<String> {
        self.0.audit.drain(max)
    }
}
