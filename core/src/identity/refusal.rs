//! How a token is refused: a code, a `reason` for programs, and a sentence that never quotes the token.

use crate::error::{Code, Error};

/// The text is not a compact JWS that we read: `TOKEN_MALFORMED`.
pub(super) fn malformed(reason: &str, message: &str) -> Error {
    Error::new(Code::TokenMalformed, message).with("reason", reason)
}

/// Nobody, no key or no algorithm that the store trusts: `TOKEN_UNTRUSTED`.
pub(super) fn untrusted(reason: &str, message: &str) -> Error {
    Error::new(Code::TokenUntrusted, message).with("reason", reason)
}

/// A claim is missing, of a wrong type or not acceptable: `TOKEN_CLAIMS`.
pub(super) fn claim(claim: &str, reason: &str, message: &str) -> Error {
    Error::new(Code::TokenClaims, format!("claim {claim}: {message}")).with("reason", reason).with("claim", claim)
}
