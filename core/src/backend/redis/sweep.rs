//! What is over is dropped bucket by bucket, by a list of those in which something is.

use std::borrow::Cow;

use tokio::time::Instant;

use super::super::network::Repeat;
use super::decode;
use super::error::strange;
use super::keys::{Bucket, DUE};
use super::route::{Aside, Call, Router};
use super::{over, script, session_prefix};
use crate::clock::Time;
use crate::error::Result;

/// Buckets that a sweep takes on at once.
const SWEPT_AT_ONCE: usize = 16;

/// Drops up to `budget` sessions that are over; how many.
pub(super) async fn sweep(
    router: &Router,
    doing: &'static str,
    now: Time,
    budget: usize,
    deadline: Instant,
) -> Result<u64> {
    let mut dropped = 0;
    while dropped < budget {
        let mut take = script::DUE.call([DUE].into_iter());
        take.arg(now.millis()).arg(SWEPT_AT_ONCE);
        let call = Call { doing, key: DUE, deadline, repeat: Repeat::Freely, aside: None };
        let due = decode::array(router.send(call, |_| Cow::Borrowed(&take)).await?.value);
        let due = due.ok_or_else(|| strange(doing))?;
        if due.is_empty() {
            break;
        }
        for member in due {
            let member = decode::bytes(member).flatten().ok_or_else(|| strange(doing))?;
            // What is no bucket was not written by us.
            let Some(bucket) = Bucket::from_member(&member) else { continue };
            dropped += sweep_bucket(router, doing, &bucket, now, budget - dropped, deadline).await?;
        }
    }
    Ok(dropped as u64)
}

/// Drops what is over in one bucket, and puts the bucket back on the list by what is over next.
async fn sweep_bucket(
    router: &Router,
    doing: &'static str,
    bucket: &Bucket,
    now: Time,
    budget: usize,
    deadline: Instant,
) -> Result<usize> {
    let mut sweep = over(bucket, &script::SWEEP);
    sweep.arg(now.millis()).arg(budget).arg(session_prefix(bucket));
    let call = Call { doing, key: &bucket.prefix(), deadline, repeat: Repeat::Freely, aside: None };
    let mut answer =
        decode::array(router.send(call, |_| Cow::Borrowed(&sweep)).await?.value).unwrap_or_default().into_iter();
    let dropped = answer.next().and_then(|value| decode::number(&value)).and_then(|count| usize::try_from(count).ok());
    let (Some(dropped), Some(next)) = (dropped, answer.next().and_then(decode::bytes)) else {
        return Err(strange(doing));
    };
    if let Some(next) = next.and_then(|next| decode::decimal::<f64>(&next)) {
        let Aside { key, command } = due_at(bucket, next as i64);
        let call = Call { doing, key, deadline, repeat: Repeat::Freely, aside: None };
        router.send(call, |_| Cow::Borrowed(&command)).await?;
    }
    Ok(dropped)
}

/// Notes that something in the bucket is over then, if nothing is sooner.
pub(super) fn due_at(bucket: &Bucket, millis: i64) -> Aside {
    let mut command = redis::cmd("ZADD");
    command.arg(DUE).arg("LT").arg(millis).arg(&bucket.member());
    Aside { key: DUE, command }
}
