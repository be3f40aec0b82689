//! A duration as one member, `{"value": 30, "period": "mins"}`: how `idle`, `maxLifetime` and `retention` are given.

use super::expiry::Expiry;
use super::member::{Member, hint};
use crate::error::{Result, fail};
use crate::json::{Kind, nearest, object_members};
use crate::limits::Limits;

const ACCEPTED: &str = r#"null, or an object like {"value": 30, "period": "mins"}"#;

impl Expiry {
    /// Reads a member that is an object with `value` and `period`, and nothing else. `CONFIG_INVALID` names the part at
    /// fault: `idle.period`.
    pub(crate) fn read_object(member: Member<'_>, limits: &Limits) -> Result<Expiry> {
        if member.kind() != Kind::Object {
            return Err(member.refused(ACCEPTED, &[]));
        }
        let (mut value, mut period) = (None, None);
        for (name, raw) in object_members(member.raw, limits)? {
            match &*name {
                "value" => value = Some(raw),
                "period" => period = Some(raw),
                _ => {
                    let error =
                        fail!(ConfigInvalid, "{}: there is no member {name:?}; it has value and period", member.name)
                            .with("member", format!("{}.{name}", member.name));
                    return Err(match nearest(&name, &["value", "period"]) {
                        Some(word) => hint(error, word),
                        None => error,
                    });
                }
            }
        }
        let (Some(value), Some(period)) = (value, period) else { return Err(member.refused(ACCEPTED, &[])) };
        let part = |name: &str| format!("{}.{name}", member.name);
        Expiry::read(Member { name: &part("value"), raw: value }, Member { name: &part("period"), raw: period })
    }

    /// The object that reads back to the same.
    pub(crate) fn to_object(self) -> String {
        format!(r#"{{"value":{},"period":"{}"}}"#, self.value(), self.unit().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn a_duration_is_a_number_and_a_period() {
        let idle = |raw| Expiry::read_object(Member { name: "idle", raw }, &Limits::default());
        assert_eq!(idle(r#"{"period":"Minutes","value":30}"#).unwrap().to_object(), r#"{"value":30,"period":"mins"}"#);
        for (raw, member, nearest) in [
            ("30", "idle", None),
            ("{}", "idle", None),
            (r#"{"value":30}"#, "idle", None),
            (r#"{"value":0,"period":"min"}"#, "idle.value", None),
            (r#"{"value":1,"period":"minn"}"#, "idle.period", Some("mins")),
            (r#"{"value":1,"perod":"min"}"#, "idle.perod", Some("period")),
            (r#"{"value":1,"period":"min","x":1}"#, "idle.x", None),
        ] {
            let error = idle(raw).unwrap_err();
            assert_eq!((error.code(), &error.details()["member"]), (Code::ConfigInvalid, &member.into()), "{raw}");
            assert_eq!(error.details().get("nearest").and_then(|word| word.as_str()), nearest, "{error}");
            assert!(error.message().starts_with(member.split('.').next().unwrap()), "{error}");
        }
        assert_eq!(idle(r#"{"value":1,"value":2}"#).unwrap_err().code(), Code::InvalidJson);
    }
}
