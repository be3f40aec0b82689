//! What a token may cost that is refused anyway: under a millisecond, and under 64 KiB.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod issuer;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde_json::json;
use sessile::{Code, Store};

use issuer::{ISSUER, Issuer, NOW, store};

/// Counts what this thread has allocated and not given back, and the most of it.
struct Counting;

thread_local! {
    static NOW_USED: Cell<isize> = const { Cell::new(0) };
    static MOST_USED: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let _ = NOW_USED.try_with(|now| {
        now.set(now.get() + bytes);
        let _ = MOST_USED.try_with(|most| most.set(most.get().max(now.get())));
    });
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The best of several tries (others use this machine), and the most memory of any.
fn cost(store: &Store, token: &str) -> (Code, Duration, isize) {
    let (mut code, mut best, mut most) = (None, Duration::MAX, 0);
    for _ in 0..20 {
        // The queue of events has a bound of its own.
        store.drain_events(usize::MAX);
        let before = NOW_USED.get();
        MOST_USED.set(before);
        let started = Instant::now();
        let error = store.verify(token).wait().unwrap_err();
        best = best.min(started.elapsed());
        most = most.max(MOST_USED.get() - before);
        code = Some(error.code());
    }
    (code.unwrap(), best, most)
}

#[test]
fn an_oversized_token_costs_next_to_nothing() {
    let id = Issuer::new("k");
    let (store, _) = store(&[id.entry(json!({}))]);
    let good = id.token(json!({}));
    store.verify(&good).wait().unwrap();
    let signed =
        |payload: String| format!("{}.{}.{}", B64.encode(r#"{"alg":"EdDSA","kid":"k"}"#), B64.encode(payload), "AAAA");
    let claims =
        |more: &str| format!(r#"{{"iss":"{ISSUER}","aud":"shop","sub":"u1","iat":{NOW},"exp":{},{more}}}"#, NOW + 60);
    let header = |header: String| format!("{}.{}.AAAA", B64.encode(header), B64.encode("{}"));
    // An object of so many members, the last of which is yet to come.
    let many =
        |members: usize| format!("{{{}\"x\":", (0..members).map(|at| format!("\"{at}\":1,")).collect::<String>());
    let cases = [
        ("8,193 bytes", "A".repeat(8193), Code::LimitExceeded),
        ("8,193 bytes, led by a good one", format!("{good}{}", "A".repeat(8193 - good.len())), Code::LimitExceeded),
        ("40 MB", "A".repeat(40_000_000), Code::LimitExceeded),
        ("40 MB of a bearer", format!("Bearer {}", "A".repeat(40_000_000)), Code::LimitExceeded),
        ("10 million dots", ".".repeat(10_000_000), Code::LimitExceeded),
        ("10 million colons", ":".repeat(10_000_000), Code::LimitExceeded),
        ("8,192 dots", ".".repeat(8192), Code::TokenMalformed),
        (
            "depth 1,000",
            signed(claims(&format!(r#""x":{}{}"#, "[".repeat(1000), "]".repeat(1000)))),
            Code::TokenMalformed,
        ),
        (
            "depth 1,000 of objects",
            signed(claims(&format!(r#""x":{}1{}"#, r#"{"a":"#.repeat(500), "}".repeat(500)))),
            Code::TokenMalformed,
        ),
        ("depth 2,000, not closed", signed("[".repeat(2000)), Code::TokenMalformed),
        (
            "a header of depth 1,000",
            header(format!(r#"{{"alg":"EdDSA","x":{}{}}}"#, "[".repeat(1000), "]".repeat(1000))),
            Code::TokenMalformed,
        ),
        ("a kid of 5 KB", header(format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, "k".repeat(5000))), Code::TokenClaims),
        (
            "700 members",
            signed(claims(&(0..700).map(|at| format!(r#""{at}":1"#)).collect::<Vec<_>>().join(","))),
            Code::TokenMalformed,
        ),
        ("2,500 elements", signed(claims(&format!(r#""x":[{}]"#, ["1"; 2_500].join(",")))), Code::TokenSignature),
        (
            "1,500 lists in a list",
            signed(claims(&format!(r#""x":[{}]"#, ["[]"; 1_500].join(",")))),
            Code::TokenSignature,
        ),
        (
            "members in members",
            signed(claims(&format!(r#""x":{}1{}"#, many(60).repeat(9), "}".repeat(9)))),
            Code::TokenSignature,
        ),
        (
            "escaped names",
            signed(claims(&(0..200).map(|at| format!(r#""\u0061\u{at:04x}":1"#)).collect::<Vec<_>>().join(","))),
            Code::TokenSignature,
        ),
        ("a long number", signed(claims(&format!(r#""x":{}"#, "9".repeat(5000)))), Code::TokenSignature),
        ("a compressed payload", header(r#"{"alg":"EdDSA","zip":"DEF"}"#.to_owned()), Code::TokenMalformed),
        (
            "five segments of a JWE",
            format!("{}.AAAA.AAAA.AAAA.AAAA", B64.encode(r#"{"alg":"dir","enc":"A256GCM"}"#)),
            Code::TokenMalformed,
        ),
    ];
    for (what, token, expected) in cases {
        let (code, took, bytes) = cost(&store, &token);
        println!("{what}: {took:?}, {bytes} bytes");
        assert_eq!(code, expected, "{what}");
        assert!(bytes < 64 * 1024, "{what}: {bytes} bytes");
        assert!(took < Duration::from_millis(1), "{what}: {took:?}");
    }
}
