//! Who the user is: tokens verified, identity fixed.

use crate::clock::Time;

/// The proof: only the verifier makes one.
#[derive(Clone)]
pub struct VerifiedToken(());

impl VerifiedToken {
    /// The issuer's realm.
    pub fn realm(&self) -> &str {
        todo!()
    }
    /// The subject.
    pub fn subject(&self) -> &str {
        todo!()
    }
    /// When the token ends.
    pub fn expires_at(&self) -> Time {
        todo!()
    }
}
