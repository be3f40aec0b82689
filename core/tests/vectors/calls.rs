//! The verbs of the format, on the façade.

use std::collections::HashMap;

use serde_json::{Value, json};
use sessile::{CommitOptions, Execution, Json, Output, Result, Session, Step, Store, Time};

use crate::compare::{Got, check};
use crate::events;
use crate::opening::{Pass, Place};
use crate::suite::{Call, Case};

/// Runs a case. `Err`: which call did what else than expected.
pub fn run(case: &Case, pass: Pass<'_>) -> Result<(), String> {
    let place = Place::of(case, pass);
    let opened = place.open();
    let expects_opening = case.calls[0].verb() == "open";
    let store = match opened {
        Ok(store) => store,
        Err(error) if expects_opening => {
            let kept = HashMap::new();
            return check(&case.calls[0], &Err(error), &kept).map_err(|why| format!("call 0, open: {why}"));
        }
        Err(error) => return Err(format!("did not open: {error:?}")),
    };
    let mut stage = Stage { store, place, executions: HashMap::new(), texts: HashMap::new(), bytes: HashMap::new() };
    let mut events = Vec::new();
    for (index, call) in case.calls.iter().enumerate() {
        let got = if call.verb() == "open" { Ok(Got::Done) } else { stage.perform(call)? };
        let told = stage.store.drain_events(usize::MAX);
        check(call, &got, &stage.texts)
            .and_then(|()| events::check_refusals(&got, &told))
            .map_err(|why| format!("call {index}, {}: {why}", call.verb()))?;
        if let (Some(token), Err(error)) = (stage.refused_token(call, &got), &got) {
            stage.opens_nothing(&token, error).map_err(|why| format!("call {index}, a step: {why}"))?;
        }
        events.extend(told);
    }
    stage.store.close().wait().map_err(|error| format!("close: {error:?}"))?;
    events.extend(stage.store.drain_events(usize::MAX));
    events::check(case, stage.texts.values(), &events)
}

/// A store, and what the calls of a case have kept.
pub struct Stage {
    pub store: Store,
    pub place: Place,
    executions: HashMap<String, Execution>,
    pub texts: HashMap<String, String>,
    bytes: HashMap<String, Vec<u8>>,
}

impl Stage {
    /// The outer error is one of the case (or of a call within the call), the inner one what the verb gave.
    fn perform(&mut self, call: &Call) -> Result<Result<Got>, String> {
        let Some(on) = call.read::<String>("on") else { return Ok(self.on_store(call)) };
        let (name, session) = on.split_once('.').map_or((on.as_str(), None), |(name, session)| (name, Some(session)));
        let run = self.executions.get(name).cloned().ok_or_else(|| format!("nothing is kept as {name:?}"))?;
        match session {
            None => Ok(self.on_execution(&run, call)),
            Some(session) => {
                let session = named_session(&run, session)?;
                match call.verb().as_str() {
                    "update" => self.update(&session, call),
                    _ => Ok(self.on_session(&session, call)),
                }
            }
        }
    }

    /// The token of a call that only verifies it.
    fn refused_token(&self, call: &Call, got: &Result<Got>) -> Option<String> {
        let is_refused = matches!(got, Err(error) if error.code().category() == sessile::Category::Identity);
        (call.verb() == "verify" && is_refused).then(|| self.kept_text(call, "token")).flatten()
    }

    /// A step with a token that was refused: the same error, one event, and nothing read or written.
    fn opens_nothing(&self, token: &str, refused: &sessile::Error) -> Result<(), String> {
        let before = self.stored()?;
        for operation in ["PUT", "GET"] {
            let step = json!({"operation": operation, "sessionType": "GLOBAL", "fields": "cart"}).to_string();
            let step = Step::parse(&step).map_err(|error| format!("{error:?}"))?;
            let trigger = r#"{"type": "rest", "security": "jwt"}"#;
            let run = self.store.execution(Some(trigger), Some(token)).map_err(|error| format!("{error:?}"))?;
            let Err(error) = run.step(&step, Some(r#"{"cart": 1}"#)).wait() else {
                return Err(format!("{operation} is done with a token that verify refuses: {refused:?}"));
            };
            if error.code() != refused.code() || error.details().get("reason") != refused.details().get("reason") {
                return Err(format!("{operation} is refused otherwise than by verify: {error:?}, {refused:?}"));
            }
            events::check_refusals(&Err::<Got, _>(error), &self.store.drain_events(usize::MAX))?;
        }
        let after = self.stored()?;
        if before == after { Ok(()) } else { Err(format!("it changed what is stored: {before}, {after}")) }
    }

    /// How much is stored, and whether it is whole.
    fn stored(&self) -> Result<String, String> {
        self.store.check().wait().map_err(|error| format!("check: {error:?}"))
    }

    fn on_store(&mut self, call: &Call) -> Result<Got> {
        match call.verb().as_str() {
            "execution" => {
                let run = self.store.execution(trigger(call).as_deref(), self.kept_text(call, "token").as_deref())?;
                self.keep_execution(call, run)
            }
            "resume" => {
                let sealed = self.kept_bytes(call, "checkpoint");
                let token = self.kept_text(call, "token");
                let run = self.store.resume(&sealed, trigger(call).as_deref(), token.as_deref()).wait()?;
                self.keep_execution(call, run)
            }
            "issue" => {
                let claims = call.json("claims").expect("issue has claims");
                let token = self.store.tokens().issue(&claims, call.need("ttl")).wait()?;
                self.keep_text(call, token)
            }
            "set_clock" => done(self.place.clock.set(Time::parse(&call.need::<String>("time"))?)),
            "advance" => done(self.place.clock.advance(call.need("millis"))),
            "close" => done(self.store.close().wait()),
            "parse_step" => Ok(Got::Json(self.parse_step(call)?.to_json())),
            "lint" => {
                let pipeline = call.read("pipelineText").or_else(|| call.json("pipeline"));
                Ok(Got::Json(sessile::lint(&pipeline.expect("lint has a pipeline"))?))
            }
            verb => {
                let got = self.on_identity(verb, call).or_else(|| self.on_keys(verb, call));
                got.unwrap_or_else(|| self.on_lifecycle(verb, call))
            }
        }
    }

    fn on_execution(&mut self, run: &Execution, call: &Call) -> Result<Got> {
        match call.verb().as_str() {
            "step" => {
                let step = self.parse_step(call)?;
                let message: Option<String> = call.read("message");
                Ok(Got::Text(match run.step(&step, message.as_deref()).wait()? {
                    Output::Unchanged => message.unwrap_or_default(),
                    Output::Message(text) => text,
                }))
            }
            "subprocess" => self.keep_execution(call, run.subprocess(&call.need::<String>("name"))?),
            "subprocess_by_id" => self.keep_execution(call, run.subprocess_by_id(&call.need::<String>("id"))?),
            "commit" => Ok(Got::Json(run.commit(commit_options(call)).wait()?.to_json())),
            "end" => {
                run.end();
                Ok(Got::Done)
            }
            "renew" => done(run.renew(&self.kept_text(call, "token").expect("renew has a token")).wait()),
            "checkpoint" => {
                let sealed = run.checkpoint().wait()?;
                self.bytes.insert(call.read("as").unwrap_or_default(), sealed);
                Ok(Got::Done)
            }
            other => panic!("no such call on an execution: {other}"),
        }
    }

    fn on_session(&mut self, session: &Session, call: &Call) -> Result<Got> {
        let name = call.read::<String>("name").unwrap_or_default();
        let value = call.json("value").unwrap_or_default();
        let ttl: Option<u64> = call.read("ttl");
        match call.verb().as_str() {
            "get" => Ok(found(session.get(&name).wait()?)),
            "get_raw" => {
                Ok(session.get(&name).wait()?.map_or(Got::Absent, |value| Got::Text(value.as_str().to_owned())))
            }
            "get_many" => Ok(Got::Json(session.get_many(&strs(&names(call))).wait()?.to_json())),
            "all" => Ok(Got::Json(session.all().wait()?.to_json())),
            "keys" => give(json!(session.keys().wait()?)),
            "contains" => give(json!(session.contains(&name).wait()?)),
            "take" => Ok(found(session.take(&name).wait()?)),
            "put" => {
                let text = call.read("fieldsText").or_else(|| call.json("fields"));
                done(session.put(&text.expect("put has fields"), ttl).wait())
            }
            "put_raw" => done(session.put_one(&name, &call.need::<String>("value"), ttl).wait()),
            "delete" => give(json!(session.delete(&strs(&names(call))).wait()?)),
            "clear" => give(json!(session.clear().wait()?)),
            "increment" => {
                Ok(found(Some(session.increment(&name, &call.json("by").expect("increment has by")).wait()?)))
            }
            "append" => give(json!(session.append(&name, &call.json("values").expect("append has values")).wait()?)),
            "put_if_absent" => give(json!(session.put_if_absent(&name, &value, ttl).wait()?)),
            "get_versioned" => {
                let Some(read) = session.get_versioned(&name).wait()? else { return Ok(Got::Absent) };
                self.keep_text(call, read.version)?;
                Ok(found(Some(read.value)))
            }
            "put_if" => {
                let version = self.kept_text(call, "version");
                let version = session.put_if(&name, &value, version.as_deref(), ttl).wait()?;
                self.keep_text(call, version)
            }
            "get_path" => Ok(found(session.get_path(&name, &call.need::<String>("pointer")).wait()?)),
            "put_path" => done(session.put_path(&name, &call.need::<String>("pointer"), &value).wait()),
            "delete_path" => give(json!(session.delete_path(&name, &call.need::<String>("pointer")).wait()?)),
            "set_ttl" => give(json!(session.set_ttl(&name, ttl).wait()?)),
            "expires_at" => match session.expires_at(&name).wait()? {
                None => Ok(Got::Absent),
                Some(end) => give(json!(end.map(|end| end.to_string()))),
            },
            "info" => Ok(session.info().wait()?.map_or(Got::Absent, |info| Got::Json(info.to_json()))),
            "end" => done(session.end().wait()),
            "commit" => Ok(Got::Json(session.commit(commit_options(call)).wait()?.to_json())),
            other => panic!("no such call on a session: {other}"),
        }
    }

    /// What a binding's `update(fn)` does, with a `fn` that may make one call of its own in its first run.
    fn update(&mut self, session: &Session, call: &Call) -> Result<Result<Got>, String> {
        let update = session.update(&call.need::<String>("name"));
        let value = call.json("value").expect("update has a value");
        let mut during = call.inner("during");
        let mut saw = Vec::new();
        loop {
            let current = match update.current().wait() {
                Ok(current) => current,
                Err(error) => return Ok(Err(error)),
            };
            saw.push(current.map_or(Value::Null, |json| serde_json::from_str(json.as_str()).expect("JSON in a field")));
            if let Some(inner) = during.take() {
                let got = self.perform(&inner)?;
                check(&inner, &got, &self.texts).map_err(|why| format!("during, {}: {why}", inner.verb()))?;
            }
            match update.try_commit(Some(&value)).wait() {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
        match call.read::<Vec<Value>>("saw") {
            Some(wanted) if wanted != saw => Err(format!("update: fn was to see {wanted:?}, it saw {saw:?}")),
            _ => Ok(Ok(Got::Done)),
        }
    }

    fn parse_step(&self, call: &Call) -> Result<Step> {
        let text = call.read("stepText").or_else(|| call.json("step")).expect("a step");
        Step::parse_within(&text, self.store.limits())
    }

    fn keep_execution(&mut self, call: &Call, run: Execution) -> Result<Got> {
        self.executions.insert(call.read("as").unwrap_or_default(), run);
        Ok(Got::Done)
    }

    fn keep_text(&mut self, call: &Call, text: String) -> Result<Got> {
        self.texts.insert(call.read("as").unwrap_or_default(), text.clone());
        Ok(Got::Text(text))
    }

    /// Keeps the texts of a document, as `"$name.member"`.
    pub fn keep_members(&mut self, call: &Call, object: &str) {
        let Some(name) = call.read::<String>("as") else { return };
        let members: serde_json::Map<String, Value> = serde_json::from_str(object).expect("an object");
        for (member, value) in members {
            if let Value::String(value) = value {
                self.texts.insert(format!("{name}.{member}"), value);
            }
        }
    }

    /// A string argument: what was kept under the name after `$`, or itself..
    pub fn kept_text(&self, call: &Call, member: &str) -> Option<String> {
        let given: String = call.read(member)?;
        match given.strip_prefix('$') {
            Some(name) => Some(self.texts.get(name).unwrap_or_else(|| panic!("nothing is kept as {name:?}")).clone()),
            None => Some(given),
        }
    }

    fn kept_bytes(&self, call: &Call, member: &str) -> Vec<u8> {
        let given: String = call.need(member);
        match given.strip_prefix('$') {
            Some(name) => self.bytes.get(name).unwrap_or_else(|| panic!("nothing is kept as {name:?}")).clone(),
            None => given.into_bytes(),
        }
    }
}

fn named_session(run: &Execution, name: &str) -> Result<Session, String> {
    let (kind, tag) = name.split_once(':').map_or((name, None), |(kind, tag)| (kind, Some(tag)));
    match kind {
        "local" => Ok(run.local()),
        "scoped" => Ok(run.scoped()),
        "global" => Ok(run.global(tag)),
        "scoped_global" => Ok(run.scoped_global(tag)),
        _ => Err(format!("no such session: {name}")),
    }
}

fn trigger(call: &Call) -> Option<String> {
    call.read("triggerText").or_else(|| call.json("trigger"))
}

fn names(call: &Call) -> Vec<String> {
    call.need("names")
}

fn commit_options(call: &Call) -> CommitOptions {
    CommitOptions { exclusive: call.read("exclusive").unwrap_or(false) }
}

fn found(value: Option<Json>) -> Got {
    value.map_or(Got::Absent, |value| Got::Json(value.as_str().to_owned()))
}

fn give(value: Value) -> Result<Got> {
    Ok(Got::Json(value.to_string()))
}

fn done(result: Result<()>) -> Result<Got> {
    result.map(|()| Got::Done)
}

fn strs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}
