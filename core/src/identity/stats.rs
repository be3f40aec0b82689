//! What a store tells of its issuers' keys and of the tokens it knows: JSON, without key or token.

use serde_json::{Value, json};

use super::cache::CacheStats;
use super::issuer::{Issuer, Issuers};

pub(super) fn gather(cache: &CacheStats, issuers: &Issuers) -> Value {
    let issuers: Vec<Value> = issuers.all().into_iter().map(|issuer| of_issuer(issuer)).collect();
    json!({
        "tokenCache": {"hits": cache.hits, "misses": cache.misses, "tokens": cache.tokens},
        "issuers": issuers,
    })
}

fn of_issuer(issuer: &Issuer) -> Value {
    let keys = issuer.keys.current();
    let kids: Vec<Option<&str>> = keys.iter().flat_map(|keys| keys.set.kids()).collect();
    let refused: Vec<Value> = keys
        .iter()
        .flat_map(|keys| &keys.refused)
        .map(|key| json!({"index": key.index, "kid": key.kid, "reason": key.reason}))
        .collect();
    json!({"issuer": &*issuer.name, "keys": kids, "refusedKeys": refused, "trouble": issuer.keys.trouble()})
}
