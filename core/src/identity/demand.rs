//! What a configuration demands of the token that opens its sessions: how, and how lately, the user was authenticated.

use super::VerifiedToken;
use super::refusal::claim;
use crate::clock::Time;
use crate::config::Definition;
use crate::error::{Error, Result};

/// Checks `acr` and `maxAuthAge` (OpenID Connect Core §2, RFC 9470). `TOKEN_CLAIMS`, with what a step-up has to ask for.
///
/// A session token says neither: whoever called `start` stood for its user then. So `acr` does not ask it, and its
/// `maxAuthAge` counts from the session's beginning, which only its head knows.
pub(crate) fn check(definition: &Definition, token: &VerifiedToken, now: impl FnOnce() -> Time) -> Result<()> {
    if token.session().is_some() {
        return Ok(());
    }
    if !definition.acr.is_empty() && !token.acr().is_some_and(|acr| definition.acr.iter().any(|one| **one == *acr)) {
        let acr: Vec<&str> = definition.acr.iter().map(|acr| &**acr).collect();
        return Err(
            insufficient("acr", "acr", "the user was not authenticated as the configuration demands").with("acr", acr)
        );
    }
    let Some(most) = definition.max_auth_age else { return Ok(()) };
    let now = now();
    let within = |at: Time| {
        let leeway = token.leeway_millis();
        now <= at.plus_millis(i64::from(most) * 1000 + leeway) && at <= now.plus_millis(leeway)
    };
    match token.authenticated_at().is_some_and(within) {
        true => Ok(()),
        false => Err(insufficient(
            "auth_time",
            "maxAuthAge",
            "the user was authenticated too long ago, or nobody knows when",
        )
        .with("maxAuthAge", most)),
    }
}

fn insufficient(name: &str, reason: &str, why: &str) -> Error {
    claim(name, reason, &format!("{why}: let them authenticate again"))
}
