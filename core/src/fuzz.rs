//! What the fuzzers run, one function a target: each says what must hold of any bytes whatever. The kept corpora run as
//! a plain test of this module; `make fuzz` lets the fuzzers go on from them.

pub use crate::config::fuzz::{schema, selector};
pub use crate::identity::fuzz::{key_set, token};
pub use crate::step::fuzz::{message, step};
pub use crate::vault::fuzz::{field, head, keyring};

/// The text before the first line feed, and what follows; `None` for what is no text.
pub(crate) fn two_texts(data: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(data).ok()?;
    Some(text.split_once('\n').unwrap_or((text, "")))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    fn run(target: &str, each: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
        let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in &files {
            let data = fs::read(file).unwrap();
            // A panic names the file.
            if std::panic::catch_unwind(|| each(&data)).is_err() {
                panic!("target {target}, input {}", file.display());
            }
        }
        assert!(files.len() >= 10, "the corpus of {target} has {} inputs only", files.len());
    }

    macro_rules! corpora {
        ($($target:ident)*) => {$(
            #[test]
            fn $target() {
                run(stringify!($target), super::$target);
            }
        )*};
    }

    corpora! { token key_set field head keyring step message schema selector }
}
