//! The definition of a configuration: what somebody decided about a kind of session. Read whole or not at all.

use super::expiry::{Expiry, Unit};
use super::given::Given;
use super::member::{Member, missing};
use super::quota::{self, OnLimit};
use super::schema::{Class, Form, Primitive, Schema};
use super::selector::{Path, Selector};
use super::tag;
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::json::Kind;
use crate::limits::Limits;

/// What the members mean that nobody gave.
pub(super) const TOKEN: Expiry = Expiry::of(24, Unit::Hour);
pub(super) const REFRESH: Expiry = Expiry::of(30, Unit::Day);
pub(super) const REFRESH_GRACE: u32 = 10;
pub(super) const RETENTION: Expiry = Expiry::of(90, Unit::Day);

/// A definition that was checked as a whole.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) name: Box<str>,
    pub(crate) description: Option<Box<str>>,
    /// How long after it began a session ends, used or not; `None`: never.
    pub(crate) expiry: Option<Expiry>,
    /// How long a session may go unused before it ends.
    pub(crate) idle: Option<Expiry>,
    pub(crate) schema: Option<GivenSchema>,
    /// Never there without a schema.
    pub(crate) selector: Option<Selector>,
    /// The life of a session token, and of a refresh token.
    pub(crate) token: Expiry,
    pub(crate) refresh: Expiry,
    /// How many of a user's sessions may be alive at once.
    pub(crate) max_sessions: Option<u64>,
    pub(crate) on_limit: OnLimit,
    /// Whether each user has a secret of their own, that what is theirs is lost with.
    pub(crate) shred: bool,
    /// For how many seconds the refresh token before gives the same successor again.
    pub(crate) refresh_grace: u32,
    /// How long after it began `extend` may move a session's end.
    pub(crate) max_lifetime: Option<Expiry>,
    /// How long a user's record is kept after their last session ended; `None`: for ever.
    pub(crate) retention: Option<Expiry>,
    /// The authentication contexts that a token may come from; empty: any.
    pub(crate) acr: Vec<Box<str>>,
    /// How many seconds ago the user may have logged in.
    pub(crate) max_auth_age: Option<u32>,
}

/// A schema as it was given, and compiled.
#[derive(Debug)]
pub(crate) struct GivenSchema {
    pub(crate) text: Box<str>,
    /// The form that was said, where the text alone would be read otherwise.
    pub(crate) form: Option<Form>,
    pub(crate) schema: Schema,
}

impl Definition {
    /// Whether a user who was authenticated at that instant has to be again (`maxAuthAge`).
    pub(crate) fn is_stale(&self, authenticated: Time, now: Time) -> bool {
        self.max_auth_age.is_some_and(|most| now > authenticated.plus_millis(i64::from(most) * 1000))
    }

    /// Whether a write has to look at the whole session: the schema says something about fields together.
    pub(crate) fn is_whole(&self) -> bool {
        self.schema.as_ref().is_some_and(|given| given.schema.class() == Class::Whole)
    }

    /// Whether a subject, which is text, can be one of the users: then each has a standing session.
    pub(crate) fn has_standing_sessions(&self) -> bool {
        self.selector.as_ref().is_none_or(|selector| selector.kind() == Primitive::String)
    }

    /// A definition of that name with everything at its default.
    pub(crate) fn named(name: &str) -> Definition {
        Definition {
            name: name.into(),
            description: None,
            expiry: None,
            idle: None,
            schema: None,
            selector: None,
            token: TOKEN,
            refresh: REFRESH,
            max_sessions: None,
            on_limit: OnLimit::EvictOldest,
            shred: false,
            refresh_grace: REFRESH_GRACE,
            max_lifetime: None,
            retention: Some(RETENTION),
            acr: Vec::new(),
            max_auth_age: None,
        }
    }

    /// Reads a definition, as `create` and `import` are given one, and the tag that it gives or that its name makes.
    ///
    /// `CONFIG_INVALID` names the first member at fault; `INVALID_JSON`; `LIMIT_EXCEEDED` for a schema beyond its size.
    pub(crate) fn read(text: &str, limits: &Limits) -> Result<(Box<str>, Definition)> {
        let given = Given::read(text, limits)?;
        let name = name(&given)?;
        let tag = match given.get("tag") {
            Some(member) => tag::given(member)?,
            None => tag::derived(&name)?,
        };
        Ok((tag, Definition::of(name, &given, limits)?))
    }

    /// This definition with `changes` merged in: `null` resets a member to its default (`retention`, whose `null` is a
    /// value, to that), a new schema brings its form. What can't change may be given again as it is.
    pub(crate) fn merged(&self, tag: &str, changes: &str, limits: &Limits) -> Result<Definition> {
        let changes = Given::read(changes, limits)?;
        self.refuse_another_kind(tag, &changes)?;
        // A schema that stays was within the limits of its day.
        let stays = changes.named("schema").is_none() && changes.named("form").is_none();
        let limits = if stays { &kept_limits() } else { limits };
        let base = self.members();
        let merged = changes.over(&base);
        Definition::of(name(&merged)?, &merged, limits)
    }

    fn of(name: Box<str>, given: &Given<'_>, limits: &Limits) -> Result<Definition> {
        let object = |name| given.get(name).map(|member| Expiry::read_object(member, limits)).transpose();
        let description = given.get("description").map(description).transpose()?;
        let expiry = given.duration("expiry", "period")?;
        let idle = object("idle")?;
        let (schema, selector) = data(given, limits)?;
        let token = given.duration("tokenExpiry", "tokenPeriod")?.unwrap_or(TOKEN);
        let refresh = given.duration("refreshExpiry", "refreshPeriod")?.unwrap_or(REFRESH);
        let max_sessions = given.get("maxSessionsPerUser").map(quota::max_sessions).transpose()?;
        let on_limit = given.get("onLimit").map(OnLimit::read).transpose()?.unwrap_or_default();
        let shred = given.get("shred").map_or(Ok(false), shred)?;
        let refresh_grace = given.get("refreshGrace").map(refresh_grace).transpose()?.unwrap_or(REFRESH_GRACE);
        let max_lifetime = object("maxLifetime")?;
        let retention = match given.named("retention") {
            Some(_) => object("retention")?,
            None => Some(RETENTION),
        };
        let acr = given.get("acr").map(acr).transpose()?.unwrap_or_default();
        let max_auth_age = given.get("maxAuthAge").map(max_auth_age).transpose()?;
        Ok(Definition {
            name,
            description,
            expiry,
            idle,
            schema,
            selector,
            token,
            refresh,
            max_sessions,
            on_limit,
            shred,
            refresh_grace,
            max_lifetime,
            retention,
            acr,
            max_auth_age,
        })
    }

    /// Tag, selector and shred say whose sessions these are, and how it is told: another one would make another kind of
    /// session.
    fn refuse_another_kind(&self, tag: &str, changes: &Given<'_>) -> Result<()> {
        if let Some(member) = changes.named("tag")
            && member.text().as_deref() != Some(tag)
        {
            return Err(fixed(member, tag));
        }
        if let Some(member) = changes.named("shred")
            && member.raw != if self.shred { "true" } else { "false" }
            && (self.shred || !member.is_null())
        {
            return Err(fixed(member, if self.shred { "true" } else { "false" }));
        }
        let Some(member) = changes.named("selector") else { return Ok(()) };
        match &self.selector {
            None if member.is_null() => Ok(()),
            None => Err(fixed(member, "null")),
            Some(selector) if member.is_null() => Err(fixed(member, &selector.to_string())),
            Some(selector) if Path::read(member)? == *selector.path() => Ok(()),
            Some(selector) => Err(fixed(member, &selector.to_string())),
        }
    }
}

/// Limits that nothing stored can be beyond: what was accepted once stays readable, whatever the limits are now.
pub(super) fn kept_limits() -> Limits {
    Limits { schema: usize::MAX, message: usize::MAX, depth: Limits::default().depth, ..Limits::default() }
}

fn fixed(member: Member<'_>, now: &str) -> Error {
    member.refused(&format!("only what it is, {now}: make another configuration for another {}", member.name), &[])
}

fn name(given: &Given<'_>) -> Result<Box<str>> {
    const ACCEPTED: &str = "a string of 1 to 120 characters, not all of them blank, none a control character";
    let member = given.get("name").ok_or_else(|| missing("name", "and a configuration has one", ACCEPTED))?;
    member.chars(1..=120, |text| !text.trim().is_empty() && !text.contains(char::is_control), ACCEPTED)
}

fn description(member: Member<'_>) -> Result<Box<str>> {
    member.chars(0..=2_000, |_| true, "null, or a string of at most 2000 characters")
}

/// The schema and its selector, which are looked at together: the selector's fields are required.
fn data(given: &Given<'_>, limits: &Limits) -> Result<(Option<GivenSchema>, Option<Selector>)> {
    let (form, selector) = (given.get("form"), given.get("selector"));
    let Some(member) = given.get("schema") else {
        return match (form, selector) {
            (Some(_), _) => Err(missing("schema", "beside form", "the schema that form is about")),
            (None, Some(member)) => Err(member.refused("a field of the schema, and there is no schema", &[])),
            (None, None) => Ok((None, None)),
        };
    };
    let form = form.map(Form::read).transpose()?;
    // A selector that can't be read is told after what is wrong with the schema.
    let path = selector.map(Path::read).transpose();
    let names = path.as_ref().ok().and_then(Option::as_ref).map(Path::names).unwrap_or_default();
    let schema = Schema::compile(member.raw, form, names, limits)?;
    let told = |form: &Form| {
        let alone = Schema::compile(member.raw, None, names, limits);
        alone.is_ok_and(|alone| alone.form() == *form && alone.json_schema() == schema.json_schema())
    };
    let form = form.filter(|form| !told(form));
    let selector = path?.map(|path| Selector::of(path, &schema)).transpose()?;
    Ok((Some(GivenSchema { text: member.raw.into(), form, schema }), selector))
}

fn shred(member: Member<'_>) -> Result<bool> {
    match (member.kind(), member.raw) {
        (Kind::Boolean, raw) => Ok(raw == "true"),
        _ => Err(member.refused("true or false", &[])),
    }
}

fn refresh_grace(member: Member<'_>) -> Result<u32> {
    member.whole("a whole number of seconds", 0..=3_600)
}

fn max_auth_age(member: Member<'_>) -> Result<u32> {
    member.whole("null, or a whole number of seconds", 1..=u32::MAX)
}

fn acr(member: Member<'_>) -> Result<Vec<Box<str>>> {
    let words = match member.kind() {
        Kind::String => member.text().map(|text| vec![text.into()]),
        Kind::Array => serde_json::from_str::<Vec<Box<str>>>(member.raw).ok(),
        _ => None,
    };
    let fits = |words: &Vec<Box<str>>| {
        (1..=16).contains(&words.len()) && words.iter().all(|word| (1..=256).contains(&word.chars().count()))
    };
    words.filter(fits).ok_or_else(|| {
        member.refused("null, a string, or an array of 1 to 16 of them, each of 1 to 256 characters", &[])
    })
}

#[cfg(test)]
#[path = "definition_tests.rs"]
mod tests;
