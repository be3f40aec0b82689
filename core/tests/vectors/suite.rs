//! The suites as they stand in their files. Values stay raw text, so that numbers and order are what the file says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Every language that has a runner, as `only` names them.
pub const LANGUAGES: [&str; 5] = ["rust", "c", "cpp", "python", "node"];

/// One file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    pub suite: String,
    pub cases: Vec<Case>,
}

/// One case: a store, and calls on it in order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    pub rule: String,
    #[serde(default)]
    pub options: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    pub clock: Option<String>,
    pub golden: Option<String>,
    only: Option<Vec<String>>,
    #[serde(rename = "do")]
    pub calls: Vec<Call>,
}

impl Case {
    pub fn runs_in(&self, language: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|each| each == language))
    }
}

/// One call: its members as raw text.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Call(BTreeMap<String, Box<RawValue>>);

impl Call {
    /// A member's text as it stands in the file.
    pub fn raw(&self, member: &str) -> Option<&str> {
        self.0.get(member).map(|value| value.get())
    }

    /// A member read as a `T`; absent (or null): `None`.
    pub fn read<T: for<'a> Deserialize<'a>>(&self, member: &str) -> Option<T> {
        let read = self.raw(member).map(serde_json::from_str::<Option<T>>);
        read.transpose().unwrap_or_else(|error| panic!("member {member} of a call: {error}")).flatten()
    }

    /// A member that the verb can't do without.
    pub fn need<T: for<'a> Deserialize<'a>>(&self, member: &str) -> T {
        self.read(member).unwrap_or_else(|| panic!("the call {} needs {member}", self.verb()))
    }

    /// A member's value as compact JSON text: no white space, order and numbers as in the file.
    pub fn json(&self, member: &str) -> Option<String> {
        self.raw(member).map(compact)
    }

    pub fn verb(&self) -> String {
        self.read("call").unwrap_or_else(|| panic!("a call without `call`"))
    }

    /// The call written inside this one (`during`).
    pub fn inner(&self, member: &str) -> Option<Call> {
        self.read(member)
    }
}

/// JSON text without the white space between its tokens.
pub fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut inside, mut escaped) = (false, false);
    for c in text.chars() {
        if inside || !c.is_ascii_whitespace() {
            out.push(c);
        }
        if c == '"' && !escaped {
            inside = !inside;
        }
        escaped = inside && c == '\\' && !escaped;
    }
    out
}

/// The folder `tests/`.
pub fn tests_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests")
}

/// Every suite, by file name.
pub fn read_all() -> Vec<Suite> {
    let folder = tests_folder().join("vectors");
    let listing = std::fs::read_dir(&folder).expect("tests/vectors is there");
    let mut files: Vec<PathBuf> = listing.map(|entry| entry.expect("a readable folder").path()).collect();
    files.retain(|file| file.extension().is_some_and(|ext| ext == "json") && !file.ends_with("skips.json"));
    files.sort();
    let read = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).expect("a readable suite");
        let suite: Suite = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(Some(suite.suite.as_str()), file.file_stem().and_then(|stem| stem.to_str()));
        suite
    };
    files.iter().map(read).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skips {
    #[allow(dead_code)]
    reason: String,
    languages: Vec<String>,
    cases: Vec<String>,
}

/// What `skips.json` explains, as sorted lines `suite/case in language`.
pub fn skips() -> Vec<String> {
    let text = std::fs::read_to_string(tests_folder().join("vectors/skips.json")).expect("skips.json");
    let all: Vec<Skips> = serde_json::from_str(&text).expect("skips.json in its form");
    let lines = all.iter().flat_map(|skips| {
        let pairs = skips.languages.iter().flat_map(|language| skips.cases.iter().map(move |case| (case, language)));
        pairs.map(|(case, language)| format!("{case} in {language}"))
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}
