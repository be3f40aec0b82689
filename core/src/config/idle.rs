//! How long a session may go unused before it ends. Its absolute end is never moved by use.

use super::expiry::Expiry;
use super::member::{Member, hint};
use crate::clock::Time;
use crate::error::{Result, fail};
use crate::json::{Kind, nearest, object_members};
use crate::limits::Limits;

/// How long a session may go unused: `{"value": 30, "period": "mins"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Idle(Expiry);

impl Idle {
    /// Reads the member `idle`: an object with `value` and `period`, and nothing else.
    pub(crate) fn read(member: Member<'_>, limits: &Limits) -> Result<Idle> {
        const ACCEPTED: &str = r#"null, or an object like {"value": 30, "period": "mins"}"#;
        if member.kind() != Kind::Object {
            return Err(member.refused(ACCEPTED, &[]));
        }
        let (mut value, mut period) = (None, None);
        for (name, raw) in object_members(member.raw, limits)? {
            match &*name {
                "value" => value = Some(Member { name: "idle.value", raw }),
                "period" => period = Some(Member { name: "idle.period", raw }),
                _ => {
                    let error = fail!(ConfigInvalid, "idle: there is no member {name:?}; it has value and period")
                        .with("member", format!("idle.{name}"));
                    return Err(match nearest(&name, &["value", "period"]) {
                        Some(word) => hint(error, word),
                        None => error,
                    });
                }
            }
        }
        match (value, period) {
            (Some(value), Some(period)) => Ok(Idle(Expiry::read(value, period)?)),
            _ => Err(member.refused(ACCEPTED, &[])),
        }
    }

    /// When a session that was last used then ends.
    pub(crate) fn end_of(self, used: Time) -> Result<Time> {
        self.0.end_of(used).map_err(|error| error.with("member", "idle"))
    }

    /// The member as it is printed.
    pub(crate) fn to_json(self) -> String {
        format!(r#"{{"value":{},"period":"{}"}}"#, self.0.value(), self.0.unit().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn idle_is_a_number_and_a_period() {
        let idle = |raw| Idle::read(Member { name: "idle", raw }, &Limits::default());
        let half_hour = idle(r#"{"period":"Minutes","value":30}"#).unwrap();
        assert_eq!(half_hour.to_json(), r#"{"value":30,"period":"mins"}"#);
        assert_eq!(half_hour.end_of(Time::from_secs(0)).unwrap(), Time::from_secs(1800));
        for (raw, member) in [
            ("30", "idle"),
            ("{}", "idle"),
            (r#"{"value":30}"#, "idle"),
            (r#"{"value":0,"period":"min"}"#, "idle.value"),
            (r#"{"value":1,"period":"minn"}"#, "idle.period"),
            (r#"{"value":1,"perod":"min"}"#, "idle.perod"),
        ] {
            let error = idle(raw).unwrap_err();
            assert_eq!((error.code(), &error.details()["member"]), (Code::ConfigInvalid, &member.into()), "{raw}");
        }
    }
}
