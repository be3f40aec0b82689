//! Which server a command goes to, and what happens when that one fails: redirects, fail-over, another try.

use std::borrow::Cow;
use std::sync::Arc;

use parking_lot::Mutex;
use redis::{Cmd, Value};
use tokio::time::Instant;

use super::super::network::{Patience, Repeat, Traffic, lost, timed_out, unavailable};
use super::Settings;
use super::address::{Host, Topology};
use super::decode::{array, bytes, number};
use super::error::{Refusal, refusal, strange};
use super::keys::{SLOTS, slot};
use super::link::{Link, NEXT_AFTER, Role, Trouble};
use super::script::whole;
use crate::error::{Code, Error, Result, fail};

/// Tries to reach a single server that cannot be reached; where there are others, until the deadline.
const TRIES: u32 = 4;
/// Redirects that one call follows; more would be a ring.
const REDIRECTS: u32 = 8;

/// One command, and how it is meant.
pub(super) struct Call<'a> {
    /// "read a session"
    pub(super) doing: &'static str,
    pub(super) key: &'a [u8],
    pub(super) deadline: Instant,
    pub(super) repeat: Repeat,
    /// Something that goes along, of no consequence to the answer.
    pub(super) aside: Option<Aside>,
}

/// See [`Call::aside`].
pub(super) struct Aside {
    pub(super) key: &'static [u8],
    pub(super) command: Cmd,
}

/// An answer, and whether one to the same call was lost before.
pub(super) struct Answer {
    pub(super) value: Value,
    pub(super) was_lost: bool,
}

/// See the module.
pub(in crate::backend) struct Router {
    settings: Arc<Settings>,
    traffic: Arc<Traffic>,
    links: Mutex<Vec<Arc<Link>>>,
    /// Behind sentinels: the primary, as they said last.
    primary: Mutex<Option<Host>>,
    /// Of a cluster: who has which slot; empty until asked.
    slots: Mutex<Vec<Option<Host>>>,
}

impl Router {
    pub(super) fn new(settings: Arc<Settings>, traffic: Arc<Traffic>) -> Router {
        Router { settings, traffic, links: Mutex::default(), primary: Mutex::default(), slots: Mutex::default() }
    }

    /// Sends what `make` makes to whoever has the key; `make` is told whether an answer was lost before.
    pub(super) async fn send<'c>(&self, call: Call<'_>, make: impl Fn(bool) -> Cow<'c, Cmd>) -> Result<Answer> {
        let Call { doing, deadline, repeat, .. } = call;
        let topology = &self.settings.address.topology;
        let is_single = *topology == Topology::Single;
        let slot = if *topology == Topology::Cluster { slot(call.key) } else { 0 };
        let mut patience = Patience::until(deadline);
        let (mut was_lost, mut is_whole, mut redirects) = (false, false, 0);
        let mut ask: Option<Host> = None;
        let mut unmet: Option<Error> = None;
        loop {
            let outcome = self.attempt(&call, &make(was_lost), slot, ask.take(), &mut is_whole).await;
            let after = |error: Error| if was_lost { lost(error) } else { error };
            let (host, value) = match outcome {
                Ok(answered) => answered,
                Err((host, trouble)) => {
                    if let Some(host) = &host {
                        Box::pin(self.suspect(host)).await;
                    }
                    let error = match trouble {
                        Trouble::Unsent(error) if !error.retryable() => return Err(after(error)),
                        Trouble::Unsent(error) if is_single && patience.tries() + 1 >= TRIES => {
                            return Err(after(error));
                        }
                        Trouble::Unsent(error) => after(error),
                        Trouble::Lost(error) if repeat == Repeat::Freely => error,
                        Trouble::Lost(error) if repeat == Repeat::Recognised => {
                            was_lost = true;
                            lost(error)
                        }
                        Trouble::Lost(error) => return Err(lost(error)),
                    };
                    if error.code() == Code::Timeout {
                        // Why the tries before were in vain tells more than that there was no time for another one.
                        return Err(unmet.filter(|_| !was_lost).unwrap_or(error));
                    }
                    if !patience.pause().await {
                        return Err(error);
                    }
                    unmet = Some(error);
                    continue;
                }
            };
            let Value::ServerError(refused) = value else { return Ok(Answer { value, was_lost }) };
            match refusal(doing, &host, &refused) {
                Refusal::NoScript if !is_whole => is_whole = true,
                Refusal::NoScript => return Err(after(strange(doing))),
                Refusal::Moved(_) | Refusal::Ask(_) if self.settings.address.topology != Topology::Cluster => {
                    return Err(fail!(Unsupported, "{host} is a node of a cluster: use redis+cluster://")
                        .with("argument", "url"));
                }
                Refusal::Moved(_) | Refusal::Ask(_) if redirects == REDIRECTS => {
                    let why = format!("could not {doing}: the nodes of the cluster send from one to another");
                    return Err(after(unavailable("cluster", why)));
                }
                Refusal::Moved(to) => {
                    redirects += 1;
                    self.learn(slot, to);
                }
                Refusal::Ask(to) => {
                    redirects += 1;
                    ask = Some(to);
                }
                Refusal::Wait(error) => {
                    let error = after(error);
                    if !patience.pause().await {
                        return Err(error);
                    }
                    unmet = Some(error);
                }
                Refusal::Demoted(error) => {
                    Box::pin(self.suspect(&host)).await;
                    // A name may lead to another server by now.
                    if (is_single && patience.tries() + 1 >= TRIES) || !patience.pause().await {
                        return Err(after(error));
                    }
                }
                Refusal::Final(error) => return Err(after(error)),
            }
        }
    }

    /// One try. An error names the host that was tried, if one was found.
    async fn attempt(
        &self,
        call: &Call<'_>,
        command: &Cmd,
        slot: u16,
        ask: Option<Host>,
        is_whole: &mut bool,
    ) -> Result<(Host, Value), (Option<Host>, Trouble)> {
        let with_source = if *is_whole { whole(command) } else { None };
        let command = with_source.as_ref().unwrap_or(command);
        let asking = ask.is_some().then(|| redis::cmd("ASKING"));
        let host = match ask {
            Some(host) => host,
            None => self.locate(call, slot).await.map_err(|error| (None, Trouble::Unsent(error)))?,
        };
        let link = self.link(&host, Role::Data);
        // Another node's is sent by itself, afterwards.
        let along = call.aside.as_ref().filter(|_| self.settings.address.topology != Topology::Cluster);
        let commands: Vec<&Cmd> = asking.iter().chain([command]).chain(along.map(|aside| &aside.command)).collect();
        let answers = link.exchange(call.doing, &commands, call.deadline).await;
        let mut answers = answers.map_err(|trouble| (Some(host.clone()), trouble))?.into_iter();
        if asking.is_some() {
            answers.next();
        }
        let value = answers.next().ok_or_else(|| (Some(host.clone()), Trouble::Lost(strange(call.doing))))?;
        if let (None, Some(aside)) = (along, &call.aside)
            && !matches!(value, Value::ServerError(_))
        {
            Box::pin(self.send_aside(call, aside)).await;
        }
        Ok((host, value))
    }

    /// Whether it arrives is of no consequence; only where it goes must be right.
    async fn send_aside(&self, call: &Call<'_>, aside: &Aside) {
        let slot = slot(aside.key);
        for _ in 0..2 {
            let Ok(host) = self.locate(call, slot).await else { return };
            let sent = self.link(&host, Role::Data).exchange(call.doing, &[&aside.command], call.deadline).await;
            let Ok(answers) = sent else { return };
            let Some(Value::ServerError(refused)) = answers.first() else { return };
            let Refusal::Moved(to) = refusal(call.doing, &host, refused) else { return };
            self.learn(slot, to);
        }
    }

    fn link(&self, host: &Host, role: Role) -> Arc<Link> {
        let mut links = self.links.lock();
        if let Some(link) = links.iter().find(|link| link.role == role && link.host == *host) {
            return link.clone();
        }
        let link = Arc::new(Link::new(host.clone(), role, self.settings.clone(), self.traffic.clone()));
        links.push(link.clone());
        link
    }

    /// Who has that slot, as far as is known.
    async fn locate(&self, call: &Call<'_>, slot: u16) -> Result<Host> {
        match &self.settings.address.topology {
            Topology::Single => self.settings.address.hosts.first().cloned().ok_or_else(|| strange(call.doing)),
            Topology::Sentinel(name) => {
                let known = self.primary.lock().clone();
                match known {
                    Some(host) => Ok(host),
                    None => Box::pin(self.ask_sentinels(call, name)).await,
                }
            }
            Topology::Cluster => {
                let known = self.slots.lock().get(usize::from(slot)).cloned().flatten();
                match known {
                    Some(host) => Ok(host),
                    None => Box::pin(self.ask_cluster(call, slot)).await,
                }
            }
        }
    }

    fn learn(&self, slot: u16, host: Host) {
        if let Some(known) = self.slots.lock().get_mut(usize::from(slot)) {
            *known = Some(host);
        }
    }

    /// A host failed: what is known of who has what may be old.
    async fn suspect(&self, host: &Host) {
        match &self.settings.address.topology {
            Topology::Single => {}
            Topology::Sentinel(_) => {
                self.primary.lock().take_if(|known| known == host);
            }
            Topology::Cluster => self.slots.lock().clear(),
        }
        self.link(host, Role::Data).forget().await;
    }

    async fn ask_sentinels(&self, call: &Call<'_>, name: &str) -> Result<Host> {
        let mut question = redis::cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(name);
        let mut failure = None;
        for sentinel in &self.settings.address.hosts {
            let limit = call.deadline.min(Instant::now() + NEXT_AFTER);
            let link = self.link(sentinel, Role::Sentinel);
            let answer = link.exchange("ask a sentinel", &[&question], limit).await;
            let answer = match answer.map(|answers| answers.into_iter().next()) {
                Ok(Some(answer)) => answer,
                Ok(None) => continue,
                Err(Trouble::Unsent(error) | Trouble::Lost(error)) => {
                    failure = Some(error);
                    continue;
                }
            };
            if matches!(answer, Value::Nil) {
                failure = Some(
                    fail!(InvalidArgument, "the sentinel {sentinel} knows no primary of that name")
                        .with("argument", "url"),
                );
                continue;
            }
            if let Some(host) = primary(answer) {
                *self.primary.lock() = Some(host.clone());
                return Ok(host);
            }
        }
        match failure {
            Some(error) if error.code() == Code::InvalidArgument => Err(error),
            Some(error) => {
                Err(unavailable("sentinel", format!("no sentinel answers; the last one asked: {}", error.message())))
            }
            None => Err(strange("ask a sentinel")),
        }
    }

    /// Asks one node after another how the slots are distributed.
    async fn ask_cluster(&self, call: &Call<'_>, slot: u16) -> Result<Host> {
        let mut question = redis::cmd("CLUSTER");
        question.arg("SLOTS");
        let mut nodes = self.settings.address.hosts.clone();
        // Nodes met later may be there when none of those in the URL is.
        let met: Vec<Host> = self.links.lock().iter().map(|link| link.host.clone()).collect();
        nodes.extend(met.into_iter().filter(|host| !self.settings.address.hosts.contains(host)));
        let mut failure = timed_out(call.doing);
        for node in nodes {
            let limit = call.deadline.min(Instant::now() + NEXT_AFTER);
            let answers =
                self.link(&node, Role::Data).exchange("ask for the cluster's slots", &[&question], limit).await;
            match answers.map(|answers| answers.into_iter().next()) {
                Ok(Some(Value::ServerError(refused))) => {
                    failure = match refusal("ask for the cluster's slots", &node, &refused) {
                        Refusal::Wait(error) | Refusal::Final(error) | Refusal::Demoted(error) => error,
                        _ => strange("ask for the cluster's slots"),
                    };
                }
                Ok(answer) => match answer.and_then(|answer| distribution(answer, &node)) {
                    Some(slots) => {
                        let owner = slots.get(usize::from(slot)).cloned().flatten();
                        *self.slots.lock() = slots;
                        let nobody =
                            || unavailable("cluster", format!("could not {}: no node has its slot", call.doing));
                        return owner.ok_or_else(nobody);
                    }
                    None => failure = strange("ask for the cluster's slots"),
                },
                // An option that will not do will not do at the next node either.
                Err(Trouble::Unsent(error)) if !error.retryable() => return Err(error),
                Err(Trouble::Unsent(error) | Trouble::Lost(error)) => failure = error,
            }
        }
        Err(failure)
    }
}

/// `[name, port]`.
fn primary(answer: Value) -> Option<Host> {
    let mut parts = array(answer)?.into_iter();
    let mut text = || String::from_utf8(bytes(parts.next()?)??).ok();
    Some(Host::new(text()?, text()?.parse().ok()?))
}

/// Who has which slot: `[[from, to, [name, port, …], replicas…], …]`. A node that does not know its own name gives none.
fn distribution(answer: Value, asked: &Host) -> Option<Vec<Option<Host>>> {
    let mut slots = vec![None; usize::from(SLOTS)];
    for range in array(answer)? {
        let mut range = array(range)?.into_iter();
        let (from, to) = (number(&range.next()?)?, number(&range.next()?)?);
        let mut owner = array(range.next()?)?.into_iter();
        let name = bytes(owner.next()?)?.and_then(|name| String::from_utf8(name).ok());
        let name = name.filter(|name| !name.is_empty() && name != "?").map_or_else(|| asked.name.clone(), Arc::from);
        let host = Host::new(name, u16::try_from(number(&owner.next()?)?).ok()?);
        let range = usize::try_from(from).ok()?..=usize::try_from(to).ok()?;
        slots.get_mut(range)?.fill(Some(host));
    }
    Some(slots)
}
