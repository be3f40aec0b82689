//! What started an execution, and whether it may open Global sessions.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::{Error, Result, fail};
use crate::identity::Confirmation;
use crate::json::nearest;

/// `{"type": "rest"|"http"|"scheduler"|"event"|…, "security": "jwt"|"apiKey"|"none"}`; any case, any other type too.
/// With `"proof": {"jkt": "…"}` or `{"x5t#S256": "…"}` if the host verified that the caller holds that key or certificate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trigger {
    given: bool,
    kind: Cow<'static, str>,
    security: Cow<'static, str>,
    proof: Confirmation,
}

const MEMBERS: [&str; 3] = ["type", "security", "proof"];

impl Trigger {
    /// Reads a trigger; absent text (or `null`) is an execution without one.
    pub(crate) fn parse(text: Option<&str>) -> Result<Trigger> {
        let Some(text) = text else { return Ok(Trigger::default()) };
        let members = match serde_json::from_str(text) {
            Ok(Value::Object(members)) => members,
            Ok(Value::Null) => return Ok(Trigger::default()),
            Ok(_) => {
                return Err(bad("a trigger is an object like {\"type\":\"rest\",\"security\":\"jwt\"}", "trigger"));
            }
            Err(_) => return Err(fail!(InvalidJson, "trigger: not JSON").with("argument", "trigger")),
        };
        let mut trigger = Trigger { given: true, ..Trigger::default() };
        for (name, value) in &members {
            let place = match name.as_str() {
                "type" => &mut trigger.kind,
                "security" => &mut trigger.security,
                "proof" => {
                    match value {
                        Value::Null => {}
                        Value::Object(proof) => trigger.proof = Confirmation::of_host(proof)?,
                        _ => return Err(bad("a trigger's \"proof\" is an object like {\"jkt\":\"…\"}", name)),
                    }
                    continue;
                }
                other => {
                    let hint =
                        nearest(other, &MEMBERS).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
                    return Err(bad(&format!("a trigger has no member {other:?}{hint}"), other));
                }
            };
            match value {
                Value::String(text) => *place = text.to_ascii_lowercase().into(),
                Value::Null => {}
                _ => return Err(bad(&format!("a trigger's {name:?} is a string"), name)),
            }
        }
        Ok(trigger)
    }

    /// What the caller proved to the host.
    pub(crate) fn proof(&self) -> &Confirmation {
        &self.proof
    }

    /// A trigger that allows Global: for a token that was verified outside any execution.
    pub(crate) fn proven() -> Trigger {
        Trigger { given: true, kind: "rest".into(), security: "jwt".into(), ..Trigger::default() }
    }

    /// Global opens only behind a REST or HTTP trigger secured by JWT.
    pub(crate) fn allows_global(&self) -> Result<()> {
        if !self.given {
            return Err(not_allowed(
                "trigger",
                "the execution has no trigger; a REST or HTTP trigger with JWT security is needed",
            ));
        }
        if !matches!(&*self.kind, "rest" | "http") {
            return Err(not_allowed("trigger", "the trigger is neither REST nor HTTP"));
        }
        if self.security != "jwt" {
            return Err(not_allowed("security", "the trigger is not secured by JWT"));
        }
        Ok(())
    }
}

/// `GLOBAL_NOT_ALLOWED`, with what is missing as its reason.
pub(crate) fn not_allowed(reason: &str, why: &str) -> Error {
    fail!(GlobalNotAllowed, "Global session: {why}").with("reason", reason)
}

fn bad(message: &str, member: &str) -> Error {
    fail!(InvalidArgument, "{message}").with("argument", "trigger").with("member", member)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn only_rest_and_http_with_jwt_open_global() {
        let table = [
            (r#"{"type":"rest","security":"jwt"}"#, None),
            (r#"{"type":"HTTP","security":"JWT"}"#, None),
            (r#"{"type":"scheduler","security":"jwt"}"#, Some("trigger")),
            (r#"{"security":"jwt"}"#, Some("trigger")),
            (r#"{"type":"rest","security":"apiKey"}"#, Some("security")),
            (r#"{"type":"rest"}"#, Some("security")),
            ("null", Some("trigger")),
        ];
        for (text, reason) in table {
            let allowed = Trigger::parse(Some(text)).unwrap().allows_global();
            match (allowed, reason) {
                (Ok(()), None) => {}
                (Err(error), Some(reason)) => {
                    assert_eq!(error.code(), Code::GlobalNotAllowed);
                    assert_eq!(error.details()["reason"], reason, "{text}");
                }
                (_, _) => panic!("{text}"),
            }
        }
    }

    #[test]
    fn what_is_no_trigger_is_refused() {
        for text in ["[]", "1", r#"{"type":1}"#, r#"{"typ":"rest"}"#, r#"{"proof":"x"}"#, r#"{"proof":{}}"#] {
            assert_eq!(Trigger::parse(Some(text)).unwrap_err().code(), Code::InvalidArgument, "{text}");
        }
        assert_eq!(Trigger::parse(Some("{")).unwrap_err().code(), Code::InvalidJson);
    }
}
