//! Counts over all users of a configuration.

use serde_json::json;

use super::users::{Profile, Standing};
use super::{Under, retention};
use crate::audit::Whose;
use crate::clock::Time;
use crate::error::Result;
use crate::store::Inner;

const PAGE: usize = 1000;
const DAY: i64 = 86_400_000;

#[derive(Default)]
struct Counts {
    active: u64,
    inactive: u64,
    expired: u64,
    today: u64,
    this_week: u64,
    total_sessions: u64,
    active_sessions: u64,
    unreadable: u64,
}

pub(super) async fn dashboard(store: &Inner, under: &Under) -> Result<String> {
    let space = under.vault.space();
    let now = store.clock.now();
    let (today, week) = beginnings(now);
    let mut counts = Counts::default();
    let mut after = None;
    loop {
        let records = store.backend.page_users(&space, after, PAGE).await?;
        for (user, record) in &records {
            let sessions = store.backend.user(&space, user).await?.sessions;
            let profile = match Profile::unlock(store, under, user, record, &sessions).await {
                Ok(profile) => profile,
                Err(error) => {
                    store.audit.refusal(error, || Whose::user(&under.config.tag, *user));
                    counts.unreadable += 1;
                    continue;
                }
            };
            if retention::is_over(under, &profile, now) {
                continue;
            }
            match profile.standing(now) {
                Standing::Active => counts.active += 1,
                Standing::Inactive => counts.inactive += 1,
                Standing::Expired => counts.expired += 1,
            }
            counts.today += u64::from(profile.user.first_seen >= today);
            counts.this_week += u64::from(profile.user.first_seen >= week);
            counts.total_sessions += profile.total_sessions();
            counts.active_sessions += profile.active_sessions(now);
        }
        match records.last() {
            Some((last, _)) if records.len() == PAGE => after = Some(*last),
            _ => return Ok(print(&counts)),
        }
    }
}

fn print(counts: &Counts) -> String {
    let users = counts.active + counts.inactive + counts.expired;
    let average = if users == 0 { 0.0 } else { counts.total_sessions as f64 / users as f64 };
    json!({
        "totalUsers": users,
        "activeUsers": counts.active,
        "inactiveUsers": counts.inactive,
        "expiredUsers": counts.expired,
        "newUsersToday": counts.today,
        "newUsersThisWeek": counts.this_week,
        "totalSessions": counts.total_sessions,
        "activeSessions": counts.active_sessions,
        "averageSessionsPerUser": average,
        "unreadable": counts.unreadable,
    })
    .to_string()
}

/// When the day and the ISO week of that instant began, in UTC. Days are counted from Thursday, 1 January 1970.
fn beginnings(now: Time) -> (Time, Time) {
    let day = now.millis().div_euclid(DAY);
    let monday = day - (day + 3).rem_euclid(7);
    (Time::from_millis(day * DAY), Time::from_millis(monday * DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday() {
        for (now, day, week) in [
            ("2026-11-25T13:00:00Z", "2026-11-25", "2026-11-23"),
            ("2026-11-23T00:00:00Z", "2026-11-23", "2026-11-23"),
            ("2026-11-22T23:59:59.999Z", "2026-11-22", "2026-11-16"),
            ("1969-12-31T23:00:00Z", "1969-12-31", "1969-12-29"),
        ] {
            let at = |date: &str| Time::parse(&format!("{date}T00:00:00Z")).unwrap();
            assert_eq!(beginnings(Time::parse(now).unwrap()), (at(day), at(week)), "{now}");
        }
    }
}
