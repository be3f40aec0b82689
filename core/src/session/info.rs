//! A session's version and times.

use super::version::Version;
use crate::clock::Time;

/// A session's version and times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Changes since the session (or, for Local, the execution or sub-process) began.
    pub version: u64,
    /// When it began.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// When it ends; `None` for Local and for sessions that never end.
    pub expires_at: Option<Time>,
    /// When it was last used. A Global session notes that at most once a minute; Local counts its last change.
    pub last_seen_at: Time,
}

impl Info {
    pub(crate) fn of(version: &Version) -> Info {
        Info {
            version: version.revision(),
            created_at: version.created(),
            updated_at: version.updated(),
            expires_at: None,
            last_seen_at: version.updated(),
        }
    }

    /// `{"version":…,"createdAt":…,"updatedAt":…,"expiresAt":…,"lastSeenAt":…}`; times are RFC 3339 text, `expiresAt`
    /// may be `null`.
    pub fn to_json(&self) -> String {
        serde_json::json!({
            "version": self.version,
            "createdAt": self.created_at.to_string(),
            "updatedAt": self.updated_at.to_string(),
            "expiresAt": self.expires_at.map(|end| end.to_string()),
            "lastSeenAt": self.last_seen_at.to_string(),
        })
        .to_string()
    }
}
