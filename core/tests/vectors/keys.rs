//! The verbs of keys, on the façade: those of a store, and those of its keyring's file.

use serde_json::{Value, json};
use sessile::{Keyring, Result};

use crate::calls::Stage;
use crate::compare::{Got, with_kept};
use crate::suite::Call;

impl Stage {
    /// `None`: it is no verb of these.
    pub fn on_keys(&mut self, verb: &str, call: &Call) -> Option<Result<Got>> {
        let key = || call.need::<String>("key");
        let ring = || self.place.keyring.clone().expect("a keyring's file");
        let changed = match verb {
            "rewrap" => return Some(self.rewrap(call)),
            "key_usage" => return Some(self.store.key_usage().wait().map(Got::Json)),
            "keyring_describe" => return Some(Keyring::describe(ring()).map(Got::Json)),
            "keyring_add" => {
                let added = Keyring::add(ring(), &call.need::<String>("kind"));
                return Some(added.map(|key| Got::Json(json!(key).to_string())));
            }
            "drop_key" => self.store.drop_key(&key()).wait(),
            "reload_keys" => self.store.reload_keys(call.read::<String>("bytes").as_deref().map(str::as_bytes)).wait(),
            "keyring_promote" => Keyring::promote(ring(), &key()),
            "keyring_retire" => Keyring::retire(ring(), &key()),
            "keyring_revoke" => Keyring::revoke(ring(), &key()),
            "keyring_drop" => Keyring::drop(ring(), &key()),
            _ => return None,
        };
        Some(changed.map(|()| Got::Done))
    }

    fn rewrap(&mut self, call: &Call) -> Result<Got> {
        let page = call.read::<Value>("page").map(|page| with_kept(page, &self.texts).to_string());
        let result = self.store.rewrap(page.as_deref()).wait()?;
        self.keep_members(call, &result);
        Ok(Got::Json(result))
    }
}
