//! What must hold while threads and processes race: quotas, refreshes, revocations, configurations, and processes that
//! are killed in the middle of it. A bounded sample; `make torture` runs the full counts.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

#[path = "races/agreement.rs"]
mod agreement;
#[path = "races/configs.rs"]
mod configs;
#[path = "races/first_put.rs"]
mod first_put;
#[path = "races/kill.rs"]
mod kill;
#[path = "races/place.rs"]
mod place;
#[path = "races/quota.rs"]
mod quota;
#[path = "races/refresh.rs"]
mod refresh;
#[path = "races/revoke.rs"]
mod revoke;
#[path = "races/revoke_all.rs"]
mod revoke_all;
#[path = "races/worker.rs"]
mod worker;

/// How many rounds: `sample` as a rule, `full` in `make torture`.
fn rounds(sample: usize, full: usize) -> usize {
    if std::env::var_os("SESSILE_TORTURE").is_some() { full } else { sample }
}

/// Not a test by itself: what the other processes do, when a test started this program again as one of them.
#[test]
fn child() {
    worker::run(|job, desk| match job {
        "start" => quota::start(desk),
        "create" => quota::create(desk),
        "refresh" => refresh::refresh(desk),
        "use" => revoke::use_until_refused(desk),
        "live" => kill::live(desk),
        "update" => configs::update(desk),
        "begin" => configs::begin(desk),
        _ => panic!("no job {job}"),
    });
}
