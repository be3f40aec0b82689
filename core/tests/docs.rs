//! `docs/errors.md` is the taxonomy of `core/src/error.rs`, row for row. `UPDATE=1 cargo test -p sessile --test docs` writes it.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use sessile::Code;

const TOP: &str = "# Errors

One taxonomy for all languages. A code is a stable number and name; its category says who can do something about it. A
retryable error may not come again if the same call is made later. Every error also has a message for people and details
for programs; neither ever holds a token, a key or a value.

| number | name | category | retryable | meaning |
|---|---|---|---|---|
";

const BOTTOM: &str = "
* **C**: every call returns the number (0 is success); the optional error object has code, name, message, retryable, details.
* **C++**: `sessile::Error`, a `std::runtime_error`.
* **Python**: `sessile.SessileError` with `.code`, `.name`, `.retryable`, `.details`; subclasses are also the built-in
  exception that a Python user would catch.
* **Node**: `SessileError extends Error` with `code` (the name), `number`, `retryable`, `details`.
* **Rust**: `sessile::Error` with `code()`, `message()`, `retryable()`, `details()`.
";

#[test]
fn errors_md_is_the_taxonomy() {
    let source = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/error.rs")).unwrap();
    let mut page = TOP.to_owned();
    for code in Code::ALL {
        let meaning = meaning_of(&source, code.name());
        let retryable = if code.retryable() { "yes" } else { "" };
        writeln!(
            page,
            "| {} | `{}` | {} | {retryable} | {meaning} |",
            code.number(),
            code.name(),
            code.category().as_str()
        )
        .unwrap();
    }
    page += BOTTOM;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), page, "docs/errors.md has drifted: UPDATE=1 writes it anew");
}

/// The doc comment right above the code's line.
fn meaning_of(source: &str, name: &str) -> String {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| line.contains(&format!("\"{name}\""))).expect("every code has its line");
    let comment = lines[..at].iter().rev().take_while(|line| line.starts_with("///"));
    let mut comment: Vec<&str> = comment.map(|line| line.trim_start_matches("///").trim()).collect();
    comment.reverse();
    comment.join(" ")
}
