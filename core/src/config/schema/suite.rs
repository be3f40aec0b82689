//! The JSON-Schema-Test-Suite: every required case of both dialects, against what this library makes of its schema.
//!
//! `SESSILE_SCHEMA_SUITE` names the folder `tests` of the suite, which `make test-rust` fetches; without it this test says
//! that it did not run. What is refused or judged otherwise on purpose is listed, case by case and each with
//! its reason, in `tests/schema/refusals.json`; anything else that differs is a failure, and so is a line too many.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::*;

/// Each with how many schemas and tests the pinned suite has of it: `[schemas, refused, run, judged otherwise]`.
const DIALECTS: [(&str, &str, [usize; 4]); 2] = [
    ("draft2020-12", "https://json-schema.org/draft/2020-12/schema", [368, 27, 1188, 17]),
    ("draft7", "http://json-schema.org/draft-07/schema#", [254, 15, 874, 0]),
];

/// `dialect/file: case` and why it is refused, or judged otherwise.
type Differences = BTreeMap<String, String>;

#[derive(Default)]
struct Tally {
    schemas: usize,
    refused: usize,
    run: usize,
    otherwise: usize,
    differences: Differences,
}

#[test]
fn the_json_schema_test_suite() {
    let Some(folder) = std::env::var_os("SESSILE_SCHEMA_SUITE") else {
        println!("json schema suite: not run, SESSILE_SCHEMA_SUITE names no folder");
        return;
    };
    let expected: BTreeMap<String, Vec<String>> =
        serde_json::from_str(include_str!("../../../../tests/schema/refusals.json")).unwrap();
    let expected: Differences =
        expected.into_iter().flat_map(|(why, cases)| cases.into_iter().map(move |case| (case, why.clone()))).collect();
    let mut differences = Differences::new();
    let mut passed = 0;
    for (dialect, uri, counts) in DIALECTS {
        let tally = run(&Path::new(&folder).join(dialect), dialect, uri);
        println!(
            "{dialect}: {} schemas, {} of them refused; {} tests run, {} of them judged otherwise",
            tally.schemas, tally.refused, tally.run, tally.otherwise
        );
        assert_eq!([tally.schemas, tally.refused, tally.run, tally.otherwise], counts, "{dialect}");
        passed += tally.run - tally.otherwise;
        differences.extend(tally.differences);
    }
    let names = |differences: &Differences| differences.keys().cloned().collect::<Vec<_>>();
    let unexpected: Vec<_> = differences.iter().filter(|(case, _)| !expected.contains_key(*case)).collect();
    assert!(unexpected.is_empty(), "not in refusals.json: {}", serde_json::to_string_pretty(&unexpected).unwrap());
    assert_eq!(names(&differences), names(&expected), "left: what differs; right: refusals.json");
    println!("json schema suite: {passed} passed, 0 failed, {} otherwise on purpose", differences.len());
}

fn run(folder: &Path, dialect: &str, uri: &str) -> Tally {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut tally = Tally::default();
    for file in files {
        let groups: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let file = file.file_stem().unwrap().to_str().unwrap();
        for group in &groups {
            tally.group(&format!("{dialect}/{file}"), group, uri);
        }
    }
    tally
}

impl Tally {
    fn group(&mut self, file: &str, group: &Value, uri: &str) {
        let name = format!("{file}: {}", group["description"].as_str().unwrap());
        let mut schema = group["schema"].clone();
        if let Some(schema) = schema.as_object_mut() {
            schema.entry("$schema").or_insert_with(|| json!(uri));
        }
        self.schemas += 1;
        let schema = match Schema::of(&schema.to_string(), Form::JsonSchema) {
            Ok(schema) => schema,
            Err(error) => {
                self.refused += 1;
                self.differences.insert(name, error.message().to_owned());
                return;
            }
        };
        for test in group["tests"].as_array().unwrap() {
            self.run += 1;
            let valid = schema.check(&test["data"].to_string()).is_ok();
            if valid != test["valid"].as_bool().unwrap() {
                self.otherwise += 1;
                self.differences
                    .insert(format!("{name}: {}", test["description"].as_str().unwrap()), format!("valid: {valid}"));
            }
        }
    }
}
