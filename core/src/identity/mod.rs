//! Who the user is: tokens verified, identity fixed.
//!
//! [`compact`] takes the text apart, [`header`] and [`claims`] read its two JSON objects, [`issuer`] says whom the store
//! trusts, [`jwks`] and [`secret`] with which keys, [`verifier`] puts them in order, [`signer`] makes tokens of our own.

mod algorithm;
mod claims;
mod compact;
mod header;
mod issuer;
mod jwk;
mod jwks;
mod key;
mod members;
mod refusal;
mod secret;
mod signer;
mod token;
mod verifier;

#[cfg(test)]
mod vectors;

pub(crate) use issuer::{Issuers, Secrets};
pub(crate) use signer::{OwnKey, SessionClaims, Signer};
pub(crate) use token::SessionRef;
pub use token::VerifiedToken;
pub(crate) use verifier::Verifier;
