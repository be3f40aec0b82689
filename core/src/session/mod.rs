//! A session and its verbs: Local, Scoped and Global alike.

mod dated;
pub(crate) mod field;
pub(crate) mod global;
mod heads;
mod highwater;
mod info;
pub(crate) mod quota;
pub(crate) mod scoped_global;
pub(crate) mod seen;
mod update;
pub(crate) mod version;

use std::fmt;
use std::sync::Arc;

use crate::audit::Whose;
use crate::clock::Time;
use crate::error::{Result, fail};
use crate::execution::{CommitOptions, Committed, Node};
use crate::json::{self, Exactness, FieldName, Fields, Json};
use crate::limits::Limits;
use crate::task::Task;

use field::{Edit, Field, expiry, parse_version, print_version};
use global::Global;
pub(crate) use heads::Heads;
pub(crate) use highwater::HighWater;
pub use info::Info;
pub use update::{Update, Versioned};
use version::Selection;

/// A session: named JSON fields. Clones are the same session; any thread may use it.
///
/// Every verb means the same on Local, Scoped and Global. Local and Scoped ones are done when the call returns; Global
/// ones may give `GLOBAL_NOT_ALLOWED`, `TOKEN_*`, `SESSION_EXPIRED`, `SESSION_REVOKED`, `KEY_*`, `CORRUPT` and backend
/// errors besides those named at the verb. Every verb gives `CLOSED` once the execution has ended.
///
/// ```
/// use sessile::{Options, Store};
///
/// let store = Store::open(Options::new("memory:")).wait()?;
/// let local = store.execution(None, None)?.local();
/// # let run = store.execution(None, None)?; let local = run.local();
/// local.put(r#"{"total": 3, "cart": ["a"]}"#, None).wait()?;
/// assert_eq!(local.increment("total", "2").wait()?.as_str(), "5");
/// assert_eq!(local.append("cart", r#"["b"]"#).wait()?, 2);
/// assert_eq!(local.all().wait()?.to_json(), r#"{"cart":["a","b"],"total":5}"#);
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone)]
pub struct Session(Kind);

#[derive(Clone)]
enum Kind {
    /// The version of that node: the shared map, or a sub-process's own.
    Local(Arc<Node>),
    Global(Arc<Global>),
    /// That node's own version of that Global session.
    ScopedGlobal(Arc<Node>, Arc<Global>),
}

impl Session {
    pub(crate) fn local(node: Arc<Node>) -> Session {
        Session(Kind::Local(node))
    }

    pub(crate) fn global(global: Global) -> Session {
        Session(Kind::Global(Arc::new(global)))
    }

    pub(crate) fn scoped_global(node: Arc<Node>, global: Global) -> Session {
        Session(Kind::ScopedGlobal(node, Arc::new(global)))
    }

    /// One field's value; absent: `None`.
    pub fn get(&self, name: &str) -> Task<Option<Json>> {
        self.fetch_one(name, |field| Ok(field.map(|field| field.value)))
    }

    /// Those of the fields that are there, in the order asked for.
    pub fn get_many(&self, names: &[&str]) -> Task<Fields> {
        self.all_named(names, |names| self.read(names, |found| found))
    }

    /// One field's value with its version, for [`put_if`](Session::put_if).
    pub fn get_versioned(&self, name: &str) -> Task<Option<Versioned>> {
        self.fetch_one(name, |field| {
            Ok(field.map(|field| Versioned { version: print_version(field.version), value: field.value }))
        })
    }

    /// All fields, sorted by name.
    pub fn all(&self) -> Task<Fields> {
        self.fetch(Selection::All, |found| Ok(values(found)))
    }

    /// The names of all fields, sorted. Costs what [`all`](Session::all) costs: a Global session's names are sealed
    /// with the values.
    pub fn keys(&self) -> Task<Vec<String>> {
        self.fetch(Selection::All, |found| Ok(found.into_iter().map(|(name, _)| name.as_str().to_owned()).collect()))
    }

    /// Whether the field is there.
    pub fn contains(&self, name: &str) -> Task<bool> {
        self.fetch_one(name, |field| Ok(field.is_some()))
    }

    /// Puts every member of `fields` (JSON object text), all or nothing. `ttl`: whole seconds ≥ 1 until they go;
    /// without one they stay, whatever they had before.
    ///
    /// `INVALID_JSON`, `INVALID_ARGUMENT`, `LIMIT_EXCEEDED`.
    pub fn put(&self, fields: &str, ttl: Option<u64>) -> Task<()> {
        let members = match json::members_within(fields, self.limits()) {
            Ok(members) => members,
            Err(error) => return self.ready(Err(error)),
        };
        if let (Kind::Local(node), [(name, value)]) = (&self.0, &members[..]) {
            return self.ready(put_here(node, name, Json::checked(value), ttl));
        }
        self.write(json::fields_of(members), ttl, |result| result)
    }

    /// Puts one field. `value` is JSON text, kept as it is. See [`put`](Session::put).
    pub fn put_one(&self, name: &str, value: &str, ttl: Option<u64>) -> Task<()> {
        if let Kind::Local(node) = &self.0 {
            let limits = self.limits();
            let value = FieldName::check(name, limits).and_then(|()| value_within(value, limits));
            return self.ready(value.and_then(|value| put_here(node, name, value, ttl)));
        }
        self.named_value(name, value, |name, value| self.write(vec![(name, value)], ttl, |result| result))
    }

    /// Deletes fields; absent ones are no error. How many were there.
    pub fn delete(&self, names: &[&str]) -> Task<u64> {
        self.all_named(names, |names| self.remove(names, |result| result))
    }

    /// Deletes all fields. How many were there.
    pub fn clear(&self) -> Task<u64> {
        self.remove_selected(Selection::All, |result| result)
    }

    /// Adds `by` (JSON number text) to a number field (absent: 0); the sum. Integers stay exact within 64 bits, beyond
    /// is `LIMIT_EXCEEDED`; a field that is no number is `INVALID_ARGUMENT`. A ttl stays.
    pub fn increment(&self, name: &str, by: &str) -> Task<Json> {
        let (by, limits) = (by.to_owned(), self.limits().clone());
        self.named(name, |name| {
            self.modify(name, move |field| {
                let current = field.map_or("0", |field| field.value.as_str());
                let sum = Json::parse(&json::number::add(current, &by)?, &limits)?;
                Ok((Edit::Put(sum.clone()), sum))
            })
        })
    }

    /// Appends the elements of `values` (JSON array text) to an array field (absent: empty); the new length.
    /// `INVALID_ARGUMENT` if the field is no array. A ttl stays.
    pub fn append(&self, name: &str, values: &str) -> Task<u64> {
        let (values, limits) = (values.to_owned(), self.limits().clone());
        self.named(name, |name| {
            self.modify(name, move |field| {
                let current = field.map_or("[]", |field| field.value.as_str());
                let (array, length) = json::array::append(current, &values, &limits)?;
                Ok((Edit::Put(value_within(&array, &limits)?), length))
            })
        })
    }

    /// Puts a field that is not there yet; whether it was put.
    pub fn put_if_absent(&self, name: &str, value: &str, ttl: Option<u64>) -> Task<bool> {
        let clock = self.store().clock.clone();
        self.named_value(name, value, |name, value| {
            self.modify(name, move |field| match field {
                Some(_) => Ok((Edit::Keep, false)),
                None => Ok((Edit::PutUntil(value.clone(), expiry(ttl, clock.now())?), true)),
            })
        })
    }

    /// Gets and deletes a field.
    pub fn take(&self, name: &str) -> Task<Option<Json>> {
        self.take_checked(name, |_| Ok(()))
    }

    /// [`take`](Session::take) for a host that reads numbers as `exactness` says: a value that it would not read
    /// exactly stays where it is, and the error is that of [`Json::check_exact`].
    pub fn take_exact(&self, name: &str, exactness: Exactness) -> Task<Option<Json>> {
        self.take_checked(name, move |value| value.check_exact(exactness))
    }

    fn take_checked(&self, name: &str, check: impl Fn(&Json) -> Result<()> + Send + 'static) -> Task<Option<Json>> {
        self.named(name, |name| {
            self.modify(name, move |field| match field {
                Some(field) => check(&field.value).map(|()| (Edit::Delete, Some(field.value.clone()))),
                None => Ok((Edit::Keep, None)),
            })
        })
    }

    /// Puts a field if its version is `version` (`None`: if it is absent), else `CONFLICT`; the new version.
    pub fn put_if(&self, name: &str, value: &str, version: Option<&str>, ttl: Option<u64>) -> Task<String> {
        let wanted = match version.map(parse_version).transpose() {
            Ok(wanted) => wanted,
            Err(error) => return self.ready(Err(error)),
        };
        let clock = self.store().clock.clone();
        self.named_value(name, value, |name, value| {
            let field_name = name.clone();
            self.modify_versioned(
                name,
                move |field| {
                    if field.map(|field| field.version) != wanted {
                        let name = field_name.as_str();
                        return Err(fail!(Conflict, "field {name:?} has another version: read it again")
                            .with("fields", vec![name]));
                    }
                    Ok((Edit::PutUntil(value.clone(), expiry(ttl, clock.now())?), ()))
                },
                |(), version| Ok(version.map(print_version).unwrap_or_default()),
            )
        })
    }

    /// Begins read, change, compare-and-put of one field. Bindings build `update(fn)` on it.
    pub fn update(&self, name: &str) -> Update {
        Update::begin(self.clone(), FieldName::new(name, self.limits()))
    }

    /// The value at a JSON Pointer inside a field (`""`: the field itself).
    pub fn get_path(&self, name: &str, pointer: &str) -> Task<Option<Json>> {
        let (pointer, limits) = (pointer.to_owned(), self.limits().clone());
        self.fetch_one(name, move |field| {
            let inside = match &field {
                Some(field) => json::pointer::get(field.value.as_str(), &pointer)?,
                None => json::pointer::get("null", &pointer).map(|_| None)?,
            };
            inside.map(|text| Json::parse(text, &limits)).transpose()
        })
    }

    /// Sets the value at a JSON Pointer inside a field; `-` appends to an array. A missing field or parent is
    /// `NOT_FOUND`; the field itself (`""`) is made when missing.
    pub fn put_path(&self, name: &str, pointer: &str, value: &str) -> Task<()> {
        let (pointer, limits) = (pointer.to_owned(), self.limits().clone());
        self.named_value(name, value, |name, value| {
            let field_name = name.clone();
            self.modify(name, move |field| {
                let changed = match field {
                    Some(field) => json::pointer::put(field.value.as_str(), &pointer, value.as_str(), &limits)?,
                    None if pointer.is_empty() => value.as_str().to_owned(),
                    None => {
                        return Err(fail!(NotFound, "there is no field {:?}", field_name.as_str())
                            .with("field", field_name.as_str()));
                    }
                };
                Ok((Edit::Put(value_within(&changed, &limits)?), ()))
            })
        })
    }

    /// Removes the value at a JSON Pointer inside a field (`""`: the field itself); whether it was there.
    pub fn delete_path(&self, name: &str, pointer: &str) -> Task<bool> {
        let (pointer, limits) = (pointer.to_owned(), self.limits().clone());
        self.named(name, |name| {
            self.modify(name, move |field| {
                let Some(field) = field else {
                    json::pointer::get("null", &pointer)?;
                    return Ok((Edit::Keep, false));
                };
                if pointer.is_empty() {
                    return Ok((Edit::Delete, true));
                }
                match json::pointer::delete(field.value.as_str(), &pointer)? {
                    Some(changed) => Ok((Edit::Put(value_within(&changed, &limits)?), true)),
                    None => Ok((Edit::Keep, false)),
                }
            })
        })
    }

    /// Sets (`None`: removes) a field's ttl, in whole seconds ≥ 1; whether the field is there.
    pub fn set_ttl(&self, name: &str, ttl: Option<u64>) -> Task<bool> {
        let clock = self.store().clock.clone();
        self.named(name, |name| {
            self.modify(name, move |field| {
                let expires = expiry(ttl, clock.now())?;
                Ok(match field {
                    Some(field) => (Edit::PutUntil(field.value.clone(), expires), true),
                    None => (Edit::Keep, false),
                })
            })
        })
    }

    /// When the field goes; `Some(None)`: it is there and stays.
    pub fn expires_at(&self, name: &str) -> Task<Option<Option<Time>>> {
        self.fetch_one(name, |field| Ok(field.map(|field| field.expires)))
    }

    /// Version and times; `None`: a Global session that nobody began.
    pub fn info(&self) -> Task<Option<Info>> {
        match &self.0 {
            Kind::Local(node) => Task::ready(node.with_version(|version, _| Ok(Some(Info::of(version))))),
            Kind::Global(global) => self.task(global.clone(), async move |global| global.info().await),
            Kind::ScopedGlobal(node, global) => {
                self.scoped(node, global, |version, _| Ok(Some(Info::of(version))), |info| info)
            }
        }
    }

    /// Ends the session: Local is emptied, a Global one is over for everybody who holds it.
    pub fn end(&self) -> Task<()> {
        match &self.0 {
            Kind::Global(global) => self.task(global.clone(), async move |global| global.end().await),
            _ => self.remove_selected(Selection::All, |result| result.map(|_| ())),
        }
    }

    /// For [`scoped_global`](crate::Execution::scoped_global): writes its changes into the session in one guarded
    /// change and goes on from a new snapshot. `SESSION_REVOKED` if the session is another life's by now, `CONFLICT`
    /// as for [`Execution::commit`](crate::Execution::commit). Elsewhere `INVALID_ARGUMENT`.
    pub fn commit(&self, options: CommitOptions) -> Task<Committed> {
        match &self.0 {
            Kind::ScopedGlobal(node, global) => {
                let node = node.clone();
                self.task(global.clone(), async move |global| scoped_global::commit(&node, &global, options).await)
            }
            _ => Task::ready(Err(fail!(
                InvalidArgument,
                "only a sub-process's own version of a Global session can be committed here"
            ))),
        }
    }

    // -- the five things that every verb is made of --------------------------------------------------------------

    /// Reads fields by name, in that order.
    pub(crate) fn read<R: Send + 'static>(
        &self,
        names: Vec<FieldName>,
        finish: impl FnOnce(Result<Fields>) -> Result<R> + Send + 'static,
    ) -> Task<R> {
        self.fetch_result(Selection::Names(names), |found| finish(found.map(values)))
    }

    /// Reads one field. What is held in memory is found by the name as it was given: nothing is copied but the value's
    /// handle.
    fn fetch_one<R: Send + 'static>(
        &self,
        name: &str,
        finish: impl FnOnce(Option<Field>) -> Result<R> + Send + 'static,
    ) -> Task<R> {
        if let Kind::Local(node) = &self.0 {
            let found = FieldName::check(name, self.limits())
                .and_then(|()| node.with_clock(|version, clock| Ok(version.find(name, || clock.now()).cloned())));
            return self.ready(found.and_then(finish));
        }
        self.named(name, |name| {
            self.fetch(Selection::Names(vec![name]), |found| finish(found.into_iter().next().map(|(_, field)| field)))
        })
    }

    fn fetch<R: Send + 'static>(
        &self,
        what: Selection,
        finish: impl FnOnce(Vec<(FieldName, Field)>) -> Result<R> + Send + 'static,
    ) -> Task<R> {
        self.fetch_result(what, |found| found.and_then(finish))
    }

    fn fetch_result<R: Send + 'static>(
        &self,
        what: Selection,
        finish: impl FnOnce(Result<Vec<(FieldName, Field)>>) -> Result<R> + Send + 'static,
    ) -> Task<R> {
        match &self.0 {
            Kind::Local(node) => self.ready(finish(node.with_version(|version, now| Ok(version.read(&what, now))))),
            Kind::Global(global) => self.task(global.clone(), async move |global| finish(global.read(what).await)),
            Kind::ScopedGlobal(node, global) => {
                self.scoped(node, global, move |version, setting| Ok(version.read(&what, setting.now)), finish)
            }
        }
    }

    /// Puts fields, all or nothing.
    pub(crate) fn write<R: Send + 'static>(
        &self,
        fields: Vec<(FieldName, Json)>,
        ttl: Option<u64>,
        finish: impl FnOnce(Result<()>) -> Result<R> + Send + 'static,
    ) -> Task<R> {
        match &self.0 {
            Kind::Local(node) => self
                .ready(finish(node.change(|version, setting| version.put(fields, expiry(ttl, setting.now)?, setting)))),
            Kind::Global(global) => {
                self.task(global.clone(), async move |global| finish(global.write(fields, ttl).await))
            }
            Kind::ScopedGlobal(node, global) => {
                let put = move |version: &mut version::Version, setting: &version::Setting| {
                    version.put(fields, expiry(ttl, setting.now)?, setting)
                };
                self.scoped(node, global, put, finish)
            }
        }
    }

    /// Removes fields by name; how many were there.
    pub(crate) fn remove<R: Send + 'static>(
        &self,
        names: Vec<FieldName>,
        finish: impl FnOnce(Result<u64>) -> Result<R> + Send + 'static,
    ) -> Task<R> {
        self.remove_selected(Selection::Names(names), finish)
    }

    fn remove_selected<R: Send + 'static>(
        &self,
        what: Selection,
        finish: impl FnOnce(Result<u64>) -> Result<R> + Send + 'static,
    ) -> Task<R> {
        match &self.0 {
            Kind::Local(node) => {
                self.ready(finish(node.change(|version, setting| Ok(version.remove(&what, setting.now)))))
            }
            Kind::Global(global) => self.task(global.clone(), async move |global| finish(global.remove(what).await)),
            Kind::ScopedGlobal(node, global) => {
                self.scoped(node, global, move |version, setting| Ok(version.remove(&what, setting.now)), finish)
            }
        }
    }

    /// Changes one field by what `edit` makes of it. On a Global session `edit` runs again when somebody else was
    /// first.
    pub(crate) fn modify<R: Send + 'static>(
        &self,
        name: FieldName,
        edit: impl FnMut(Option<&Field>) -> Result<(Edit, R)> + Send + 'static,
    ) -> Task<R> {
        self.modify_versioned(name, edit, |result, _| Ok(result))
    }

    /// [`modify`](Session::modify), which also tells the version that the field has after it.
    fn modify_versioned<R: Send + 'static, S: Send + 'static>(
        &self,
        name: FieldName,
        edit: impl FnMut(Option<&Field>) -> Result<(Edit, R)> + Send + 'static,
        finish: impl FnOnce(R, Option<field::FieldVersion>) -> Result<S> + Send + 'static,
    ) -> Task<S> {
        fn apply<R>(
            version: &mut version::Version,
            setting: &version::Setting,
            name: FieldName,
            edit: impl FnOnce(Option<&Field>) -> Result<(Edit, R)>,
        ) -> Result<(R, Option<field::FieldVersion>)> {
            let result = version.modify(name.clone(), edit, setting)?;
            Ok((result, version.get(name.as_str(), setting.now).map(|field| field.version)))
        }
        match &self.0 {
            Kind::Local(node) => self.ready(
                node.change(|version, setting| apply(version, setting, name, edit))
                    .and_then(|(result, version)| finish(result, version)),
            ),
            Kind::Global(global) => self.task(global.clone(), async move |global| {
                let (result, version) = global.modify(name, edit).await?;
                finish(result, version)
            }),
            Kind::ScopedGlobal(node, global) => {
                let modify = move |version: &mut version::Version, setting: &version::Setting| {
                    apply(version, setting, name, edit)
                };
                self.scoped(node, global, modify, |applied| {
                    applied.and_then(|(result, version)| finish(result, version))
                })
            }
        }
    }

    /// Reads or changes that node's own version of the Global session.
    fn scoped<T: Send + 'static, R: Send + 'static>(
        &self,
        node: &Arc<Node>,
        global: &Arc<Global>,
        run: impl FnOnce(&mut version::Version, &version::Setting) -> Result<T> + Send + 'static,
        finish: impl FnOnce(Result<T>) -> Result<R> + Send + 'static,
    ) -> Task<R> {
        let node = node.clone();
        self.task(global.clone(), async move |global| finish(scoped_global::with(&node, &global, run).await))
    }

    fn task<R, F>(&self, global: Arc<Global>, work: impl FnOnce(Arc<Global>) -> F + Send + 'static) -> Task<R>
    where
        R: Send + 'static,
        F: Future<Output = Result<R>> + Send + 'static,
    {
        Task::new(&self.store().pool, async move || work(global.clone()).await.map_err(|error| global.refusal(error)))
    }

    /// A task that is finished; watchers are told of what was refused.
    fn ready<R: Send + 'static>(&self, result: Result<R>) -> Task<R> {
        Task::ready(match result {
            Ok(result) => Ok(result),
            refused => self.store().audit.told(refused, || self.whose()),
        })
    }

    fn whose(&self) -> Whose {
        match &self.0 {
            Kind::Local(node) => Whose::default().at(node.shared.access.request()),
            Kind::Global(global) | Kind::ScopedGlobal(_, global) => global.whose(),
        }
    }

    fn named<R: Send + 'static>(&self, name: &str, run: impl FnOnce(FieldName) -> Task<R>) -> Task<R> {
        match FieldName::new(name, self.limits()) {
            Ok(name) => run(name),
            Err(error) => self.ready(Err(error)),
        }
    }

    fn named_value<R: Send + 'static>(
        &self,
        name: &str,
        value: &str,
        run: impl FnOnce(FieldName, Json) -> Task<R>,
    ) -> Task<R> {
        self.named(name, |name| match value_within(value, self.limits()) {
            Ok(value) => run(name, value),
            Err(error) => self.ready(Err(error)),
        })
    }

    fn all_named<R: Send + 'static>(&self, names: &[&str], run: impl FnOnce(Vec<FieldName>) -> Task<R>) -> Task<R> {
        match names.iter().map(|name| FieldName::new(name, self.limits())).collect() {
            Ok(names) => run(names),
            Err(error) => self.ready(Err(error)),
        }
    }

    fn store(&self) -> &crate::store::Inner {
        match &self.0 {
            Kind::Local(node) => &node.shared.store,
            Kind::Global(global) | Kind::ScopedGlobal(_, global) => global.store(),
        }
    }

    fn limits(&self) -> &Limits {
        &self.store().limits
    }
}

/// Puts one field, whose name was checked, into a version held in memory.
fn put_here(node: &Node, name: &str, value: Json, ttl: Option<u64>) -> Result<()> {
    node.change(|version, setting| version.put_one(name, value, expiry(ttl, setting.now)?, setting))
}

fn values(found: Vec<(FieldName, Field)>) -> Fields {
    found.into_iter().map(|(name, field)| (name, field.value)).collect()
}

/// A value's text, checked, within the limit of one field.
pub(crate) fn value_within(text: &str, limits: &Limits) -> Result<Json> {
    crate::limits::check("field value", text.len(), limits.field_value, "bytes")?;
    Json::parse(text, limits)
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Local(_) => "Session(Local)",
            Kind::Global(_) => "Session(Global)",
            Kind::ScopedGlobal(..) => "Session(Scoped Global)",
        })
    }
}
