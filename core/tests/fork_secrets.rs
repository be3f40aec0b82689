//! The users' secrets lie in a second file: it is closed before a fork too, and opened on both sides.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod child;
mod shredded;

use std::fs;

use child::{ended, forked_with_hooks};
use sessile::fork;
use shredded::{Place, parsed, start};

#[test]
fn both_sides_go_on_with_the_same_secrets() {
    let place = Place::new();
    let store = place.with_config();
    let folder = fs::canonicalize(place.file("")).unwrap();
    let descriptors = || {
        let open = fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|fd| fs::read_link(fd.path()).ok());
        open.filter(|open| open.starts_with(&folder)).count()
    };
    let is_valid = |started: &serde_json::Value| {
        parsed(store.sessions().verify(started["token"].as_str().unwrap()).wait())["valid"] == true
    };
    let before = start(&store, "ann");
    fork::before().unwrap();
    assert_eq!(descriptors(), 0);
    fork::after();
    let pid = forked_with_hooks(|| {
        let theirs = start(&store, "bob");
        is_valid(&before) && is_valid(&theirs) && is_valid(&start(&store, "ann"))
    });
    let ours = start(&store, "bob");
    assert_eq!(ended(pid), Some(0));
    assert!(is_valid(&before) && is_valid(&ours));
    let found = parsed(store.check().wait());
    assert_eq!((&found["ok"], &found["secrets"]), (&true.into(), &2.into()), "{found}");
}
