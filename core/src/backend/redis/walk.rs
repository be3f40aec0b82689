//! Going through the buckets of a space.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;

use redis::{Cmd, Value};
use tokio::time::Instant;

use super::super::Space;
use super::super::network::Repeat;
use super::Redis;
use super::error::strange;
use super::keys::Bucket;
use super::route::{Call, Router};
use crate::error::Result;

/// Buckets asked at once by a walk that has found nothing yet.
const MANY_BUCKETS: usize = 64;

impl Redis {
    /// Asks buckets in their order, several at once, until there is enough. A bucket's answer is of one instant.
    pub(super) async fn walk<T: Send + 'static>(
        &self,
        doing: &'static str,
        space: &Space,
        buckets: RangeInclusive<u8>,
        limit: usize,
        decode: fn(Value) -> Option<Vec<T>>,
        ask: impl Fn(&Bucket, usize) -> Cmd,
    ) -> Result<Vec<T>> {
        let mut found: Vec<T> = Vec::new();
        let mut left = buckets.map(|number| Bucket::of(space, number));
        let mut asked = 0;
        while found.len() < limit {
            let wanted = limit - found.len();
            // As many as should hold what is wanted, judged by those asked before.
            let at_once = match (asked, found.len()) {
                (0, _) => 1,
                (_, 0) => asked * 4,
                (asked, found) => (wanted * asked).div_ceil(found),
            };
            let batch: Vec<(Vec<u8>, Cmd)> = left
                .by_ref()
                .take(at_once.clamp(1, MANY_BUCKETS))
                .map(|bucket| (bucket.prefix(), ask(&bucket, wanted)))
                .collect();
            if batch.is_empty() {
                break;
            }
            asked += batch.len();
            let answers = self.running(move |router, deadline| ask_all(router, doing, batch, deadline)).await?;
            for answer in answers {
                found.extend(decode(answer).ok_or_else(|| strange(doing))?);
            }
        }
        found.truncate(limit);
        Ok(found)
    }
}

/// The answers to several reads sent at once, in their order.
async fn ask_all(
    router: Arc<Router>,
    doing: &'static str,
    batch: Vec<(Vec<u8>, Cmd)>,
    deadline: Instant,
) -> Result<Vec<Value>> {
    let asked: Vec<_> = batch
        .into_iter()
        .map(|(key, command)| {
            let router = router.clone();
            tokio::spawn(async move {
                let call = Call { doing, key: &key, deadline, repeat: Repeat::Freely, aside: None };
                router.send(call, |_| Cow::Borrowed(&command)).await.map(|answer| answer.value)
            })
        })
        .collect();
    let mut answers = Vec::with_capacity(asked.len());
    for answer in asked {
        answers.push(answer.await.map_err(|_| crate::task::panicked())??);
    }
    Ok(answers)
}
