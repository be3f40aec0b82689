//! Who the user is: tokens verified, identity fixed.
//!
//! [`compact`] takes the text apart, [`header`] and [`claims`] read its two JSON objects, [`issuer`] says whom the store
//! trusts, [`jwks`] and [`secret`] with which keys, [`keys`] where they come from ([`key_file`], [`key_url`]), [`verifier`]
//! puts them in order, [`cache`] remembers what verified a moment ago, [`confirmation`], [`demand`] and [`revocations`] say
//! what else must hold at each use, [`logout`] reads logout tokens, [`signer`] makes tokens of our own.

mod algorithm;
mod cache;
mod claims;
mod compact;
mod confirmation;
mod demand;
mod fetch;
mod header;
mod issuer;
mod jwk;
mod jwks;
mod key;
mod key_file;
mod key_url;
mod keys;
mod logout;
mod members;
mod refusal;
mod revocation;
mod revocations;
mod secret;
mod signer;
mod stats;
mod token;
mod verifier;

#[cfg(test)]
mod examples;
#[cfg(any(test, fuzzing))]
#[allow(clippy::unwrap_used, reason = "a part of the tests")]
pub mod fuzz;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod wycheproof;

pub(crate) use confirmation::Confirmation;
pub(crate) use demand::check as check_demands;
pub(crate) use issuer::{Issuers, Secrets};
pub(crate) use revocations::Revocations;
pub(crate) use signer::{OwnKey, SessionClaims, Signer};
pub(crate) use token::SessionRef;
pub use token::VerifiedToken;
pub(crate) use verifier::{Missed, Verifier};
