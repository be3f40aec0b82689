//! stub
use std::collections::HashMap;
use zeroize::Zeroizing;
use crate::clock::Time;
use crate::error::Result;
use crate::limits::Limits;
use crate::vault::SigningKey;
/// x
#[derive(Clone)]
pub struct VerifiedToken(());
impl VerifiedToken {
    /// x
    pub fn realm(&self) -> &str { todo!() }
    /// x
    pub fn subject(&self) -> &str { todo!() }
    /// x
    pub fn expires_at(&self) -> Time { todo!() }
    /// x
    pub fn issued_at(&self) -> Time { todo!() }
    pub(crate) fn check_alive(&self, _: Time) -> Result<()> { todo!() }
}
pub(crate) struct Verifier;
impl Verifier {
    pub(crate) fn new(_: &Signer, _: &[serde_json::Value], _: HashMap<String, Zeroizing<Vec<u8>>>, _: &Limits) -> Result<Verifier> { Ok(Verifier) }
    pub(crate) fn verify(&self, _: &str, _: Time) -> Result<VerifiedToken> { todo!() }
}
pub(crate) struct Signer;
impl Signer {
    pub(crate) fn new(_: &str, _: &[SigningKey], _: &Limits) -> Result<Signer> { Ok(Signer) }
    pub(crate) fn issue(&self, _: &str, _: u64, _: Time) -> Result<String> { todo!() }
    pub(crate) fn jwks(&self) -> String { todo!() }
}
