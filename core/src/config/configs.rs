//! The configurations of a store, as its users meet them.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;

use super::catalog::{Catalog, KEPT, not_found};
use super::{Config, Definition, GLOBAL, State};
use crate::audit::{Event, What, Whose};
use crate::backend::HeadGuard;
use crate::clock::Time;
use crate::error::{Error, Result, fail};
use crate::json::object_members;
use crate::lifecycle::Walk;
use crate::page::{self, Page};
use crate::store::Inner;
use crate::task::{self, Task};
use crate::vault::Entropy;

/// The session configurations of a store: made, read, changed and deleted, all within its workspace, product and env.
///
/// A definition is JSON text; what comes back is the whole configuration, also JSON text, with its defaults, its JSON
/// Schema, its version and times. Every call but `get` and `list` is on the disk before it returns, and atomic under races.
///
/// ```
/// use sessile::{Options, Store};
///
/// let store = Store::open(Options::new("memory:")).wait()?;
/// let config = store.configs().create(
///     r#"{"name": "User session", "expiry": 7, "period": "Months",
///         "schema": {"userId": "string", "email": "string"}, "selector": "userId"}"#,
/// ).wait()?;
/// assert!(config.starts_with(r#"{"tag":"user_session","name":"User session","description":null,"expiry":7,"period":"months""#));
/// assert!(config.contains(r#""selector":"$Session{userId}""#));
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone)]
pub struct Configs(Arc<Inner>);

impl Configs {
    pub(crate) fn new(store: Arc<Inner>) -> Configs {
        Configs(store)
    }

    /// Makes a configuration. `definition`: an object with `name` and what else it needs (seed 002: `tag`,
    /// `description`, `expiry` and `period`, `schema`, `selector`; design §3.4 has the rest). The tag is made of the name
    /// unless given. `CONFIG_INVALID` says which member, what it was given and what it accepts; `ALREADY_EXISTS`.
    pub fn create(&self, definition: &str) -> Task<String> {
        let definition = definition.to_owned();
        self.0.task(async move |store| {
            let (tag, definition) = Definition::read(&definition, &store.limits)?;
            refuse_shred(&store, &definition)?;
            Ok(create(&store, &tag, definition).await?.info())
        })
    }

    /// The configuration with that tag, as this process knows it: at most a second old. `NOT_FOUND`.
    pub fn get(&self, tag: &str) -> Task<String> {
        let tag = tag.to_owned();
        self.0.task(async move |store| Ok(store.catalog.find(&store, &tag).await?.info()))
    }

    /// The configurations in the order of their tags, the built-in `global` in its place:
    /// `{"configs": […], "nextCursor": …}`. `page`: `{"limit": 1–1000, "cursor": …}`, both optional (100, from the start).
    pub fn list(&self, page: Option<&str>) -> Task<String> {
        let page = Page::parse(page);
        self.0.task(async move |store| {
            let page = page?;
            let after = page.cursor_text()?;
            let all = Catalog::all(&store).await?;
            let mut rest = all.iter().filter(|config| after.as_deref().is_none_or(|after| &*config.tag > after));
            let shown: Vec<_> = rest.by_ref().take(page.limit).collect();
            let more = rest.next().is_some();
            let next = shown.last().filter(|_| more).map(|last| last.tag.as_bytes());
            let infos: Vec<_> = shown.iter().map(|config| config.info()).collect();
            Ok(page::print("configs", &infos, next))
        })
    }

    /// Merges `changes` into the definition; `null` puts a member back to its default. Anything but tag, selector and
    /// shred can change: times and quota count for sessions that begin afterwards, the schema for writes afterwards.
    /// `NOT_FOUND`, `CONFIG_INVALID`.
    pub fn update(&self, tag: &str, changes: &str) -> Task<String> {
        let (tag, changes) = (tag.to_owned(), changes.to_owned());
        self.0.task(async move |store| {
            let config =
                update(&store, &tag, |config| config.definition.merged(&config.tag, &changes, &store.limits)).await?;
            Ok(config.info())
        })
    }

    /// Deletes a configuration, for good: the same tag made again never meets what was stored under this one.
    ///
    /// While sessions live under it that is a `CONFLICT`, unless `force`, which ends them. Other processes may go by a
    /// definition for a second, so this waits for that, and for the operations under way then (1 s and the deadline, 2 s).
    /// If it does not come to its end, no session begins under that tag any more; delete it again.
    pub fn delete(&self, tag: &str, force: bool) -> Task<()> {
        let tag = tag.to_owned();
        self.0.task(async move |store| delete(&store, &tag, force).await)
    }

    /// The definitions of these tags (a JSON array; absent: all but `global`), for [`import`](Configs::import) elsewhere:
    /// `{"sessileConfigs": 1, "configs": […]}`. `NOT_FOUND`.
    pub fn export(&self, tags: Option<&str>) -> Task<String> {
        let tags = tags.map(|tags| {
            serde_json::from_str::<Vec<String>>(tags).map_err(|_| {
                fail!(InvalidArgument, "tags: an array of tags is wanted, like [\"user_session\"]")
                    .with("argument", "tags")
            })
        });
        self.0.task(async move |store| {
            let all = Catalog::all(&store).await?;
            let of = |tag: &str| all.iter().find(|config| *config.tag == *tag && tag != GLOBAL);
            let chosen: Vec<&Arc<Config>> = match tags.transpose()? {
                None => all.iter().filter(|config| *config.tag != *GLOBAL).collect(),
                Some(mut tags) => {
                    // A tag named twice is exported once: import takes no document that holds it twice.
                    let mut named = HashSet::new();
                    tags.retain(|tag| named.insert(tag.clone()));
                    tags.iter().map(|tag| of(tag).ok_or_else(|| not_found(tag))).collect::<Result<_>>()?
                }
            };
            let definitions: Vec<_> = chosen.iter().map(|config| config.definition.to_json(&config.tag)).collect();
            Ok(format!(r#"{{"sessileConfigs":{EXPORT},"configs":[{}]}}"#, definitions.join(",")))
        })
    }

    /// Makes what [`export`](Configs::export) gave. All definitions are checked before the first is stored. One whose
    /// tag is there already: nothing to do if it says the same, else it takes its place with `replace`, and is
    /// `ALREADY_EXISTS` without. `{"created": […], "updated": […], "unchanged": […]}`, each a list of tags.
    pub fn import(&self, document: &str, replace: bool) -> Task<String> {
        let document = document.to_owned();
        self.0.task(async move |store| import(&store, &document, replace).await)
    }
}

/// The version of exported documents.
const EXPORT: u64 = 1;

async fn create(store: &Arc<Inner>, tag: &str, definition: Definition) -> Result<Arc<Config>> {
    let now = store.clock.now();
    let id = Entropy::draw()?.random_id();
    let config =
        Arc::new(Config { tag: tag.into(), id, version: 1, created: Some(now), updated: Some(now), definition });
    loop {
        let standing = Catalog::look(store, tag).await?;
        if standing.stored.is_some() || tag == GLOBAL {
            return Err(already_exists(tag));
        }
        // If not, somebody was first, or what a deleted one had left was swept: the next look tells.
        if store.catalog.change(store, tag, standing.guard, Some((&config, State::Active))).await? {
            store.audit.happened(|| Event::of(What::ConfigCreated).whose(Whose::tag(tag)));
            return Ok(config);
        }
    }
}

async fn update(store: &Arc<Inner>, tag: &str, change: impl Fn(&Config) -> Result<Definition>) -> Result<Arc<Config>> {
    refuse_built_in(tag, "changed")?;
    loop {
        let standing = Catalog::look(store, tag).await?;
        let Some((old, state)) = standing.stored else { return Err(not_found(tag)) };
        let version =
            old.version.checked_add(1).ok_or_else(|| fail!(LimitExceeded, "the config changed 2^32 times"))?;
        let updated = Some(later(old.updated, store.clock.now()));
        let definition = change(&old)?;
        let config =
            Arc::new(Config { tag: old.tag.clone(), id: old.id, version, created: old.created, updated, definition });
        if store.catalog.change(store, tag, standing.guard, Some((&config, state))).await? {
            store.audit.happened(|| Event::of(What::ConfigChanged).whose(Whose::tag(tag)));
            return Ok(config);
        }
    }
}

async fn delete(store: &Arc<Inner>, tag: &str, force: bool) -> Result<()> {
    refuse_built_in(tag, "deleted")?;
    let standing = Catalog::look(store, tag).await?;
    let Some((config, state)) = standing.stored else { return Err(not_found(tag)) };
    let walk = Walk::of(store, &config);
    if !force {
        walk.refuse_living().await?;
    }
    let mut guard = standing.guard;
    while !store.catalog.change(store, tag, guard, Some((&config, State::Deleting))).await? {
        // What was only sealed anew, under another key, says what it said.
        let standing = Catalog::look(store, tag).await?;
        match standing.stored {
            Some((there, now)) if (there.id, there.version, now) == (config.id, config.version, state) => {
                guard = standing.guard;
            }
            _ => return Err(changed_meanwhile(tag)),
        }
    }
    // Another process may begin a session until its definition is a second old, and that change may take its time.
    task::sleep(KEPT + store.limits.deadline()).await;
    if !force && let Err(living) = walk.refuse_living().await {
        // It goes on as what it says by now: it could be updated all the time.
        while let Some((guard, there)) = deleting(store, &config).await? {
            if store.catalog.change(store, tag, guard, Some((&there, State::Active))).await? {
                break;
            }
        }
        return Err(living);
    }
    if deleting(store, &config).await?.is_none() {
        return Ok(());
    }
    walk.end_all().await?;
    while let Some((guard, _)) = deleting(store, &config).await? {
        if store.catalog.change(store, tag, guard, None).await? {
            store.audit.happened(|| Event::of(What::ConfigDeleted).whose(Whose::tag(tag)));
            break;
        }
    }
    Ok(())
}

/// The config that is being deleted, as it stands now; `None` once it is gone, whoever deleted it, even if another has
/// its tag by now. `CONFLICT` if a delete without force has brought it back.
async fn deleting(store: &Arc<Inner>, config: &Config) -> Result<Option<(HeadGuard, Arc<Config>)>> {
    let standing = Catalog::look(store, &config.tag).await?;
    match standing.stored {
        Some((there, state)) if there.id == config.id => match state {
            State::Deleting => Ok(Some((standing.guard, there))),
            State::Active => Err(changed_meanwhile(&config.tag)),
        },
        _ => Ok(None),
    }
}

async fn import(store: &Arc<Inner>, document: &str, replace: bool) -> Result<String> {
    let definitions = exported(document, store)?;
    let all = Catalog::all(store).await?;
    let there = |tag: &str| all.iter().find(|config| *config.tag == *tag);
    let says_the_same = |tag: &str, definition: &Definition| {
        there(tag).is_some_and(|config| same(&config.definition.to_json(tag), &definition.to_json(tag)))
    };
    if let Some((tag, _)) = definitions.iter().find(|(tag, definition)| {
        **tag == *GLOBAL || (!replace && there(tag).is_some() && !says_the_same(tag, definition))
    }) {
        return Err(already_exists(tag));
    }
    if let Some((tag, definition)) = definitions.iter().find(|(tag, definition)| {
        there(tag).is_some_and(|config| {
            config.definition.selector.as_ref().map(ToString::to_string)
                != definition.selector.as_ref().map(ToString::to_string)
        })
    }) {
        let selector = definition.selector.as_ref().map(ToString::to_string).unwrap_or_default();
        return Err(fail!(ConfigInvalid, "config {tag:?} has another selector than {selector:?}, and it can't change")
            .with("member", "selector"));
    }
    if let Some((tag, definition)) = definitions
        .iter()
        .find(|(tag, definition)| there(tag).is_some_and(|config| config.definition.shred != definition.shred))
    {
        return Err(fail!(
            ConfigInvalid,
            "config {tag:?} was made with another shred than {}, and it can't change",
            definition.shred
        )
        .with("member", "shred"));
    }
    let (mut created, mut updated, mut unchanged) = (Vec::new(), Vec::new(), Vec::new());
    for (tag, definition) in definitions {
        if says_the_same(&tag, &definition) {
            unchanged.push(tag);
        } else if there(&tag).is_some() {
            let text = definition.to_json(&tag);
            update(store, &tag, |_| Ok(Definition::read(&text, &store.limits)?.1)).await?;
            updated.push(tag);
        } else {
            create(store, &tag, definition).await?;
            created.push(tag);
        }
    }
    Ok(serde_json::json!({"created": created, "updated": updated, "unchanged": unchanged}).to_string())
}

/// Whether two definitions say the same; how their schemas are laid out says nothing.
fn same(one: &str, other: &str) -> bool {
    let read = |text| serde_json::from_str::<Value>(text).ok();
    one == other || (read(one).is_some() && read(one) == read(other))
}

/// The definitions of an exported document, all checked.
fn exported(document: &str, store: &Inner) -> Result<Vec<(Box<str>, Definition)>> {
    let bad = |message: &str| fail!(InvalidArgument, "document: {message}").with("argument", "document");
    let mut configs = None;
    let mut version = None;
    for (name, raw) in object_members(document, &store.limits)? {
        match &*name {
            "sessileConfigs" => version = raw.parse::<u64>().ok(),
            "configs" => configs = Some(raw),
            _ => return Err(bad(&format!("there is no member {name:?}; it has sessileConfigs and configs"))),
        }
    }
    match version {
        Some(EXPORT) => {}
        Some(newer) if newer > EXPORT => {
            return Err(fail!(FormatTooNew, "document: it has version {newer}, this sessile reads {EXPORT}"));
        }
        _ => return Err(bad("its member sessileConfigs, 1, is missing: pass what export gave")),
    }
    let configs = configs.ok_or_else(|| bad("its member configs is missing"))?;
    let mut definitions: Vec<(Box<str>, Definition)> = Vec::new();
    let elements: Vec<&RawValue> = serde_json::from_str(configs).map_err(|_| bad("its member configs is an array"))?;
    for element in elements {
        let (tag, definition) = Definition::read(element.get(), &store.limits)?;
        refuse_shred(store, &definition)?;
        if definitions.iter().any(|(known, _)| *known == tag) {
            return Err(bad(&format!("the tag {tag:?} occurs twice")));
        }
        definitions.push((tag, definition));
    }
    Ok(definitions)
}

/// A config that shreds takes a store with a second backend for the users' secrets.
fn refuse_shred(store: &Inner, definition: &Definition) -> Result<()> {
    if !definition.shred || store.secrets.is_some() {
        return Ok(());
    }
    Err(fail!(
        ConfigInvalid,
        "shred: true given; it takes a store that was opened with `secrets`, a second backend for the users' secrets, and \
         this one has none"
    )
    .with("member", "shred")
    .with("given", "true"))
}

fn refuse_built_in(tag: &str, verb: &str) -> Result<()> {
    if tag != GLOBAL {
        return Ok(());
    }
    Err(fail!(ConfigInvalid, "the built-in configuration {GLOBAL:?} can't be {verb}").with("member", "tag"))
}

fn already_exists(tag: &str) -> Error {
    fail!(AlreadyExists, "a session configuration with the tag {tag:?} exists already: take another name or tag")
        .with("tag", tag)
}

fn changed_meanwhile(tag: &str) -> Error {
    fail!(Conflict, "the configuration {tag:?} was changed by somebody else meanwhile: look at it again")
        .with("tag", tag)
}

fn later(old: Option<Time>, now: Time) -> Time {
    old.map_or(now, |old| old.max(now))
}

impl fmt::Debug for Configs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Configs")
    }
}
