//! Keys, and what is sealed with them.

use std::path::Path;

use crate::error::Result;

/// A keyring file's maker and checker.
#[derive(Clone)]
pub struct Keyring;

impl Keyring {
    /// Makes a new keyring file with fresh keys, 0600; `ALREADY_EXISTS` if something is there.
    pub fn generate(path: impl AsRef<Path>) -> Result<()> {
        let _ = path;
        todo!()
    }
    /// A new keyring as JSON text, for those who keep keys elsewhere than in a file.
    pub fn generate_json() -> Result<String> {
        todo!()
    }
}
