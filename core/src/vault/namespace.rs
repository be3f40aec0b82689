//! Workspace, product and env: nothing crosses from one into another.

use crate::error::{Result, fail};

/// Where a store's configs, sessions, tokens and keys live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Namespace {
    pub(crate) workspace: String,
    pub(crate) product: String,
    pub(crate) env: String,
}

impl Namespace {
    /// Each part is `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`.
    pub(crate) fn new(workspace: &str, product: &str, env: &str) -> Result<Namespace> {
        for (what, name) in [("workspace", workspace), ("product", product), ("env", env)] {
            let tail = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            if name.len() > 64 || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(tail) {
                return Err(fail!(
                    InvalidArgument,
                    "{what}: {name:?} given; 1 to 64 of A-Z a-z 0-9 . _ - wanted, the first a letter or digit"
                )
                .with("argument", what));
            }
        }
        Ok(Namespace { workspace: workspace.to_owned(), product: product.to_owned(), env: env.to_owned() })
    }

    /// The issuer of the store's own tokens.
    pub(crate) fn issuer(&self) -> String {
        format!("sessile:{}/{}/{}", self.workspace, self.product, self.env)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert!(Namespace::new("default", "shop", "prd").is_ok());
        assert!(Namespace::new("A.b-c_9", &"x".repeat(64), "0").is_ok());
        for bad in ["", "-a", ".a", "a/b", "a b", "ä", "a:b", "a\0", &"x".repeat(65)] {
            assert!(Namespace::new("default", bad, "dev").is_err(), "{bad:?}");
        }
    }
}
