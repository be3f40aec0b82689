//! Reads and changes of sessions, dated by this process's count and told to its high-water map.

use std::slice;

use crate::backend::{BlindUser, Cells, Change, Outcome, Record, Space, Span, StorageId};
use crate::error::Result;
use crate::store::Inner;

impl Inner {
    /// Reads one session.
    pub(crate) async fn read(
        &self,
        space: &Space,
        id: &StorageId,
        cells: &Cells,
        user: Option<&BlindUser>,
    ) -> Result<Record> {
        let began = self.high_water.tick();
        let mut record = self.backend.read(space, id, cells, user).await?;
        record.span = Span { began, ended: self.high_water.tick() };
        Ok(record)
    }

    /// Applies a change if its guards hold.
    pub(crate) async fn apply(&self, change: &Change) -> Result<Outcome> {
        self.apply_all(slice::from_ref(change)).await
    }

    /// Applies changes of different sessions, all of them or nothing.
    pub(crate) async fn apply_all(&self, changes: &[Change]) -> Result<Outcome> {
        let began = self.high_water.tick();
        let mut outcome = self.backend.apply_all(changes).await?;
        let span = Span { began, ended: self.high_water.tick() };
        if let Outcome::Refused(there) = &mut outcome {
            there.span = span;
        }
        self.high_water.changed(changes, &outcome, span);
        Ok(outcome)
    }
}
