//! A version of a session held in memory: a persistent map, so that a snapshot is O(1), and the changes since it.
//!
//! The root's version of an execution is its shared Local map. A sub-process's version starts as a snapshot of its
//! parent's and remembers which names it changed, for a commit.

use std::collections::HashSet;
use std::hash::RandomState;
use std::sync::OnceLock;

use rpds::HashTrieMap;

use super::field::{Edit, Field, FieldVersion};
use crate::clock::Time;
use crate::error::{Result, fail};
use crate::execution::Committed;
use crate::json::{FieldName, Json};
use crate::limits::{self, Limits};

/// Degree 16 keeps the path that a first put after a snapshot copies under 1 KiB at 100,000 fields; with rpds's 64
/// it is shorter but three times as large.
const DEGREE: u8 = 16;

/// Fields by name. Cloning shares everything.
pub(crate) type Map = HashTrieMap<FieldName, Field, archery::ArcTK, RandomState>;

/// An empty map. All maps of a process share one random hash key.
pub(crate) fn empty() -> Map {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    let key = KEY.get_or_init(RandomState::new).clone();
    HashTrieMap::new_with_hasher_and_degree_and_ptr_kind(key, DEGREE)
}

/// Which fields a verb is about.
pub(crate) enum Selection {
    Names(Vec<FieldName>),
    All,
}

/// What a write needs to know about its surroundings.
pub(crate) struct Setting<'a> {
    pub(crate) now: Time,
    pub(crate) limits: &'a Limits,
    /// Gives a version that no field of this execution had before.
    pub(crate) next_version: &'a dyn Fn() -> FieldVersion,
}

/// See the module.
pub(crate) struct Version {
    fields: Map,
    /// Bytes of all names and values.
    size: usize,
    fork: Option<Fork>,
    revision: u64,
    created: Time,
    updated: Time,
}

/// What a version forked from another remembers.
#[derive(Clone)]
pub(crate) struct Fork {
    /// The snapshot.
    pub(crate) base: Map,
    pub(crate) changes: Changes,
}

/// Names put or deleted since the snapshot, even to an equal value; and whether everything was cleared first.
#[derive(Clone, Default)]
pub(crate) struct Changes {
    pub(crate) cleared: bool,
    pub(crate) names: HashSet<FieldName>,
}

impl Version {
    /// A version that nothing was forked from: the shared map.
    pub(crate) fn root(now: Time) -> Version {
        Version { fields: empty(), size: 0, fork: None, revision: 0, created: now, updated: now }
    }

    /// A snapshot of `fields`, with changes of its own from now on.
    pub(crate) fn forked(fields: Map, size: usize, base: Map, now: Time) -> Version {
        let fork = Some(Fork { base, changes: Changes::default() });
        Version { fields, size, fork, revision: 0, created: now, updated: now }
    }

    /// A version taken up from a checkpoint.
    pub(crate) fn restored(fields: Map, fork: Option<Fork>, revision: u64, created: Time, updated: Time) -> Version {
        let size = size_of(&fields);
        Version { fields, size, fork, revision, created, updated }
    }

    /// A snapshot of this version, in O(1).
    pub(crate) fn snapshot(&self, now: Time) -> Version {
        Version::forked(self.fields.clone(), self.size, self.fields.clone(), now)
    }

    pub(crate) fn fields(&self) -> &Map {
        &self.fields
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn fork(&self) -> Option<&Fork> {
        self.fork.as_ref()
    }

    /// Changes since the version began.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn created(&self) -> Time {
        self.created
    }

    pub(crate) fn updated(&self) -> Time {
        self.updated
    }

    pub(crate) fn get(&self, name: &str, now: Time) -> Option<&Field> {
        self.find(name, || now)
    }

    /// [`get`](Version::get), which asks for the time only where the field has a ttl.
    pub(crate) fn find(&self, name: &str, now: impl FnOnce() -> Time) -> Option<&Field> {
        self.fields.get(name).filter(|field| field.lives_at(now))
    }

    /// The fields selected that are there: in the order asked for, or all sorted by name.
    pub(crate) fn read(&self, what: &Selection, now: Time) -> Vec<(FieldName, Field)> {
        match what {
            Selection::Names(names) => names
                .iter()
                .filter_map(|name| self.get(name.as_str(), now).map(|field| (name.clone(), field.clone())))
                .collect(),
            Selection::All => sorted(&self.fields, now),
        }
    }

    /// Puts all of them or, beyond a limit, none.
    pub(crate) fn put(
        &mut self,
        fields: Vec<(FieldName, Json)>,
        expires: Option<Time>,
        setting: &Setting,
    ) -> Result<()> {
        if fields.is_empty() {
            return Ok(());
        }
        self.make_room(fields.iter().map(|(name, value)| (name, value)), setting)?;
        for (name, value) in fields {
            let field = Field { value, version: (setting.next_version)(), expires };
            self.insert(name, field);
        }
        self.changed(setting.now);
        Ok(())
    }

    /// Puts one field, whose name was checked. One that is there is overwritten in its place: the value is all that is
    /// made for it.
    pub(crate) fn put_one(&mut self, name: &str, value: Json, expires: Option<Time>, setting: &Setting) -> Result<()> {
        let is_noted = self.fork.as_ref().is_none_or(|fork| fork.changes.names.contains(name));
        let is_within = self.fields.size() <= setting.limits.fields;
        if is_noted
            && is_within
            && let Some(there) = self.fields.get_mut(name)
        {
            let size = self.size - there.value.as_str().len() + value.as_str().len();
            if size <= setting.limits.session {
                *there = Field { value, version: (setting.next_version)(), expires };
                self.size = size;
                self.changed(setting.now);
                return Ok(());
            }
        }
        self.put(vec![(FieldName::stored(name), value)], expires, setting)
    }

    /// Removes the fields selected; how many were there.
    pub(crate) fn remove(&mut self, what: &Selection, now: Time) -> u64 {
        let names = match what {
            Selection::All => return self.clear(now),
            Selection::Names(names) => names,
        };
        let removed = names.iter().filter(|name| self.remove_one(name, now)).count();
        if !names.is_empty() {
            self.changed(now);
        }
        removed as u64
    }

    /// Changes one field by what `edit` makes of it.
    pub(crate) fn modify<R>(
        &mut self,
        name: FieldName,
        edit: impl FnOnce(Option<&Field>) -> Result<(Edit, R)>,
        setting: &Setting,
    ) -> Result<R> {
        let current = self.get(name.as_str(), setting.now);
        let kept = current.and_then(|field| field.expires);
        let (edit, result) = edit(current)?;
        match edit {
            Edit::Keep => {}
            Edit::Put(value) => self.put_one(name.as_str(), value, kept, setting)?,
            Edit::PutUntil(value, expires) => self.put_one(name.as_str(), value, expires, setting)?,
            Edit::Delete => {
                self.remove_one(&name, setting.now);
                self.changed(setting.now);
            }
        }
        Ok(result)
    }

    /// Applies the changes of `child`, a fork of this version, and forks it anew.
    pub(crate) fn commit(&mut self, child: &mut Version, exclusive: bool, setting: &Setting) -> Result<Committed> {
        let Some(fork) = &child.fork else {
            return Err(fail!(InvalidArgument, "only a sub-process can be committed, not the execution itself"));
        };
        if exclusive {
            let mut conflicts: Vec<&str> = Vec::new();
            // A field past its end is absent, dropped already or not.
            let standing = |fields: &Map, name: &FieldName| {
                fields.get(name).filter(|field| field.lives(setting.now)).map(|field| field.version)
            };
            let changed_here = |name: &FieldName| standing(&fork.base, name) != standing(&self.fields, name);
            if fork.changes.cleared {
                conflicts
                    .extend(self.fields.keys().chain(fork.base.keys()).filter(|n| changed_here(n)).map(|n| n.as_str()));
            }
            conflicts.extend(fork.changes.names.iter().filter(|n| changed_here(n)).map(|n| n.as_str()));
            refuse_conflicts(conflicts)?;
        }
        let (puts, mut deletes) = child.outcome(setting.now);
        // On a copy, which shares everything: beyond a limit nothing has happened.
        let mut after = Version { fields: self.fields.clone(), fork: self.fork.clone(), ..*self };
        if fork.changes.cleared {
            deletes.extend(sorted(&self.fields, setting.now).into_iter().map(|(name, _)| name));
            deletes.retain(|name| puts.binary_search_by(|(put, _)| put.cmp(name)).is_err());
            deletes.sort_unstable();
            deletes.dedup();
            after.empty_out();
        }
        for name in &deletes {
            after.remove_one(name, setting.now);
        }
        after.make_room(puts.iter().map(|(name, field)| (name, &field.value)), setting)?;
        let committed = Committed::of(puts.iter().map(|(name, _)| name), deletes.iter());
        if !puts.is_empty() || !deletes.is_empty() || fork.changes.cleared {
            after.changed(setting.now);
        }
        for (name, field) in puts {
            let field = Field { version: (setting.next_version)(), ..field };
            after.insert(name, field);
        }
        *self = after;
        *child = self.snapshot(setting.now);
        Ok(committed)
    }

    /// What a commit would write: fields put, and names deleted (a cleared version deletes all of its base, too).
    pub(crate) fn outcome(&self, now: Time) -> (Vec<(FieldName, Field)>, Vec<FieldName>) {
        let Some(fork) = &self.fork else { return (Vec::new(), Vec::new()) };
        let mut puts = Vec::new();
        let mut deletes = Vec::new();
        for name in &fork.changes.names {
            match self.get(name.as_str(), now) {
                Some(field) => puts.push((name.clone(), field.clone())),
                None => deletes.push(name.clone()),
            }
        }
        puts.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        deletes.sort_unstable();
        (puts, deletes)
    }

    fn clear(&mut self, now: Time) -> u64 {
        let there = self.fields.values().filter(|field| field.lives(now)).count();
        self.empty_out();
        self.changed(now);
        there as u64
    }

    /// Removes all fields and records that.
    fn empty_out(&mut self) {
        self.fields = empty();
        self.size = 0;
        if let Some(fork) = &mut self.fork {
            fork.changes = Changes { cleared: true, names: HashSet::new() };
        }
    }

    fn insert(&mut self, name: FieldName, field: Field) {
        if let Some(fork) = &mut self.fork
            && !fork.changes.names.contains(&name)
        {
            fork.changes.names.insert(name.clone());
        }
        self.size += weight(&name, &field.value);
        match self.fields.get_mut(&name) {
            Some(old) => {
                self.size -= weight(&name, &old.value);
                *old = field;
            }
            None => self.fields.insert_mut(name, field),
        }
    }

    /// Removes a field and records that; whether it was there.
    fn remove_one(&mut self, name: &FieldName, now: Time) -> bool {
        if let Some(fork) = &mut self.fork {
            fork.changes.names.insert(name.clone());
        }
        let Some(field) = self.fields.get(name) else { return false };
        let lived = field.lives(now);
        self.size -= weight(name, &field.value);
        self.fields.remove_mut(name);
        lived
    }

    fn changed(&mut self, now: Time) {
        self.revision += 1;
        self.updated = now;
    }

    /// Refuses what would exceed a limit, expired fields aside.
    fn make_room<'a>(
        &mut self,
        incoming: impl Iterator<Item = (&'a FieldName, &'a Json)> + Clone,
        setting: &Setting,
    ) -> Result<()> {
        if self.check_room(incoming.clone(), setting.limits).is_err() {
            self.drop_expired(setting.now);
            self.check_room(incoming, setting.limits)?;
        }
        Ok(())
    }

    fn check_room<'a>(&self, incoming: impl Iterator<Item = (&'a FieldName, &'a Json)>, limits: &Limits) -> Result<()> {
        let mut size = self.size;
        let mut count = self.fields.size();
        for (name, value) in incoming {
            size += weight(name, value);
            match self.fields.get(name) {
                Some(old) => size -= weight(name, &old.value),
                None => count += 1,
            }
        }
        limits::check("fields of the session", count, limits.fields, "fields")?;
        limits::check("session", size, limits.session, "bytes")
    }

    fn drop_expired(&mut self, now: Time) {
        let expired: Vec<FieldName> =
            self.fields.iter().filter(|(_, field)| !field.lives(now)).map(|(name, _)| name.clone()).collect();
        for name in expired {
            if let Some(field) = self.fields.get(&name) {
                self.size -= weight(&name, &field.value);
                self.fields.remove_mut(&name);
            }
        }
    }
}

/// `CONFLICT` naming the fields, if there are any.
pub(crate) fn refuse_conflicts(mut names: Vec<&str>) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    names.sort_unstable();
    names.dedup();
    let listed = names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    Err(fail!(Conflict, "changed by somebody else since the snapshot: {listed}").with("fields", names))
}

/// The bytes that a field counts for.
fn weight(name: &FieldName, value: &Json) -> usize {
    name.as_str().len() + value.as_str().len()
}

/// The bytes that all fields of a map count for.
pub(crate) fn size_of(fields: &Map) -> usize {
    fields.iter().map(|(name, field)| weight(name, &field.value)).sum()
}

fn sorted(fields: &Map, now: Time) -> Vec<(FieldName, Field)> {
    let mut all: Vec<(FieldName, Field)> = fields
        .iter()
        .filter(|(_, field)| field.lives(now))
        .map(|(name, field)| (name.clone(), field.clone()))
        .collect();
    all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// What a commit meets: a parent that holds `x` and a child of it.
    struct Pair {
        parent: Version,
        child: Version,
        versions: Cell<u128>,
        limits: Limits,
    }

    impl Pair {
        fn new(x_expires: Option<Time>) -> Pair {
            let limits = Limits { fields: 3, ..Limits::default() };
            let parent = Version::root(Time::from_millis(0));
            let child = parent.snapshot(Time::from_millis(0));
            let mut pair = Pair { parent, child, versions: Cell::new(0), limits };
            pair.at(0, |(parent, _), setting| parent.put(vec![field("x")], x_expires, setting)).unwrap();
            pair.child = pair.parent.snapshot(Time::from_millis(0));
            pair
        }

        fn at<R>(&mut self, millis: i64, run: impl FnOnce((&mut Version, &mut Version), &Setting) -> R) -> R {
            let next_version = || {
                self.versions.set(self.versions.get() + 1);
                self.versions.get()
            };
            let setting = Setting { now: Time::from_millis(millis), limits: &self.limits, next_version: &next_version };
            run((&mut self.parent, &mut self.child), &setting)
        }
    }

    fn field(name: &str) -> (FieldName, Json) {
        (FieldName::stored(name), Json::checked("1"))
    }

    #[test]
    fn a_commit_beyond_a_limit_leaves_no_trace() {
        let mut pair = Pair::new(None);
        let refused = pair.at(1, |(parent, child), setting| {
            child.clear(setting.now);
            child.put(vec![field("a"), field("b"), field("c")], None, setting).unwrap();
            let limits = Limits { fields: 2, ..setting.limits.clone() };
            parent.commit(child, false, &Setting { limits: &limits, ..*setting })
        });
        assert_eq!(refused.unwrap_err().code(), crate::Code::LimitExceeded);
        assert_eq!((pair.parent.revision(), pair.parent.updated().millis()), (1, 0));
        assert!(pair.parent.get("x", Time::from_millis(1)).is_some());
        let committed = pair.at(2, |(parent, child), setting| parent.commit(child, false, setting)).unwrap();
        assert_eq!((committed.put.len(), committed.deleted.len()), (3, 1));
        assert_eq!(pair.parent.revision(), 2, "a commit is one change");
    }

    #[test]
    fn an_expired_field_takes_no_room_from_a_commit_and_is_no_conflict() {
        let mut pair = Pair::new(Some(Time::from_millis(5)));
        let committed = pair.at(5, |(parent, child), setting| {
            // Dropped in the parent, still lying in the child's snapshot.
            parent.put(vec![field("p")], None, setting).unwrap();
            parent.drop_expired(setting.now);
            child.put(vec![field("x"), field("a")], None, setting).unwrap();
            parent.commit(child, true, setting)
        });
        assert_eq!(committed.unwrap().put, ["a", "x"]);

        let mut pair = Pair::new(Some(Time::from_millis(5)));
        let committed = pair.at(5, |(parent, child), setting| {
            child.put(vec![field("a"), field("b"), field("c")], None, setting).unwrap();
            parent.commit(child, true, setting)
        });
        assert_eq!(committed.unwrap().put, ["a", "b", "c"]);
    }
}
