//! Tokens revoked before their end: by issuer, by `jti`, by the issuer's own session. Sessions and users are revoked where
//! they are stored; what is here are the tokens that open them.
//!
//! Each revocation is a record of its own beside the configurations, and one more, the *mark*, changes with each of them.
//! A process looks at the mark at most once a second and reads the records only when it has changed. A revocation that
//! can't be looked at for longer than that denies.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::RwLock;

use super::logout::Logout;
use super::revocation::{Kind, Revocation};
use super::token::VerifiedToken;
use crate::audit::{Event, What};
use crate::backend::{Cells, Change, Effects, Guard, HeadGuard, Outcome, SealedHead, StorageId};
use crate::clock::Time;
use crate::error::{Code, Error, Result, fail};
use crate::store::Inner;
use crate::vault::RevocationVault;

/// How long a process goes by what it read.
const KEPT: Duration = Duration::from_secs(1);

/// How many records are read at once.
const PAGE: usize = 256;

/// Nobody revokes what is to come: clocks may differ by that much.
const AHEAD_MILLIS: i64 = 120_000;

/// What this process knows to be revoked.
#[derive(Default)]
pub(crate) struct Revocations {
    known: RwLock<Known>,
    /// One reads for all that wait.
    reading: async_lock::Mutex<()>,
}

#[derive(Default)]
struct Known {
    read: Option<Instant>,
    mark: Option<SealedHead>,
    issuers: HashMap<Box<str>, OfIssuer>,
    /// When the first of them can be forgotten, in milliseconds.
    forgets: Option<i64>,
}

#[derive(Default)]
struct OfIssuer {
    not_before: Option<Time>,
    tokens: HashMap<Box<str>, Revocation>,
    logins: HashMap<Box<str>, Revocation>,
}

impl Revocations {
    /// `TOKEN_REVOKED`, or whatever keeps the store from knowing.
    pub(crate) async fn check(&self, store: &Inner, token: &VerifiedToken) -> Result<()> {
        if let Some(verdict) = self.check_now(token) {
            return verdict;
        }
        self.refresh(store, None).await?;
        self.known.read().judge(token)
    }

    /// The same, if it can be said without reading.
    pub(crate) fn check_now(&self, token: &VerifiedToken) -> Option<Result<()>> {
        let known = self.known.read();
        known.is_fresh().then(|| known.judge(token))
    }

    /// `TOKEN_REVOKED` for what that issuer gave out at `issued`, if it was no token.
    pub(crate) async fn check_issued(&self, store: &Inner, issuer: &str, issued: Time) -> Result<()> {
        if !self.known.read().is_fresh() {
            self.refresh(store, None).await?;
        }
        self.known.read().judge_issued(issuer, issued)
    }

    /// Revokes the tokens that an issuer gave out until `not_before` (absent: now). It only ever moves forward.
    pub(crate) async fn revoke_issuer(&self, store: &Inner, issuer: &str, not_before: Option<Time>) -> Result<()> {
        let now = store.clock.now();
        let not_before = not_before.unwrap_or(now);
        if not_before > now.plus_millis(AHEAD_MILLIS) {
            return Err(fail!(
                InvalidArgument,
                "notBefore: {not_before} given, which is yet to come; now at the latest"
            )
            .with("argument", "notBefore"));
        }
        let until = self.forgotten_at(store, issuer, not_before.max(now))?;
        let vault = store.vault.revocations();
        let new = Revocation::of_issuer(issuer, not_before, until);
        let place = vault.place(&new.place());
        loop {
            let there = store.backend.read(&vault.space(), &place, &Cells::None, None).await?.head;
            let guard = match there {
                None => HeadGuard::Absent,
                Some(sealed) => {
                    if Revocation::from_text(&vault.open(&place, &sealed)?)?.not_before >= not_before.millis() {
                        return Ok(());
                    }
                    HeadGuard::Is(sealed)
                }
            };
            if self.keep(store, &new, guard).await? {
                return Ok(());
            }
        }
    }

    /// Revokes one token that verified. `INVALID_ARGUMENT` if it has no `jti`.
    pub(crate) async fn revoke_token(&self, store: &Inner, token: &VerifiedToken) -> Result<()> {
        let Some(id) = token.id() else {
            return Err(fail!(
                InvalidArgument,
                "token: it has no jti to be known by: revoke its user's sessions, or its issuer's tokens"
            )
            .with("argument", "token"));
        };
        let revocation = Revocation::of(Kind::Token, token.issuer(), id, Some(token.outlived_at()));
        self.keep(store, &revocation, HeadGuard::Any).await.map(|_| ())
    }

    /// Revokes one token by its issuer and `jti`.
    pub(crate) async fn revoke_token_id(&self, store: &Inner, issuer: &str, id: &str) -> Result<()> {
        if !super::claims::is_subject(id) {
            return Err(
                fail!(InvalidArgument, "jti: 1 to 512 bytes without control characters").with("argument", "jti")
            );
        }
        let until = self.forgotten_at(store, issuer, store.clock.now())?;
        self.keep(store, &Revocation::of(Kind::Token, issuer, id, until), HeadGuard::Any).await.map(|_| ())
    }

    /// Revokes the tokens of the issuer's session that a logout token ends.
    pub(crate) async fn revoke_login(&self, store: &Inner, logout: &Logout) -> Result<()> {
        let Some(login) = &logout.login else { return Ok(()) };
        let until = logout.forgotten_at(store.clock.now());
        let revocation = Revocation::of(Kind::Login, logout.issuer(), login, Some(until));
        self.keep(store, &revocation, HeadGuard::Any).await.map(|_| ())
    }

    /// `TOKEN_CLAIMS` for a logout token that was taken before.
    pub(crate) async fn check_replay(&self, store: &Inner, logout: &Logout) -> Result<()> {
        let vault = store.vault.revocations();
        let place = vault.place(&taken(logout).place());
        match store.backend.read(&vault.space(), &place, &Cells::None, None).await?.head {
            None => Ok(()),
            Some(_) => Err(replayed()),
        }
    }

    /// Notes that a logout token was taken; `TOKEN_CLAIMS` if somebody was faster.
    pub(crate) async fn take(&self, store: &Inner, logout: &Logout) -> Result<()> {
        match self.keep(store, &taken(logout), HeadGuard::Absent).await? {
            true => Ok(()),
            false => Err(replayed()),
        }
    }

    /// When nothing that the issuer gave out until `instant` is good any more. Of its own tokens a store can't tell: how
    /// long session tokens live says their configuration, and that may change. `NOT_FOUND` for a stranger.
    fn forgotten_at(&self, store: &Inner, issuer: &str, instant: Time) -> Result<Option<Time>> {
        match store.verifier.issuer_named(issuer) {
            None => Err(fail!(NotFound, "none of the store's issuers is called {issuer:?}").with("issuer", issuer)),
            Some(_) if issuer == store.signer.issuer() => Ok(None),
            Some(issuer) => Ok(Some(issuer.outlived(instant))),
        }
    }

    /// Takes up a record that lies there in another store of the same keyring; whether it was not known.
    pub(crate) async fn bring(&self, store: &Inner, place: &StorageId, sealed: &[u8]) -> Result<bool> {
        let vault = store.vault.revocations();
        let read = |sealed: &[u8]| vault.open(place, sealed).and_then(|text| Revocation::from_text(&text));
        let brought = read(sealed)?;
        if !brought.matters_at(store.clock.now()) {
            return Ok(false);
        }
        let mut guard = HeadGuard::Absent;
        loop {
            let there = match self.write(store, *place, sealed.into(), &brought, guard).await? {
                Outcome::Refused(there) => there.head,
                _ => return Ok(true),
            };
            guard = match there {
                None => HeadGuard::Absent,
                Some(stands) if read(&stands)?.not_before >= brought.not_before => return Ok(false),
                Some(stands) => HeadGuard::Is(stands),
            };
        }
    }

    /// Writes a record and the mark, if the guard holds; whether it did. On the disk before it returns.
    async fn keep(&self, store: &Inner, revocation: &Revocation, guard: HeadGuard) -> Result<bool> {
        let vault = store.vault.revocations();
        let place = vault.place(&revocation.place());
        let sealed = vault.seal(&place, &revocation.to_text()?)?;
        let outcome = self.write(store, place, sealed, revocation, guard).await?;
        let written = Instant::now();
        if matches!(outcome, Outcome::Applied { .. })
            && let Some(reason) = revocation.kind.of_tokens()
        {
            store.audit.happened(|| Event::of(What::TokenRevoked).reason(reason));
        }
        self.refresh(store, Some(written)).await?;
        Ok(matches!(outcome, Outcome::Applied { .. }))
    }

    /// The same for a sealed record; what is known here is to be read again.
    async fn write(
        &self,
        store: &Inner,
        place: StorageId,
        sealed: Box<[u8]>,
        revocation: &Revocation,
        guard: HeadGuard,
    ) -> Result<Outcome> {
        let vault = store.vault.revocations();
        let (mark, until) = (vault.mark(), revocation.until.map(Time::from_millis));
        let changes = [
            change(store, place, guard, sealed, until, true),
            change(store, mark, HeadGuard::Any, vault.seal(&mark, "")?, None, false),
        ];
        let outcome = store.backend.apply_all(&changes).await;
        self.known.write().read = None;
        outcome
    }

    /// Reads what stands there, unless somebody else has just done so; `since`: one who began to read before that may have
    /// missed what was written until then.
    async fn refresh(&self, store: &Inner, since: Option<Instant>) -> Result<()> {
        let _reading = self.reading.lock().await;
        if self.known.read().is_fresh_since(since) {
            return Ok(());
        }
        let (read, now) = (Instant::now(), store.clock.now());
        let vault = store.vault.revocations();
        // First the mark, then the records: what is added meanwhile changes the mark once more.
        let mark = store.backend.read(&vault.space(), &vault.mark(), &Cells::None, None).await?.head;
        {
            let mut known = self.known.write();
            if known.mark == mark && known.forgets.is_none_or(|forgets| forgets > now.millis()) {
                known.read = Some(read);
                return Ok(());
            }
        }
        // What this process knows to be revoked stays so, whatever a server may have lost of it.
        let mut all = Known { read: Some(read), mark, ..Known::default() };
        all.keep(&self.known.read(), now);
        let mut after = None;
        loop {
            let page = store.backend.page(&vault.space(), Some(&RevocationVault::OWNER), after, PAGE).await?;
            for listed in &page {
                let Some(sealed) = &listed.head else { continue };
                all.add(Revocation::from_text(&vault.open(&listed.id, sealed)?)?, now);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some((last.user, last.id)),
                _ => break,
            }
        }
        *self.known.write() = all;
        Ok(())
    }
}

impl Known {
    fn is_fresh(&self) -> bool {
        self.is_fresh_since(None)
    }

    fn is_fresh_since(&self, since: Option<Instant>) -> bool {
        self.read.is_some_and(|read| read.elapsed() < KEPT && since.is_none_or(|since| read >= since))
    }

    /// Takes over what was known before and matters still.
    fn keep(&mut self, before: &Known, now: Time) {
        for (issuer, of_issuer) in &before.issuers {
            if let Some(not_before) = of_issuer.not_before {
                self.issuers.entry(issuer.clone()).or_default().not_before = Some(not_before);
            }
            let revocations = of_issuer.tokens.values().chain(of_issuer.logins.values());
            revocations.for_each(|revocation| self.add(revocation.clone(), now));
        }
    }

    fn add(&mut self, revocation: Revocation, now: Time) {
        if !revocation.matters_at(now) {
            return;
        }
        self.forgets = [self.forgets, revocation.until].into_iter().flatten().min();
        let of_issuer = self.issuers.entry(revocation.issuer.clone()).or_default();
        match revocation.kind {
            Kind::Issuer => {
                of_issuer.not_before = of_issuer.not_before.max(Some(Time::from_millis(revocation.not_before)));
            }
            Kind::Token => drop(of_issuer.tokens.insert(revocation.id.clone(), revocation)),
            Kind::Login => drop(of_issuer.logins.insert(revocation.id.clone(), revocation)),
            Kind::Logout => {}
        }
    }

    fn judge(&self, token: &VerifiedToken) -> Result<()> {
        self.judge_issued(token.issuer(), token.issued_at())?;
        let Some(of_issuer) = self.issuers.get(token.issuer()) else { return Ok(()) };
        if token.id().is_some_and(|id| of_issuer.tokens.contains_key(id)) {
            return Err(revoked("token", "the token was revoked: get a fresh one"));
        }
        if token.login().is_some_and(|login| of_issuer.logins.contains_key(login)) {
            return Err(revoked("logout", "the user has logged out since: log in again"));
        }
        Ok(())
    }

    /// Tokens count whole seconds: one of the second in which its issuer was revoked is not good either.
    fn judge_issued(&self, issuer: &str, issued: Time) -> Result<()> {
        let not_before = self.issuers.get(issuer).and_then(|of_issuer| of_issuer.not_before);
        match not_before {
            Some(not_before) if issued <= not_before => {
                Err(revoked("issuer", "what the issuer gave out until then was revoked: log in again"))
            }
            _ => Ok(()),
        }
    }
}

fn change(
    store: &Inner,
    id: StorageId,
    head: HeadGuard,
    sealed: Box<[u8]>,
    expires: Option<Time>,
    is_listed: bool,
) -> Change {
    let mut effects = Effects::nothing(store.clock.now(), &store.limits);
    effects.head = Some(sealed.into());
    effects.expires = expires;
    effects.index = is_listed.then_some((RevocationVault::OWNER, true));
    effects.durable = true;
    let guard = Guard { head, ..Guard::default() };
    Change { space: store.vault.revocations().space(), id, guard, effects, answer: Cells::None }
}

fn taken(logout: &Logout) -> Revocation {
    Revocation::of(Kind::Logout, logout.issuer(), &logout.id, Some(logout.until))
}

fn replayed() -> Error {
    super::refusal::claim("jti", "replayed", "this logout token was taken before")
}

fn revoked(reason: &str, message: &str) -> Error {
    Error::new(Code::TokenRevoked, message).with("reason", reason)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;
    use crate::options::Options;
    use crate::store::Store;
    use crate::task::block_on;

    #[test]
    fn what_was_read_before_a_revocation_was_written_does_not_count() {
        let store = Store::open(Options::new("memory:")).wait().unwrap();
        let token = store.tokens().issue(r#"{"sub": "u1"}"#, 600).wait().unwrap();
        let proof = store.verify(&token).wait().unwrap();
        let (inner, revocations) = (&store.0, &store.0.revocations);
        let place =
            inner.vault.revocations().place(&[b"token", proof.issuer().as_bytes(), proof.id().unwrap().as_bytes()]);
        // Somebody has begun to read, and will end after the revocation was written.
        let began = Instant::now();
        let reading = block_on(revocations.reading.lock());
        let revoked = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                block_on(revocations.revoke_token(inner, &proof)).unwrap();
                revoked.store(true, Ordering::SeqCst);
            });
            let space = inner.vault.revocations().space();
            while block_on(inner.backend.read(&space, &place, &Cells::None, None)).unwrap().head.is_none() {
                thread::yield_now();
            }
            thread::sleep(Duration::from_millis(20));
            assert!(!revoked.load(Ordering::SeqCst), "not before it counts here");
            revocations.known.write().read = Some(began);
            drop(reading);
        });
        assert_eq!(revocations.known.read().judge(&proof).unwrap_err().code(), Code::TokenRevoked);
    }
}
