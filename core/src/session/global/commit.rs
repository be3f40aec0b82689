//! Committing a sub-process's own version of a Global session.

use std::collections::HashMap;

use super::change::Plan;
use super::meeting::{Met, open_fields};
use super::{Global, cells_of};
use crate::backend::Cells;
use crate::error::Result;
use crate::execution::Committed;
use crate::json::FieldName;
use crate::session::field::{Field, FieldVersion};
use crate::session::version::{Fork, Selection, refuse_conflicts};
use crate::vault::Life;

impl Global {
    /// Writes the changes of a sub-process's own version in one guarded change.
    pub(crate) async fn commit(
        &self,
        life: Option<Life>,
        fork: &Fork,
        puts: Vec<(FieldName, Field)>,
        deletes: Vec<FieldName>,
        exclusive: bool,
    ) -> Result<Committed> {
        let changed: Vec<FieldName> =
            puts.iter().map(|(name, _)| name.clone()).chain(deletes.iter().cloned()).collect();
        let opened = self.open().await?;
        let cells = match (exclusive || fork.changes.cleared, fork.changes.cleared) {
            (true, true) => Cells::All,
            (true, false) => Cells::Some(changed.iter().map(|name| opened.cell(name)).collect()),
            (false, _) => Cells::None,
        };
        let mut gone = Vec::new();
        self.change(cells, &mut |opened, met, record| {
            let seen = match (met, life) {
                (Met::Alive(seen), Some(life)) if seen.head.life == life => Some(seen),
                (_, Some(_)) => return Err(opened.ended("ended")),
                (Met::Alive(seen), None) => Some(seen),
                (Met::Vacant { .. }, None) => None,
            };
            let now = self.store.clock.now();
            let what = if fork.changes.cleared { Selection::All } else { Selection::Names(changed.clone()) };
            let sought = cells_of(opened, &what);
            let stored: HashMap<FieldName, Field> = match seen {
                Some(seen) => open_fields(opened, seen, &record.cells, &what, &sought, now)?.into_iter().collect(),
                None => HashMap::new(),
            };
            let mut plan = Plan {
                put: puts.iter().map(|(name, field)| (name.clone(), field.value.clone(), field.expires)).collect(),
                delete: deletes.clone(),
                clear: fork.changes.cleared && seen.is_some(),
                ..Plan::default()
            };
            if exclusive {
                let here = |name: &FieldName| stored.get(name).map(|field| field.version);
                let then =
                    |name: &FieldName| fork.base.get(name).filter(|field| field.lives(now)).map(|field| field.version);
                let names: Vec<&FieldName> = if fork.changes.cleared {
                    stored.keys().chain(fork.base.keys()).chain(&changed).collect()
                } else {
                    changed.iter().collect()
                };
                refuse_conflicts(
                    names.iter().filter(|name| here(name) != then(name)).map(|name| name.as_str()).collect(),
                )?;
                plan.stamps =
                    changed.iter().map(|name| (opened.cell(name), here(name).map(FieldVersion::to_be_bytes))).collect();
                plan.version = fork.changes.cleared.then_some(record.version);
            }
            gone = deletes.clone();
            if fork.changes.cleared {
                gone.extend(stored.into_keys().filter(|name| puts.iter().all(|(put, _)| put != name)));
                gone.sort_unstable();
                gone.dedup();
            }
            if seen.is_none() {
                plan.delete.clear();
            }
            Ok(plan)
        })
        .await?;
        Ok(Committed::of(puts.iter().map(|(name, _)| name), gone.iter()))
    }
}
