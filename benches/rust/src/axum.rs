//! axum_session has no door but its layer: a request with the session's cookie goes through it to a handler.

use std::convert::Infallible;
use std::future::ready;
use std::rc::Rc;
use std::sync::Arc;

use axum_session::{Session, SessionConfig, SessionLayer, SessionNullPool, SessionStore};
use bytes::Bytes;
use http::header::{COOKIE, SET_COOKIE};
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;
use tower::{Layer, Service, service_fn};

use crate::Outcome;

/// What the handler writes into the changed field.
#[derive(Clone, Copy)]
struct Number(usize);

/// Sessions in its memory; gives what reads all of one and changes one field of it.
pub fn sessions(
    runtime: &Rc<Runtime>,
    data: &Map<String, Value>,
    changed: &str,
    sessions: usize,
) -> Outcome<impl FnMut(usize, usize) + use<>> {
    let layer = runtime.block_on(async {
        let store = SessionStore::<SessionNullPool>::new(None, SessionConfig::default()).await?;
        Ok::<_, axum_session::SessionError>(SessionLayer::new(store))
    })?;
    let fields = Arc::new(data.clone());
    let changed = changed.to_owned();
    // The layer leaves a task behind, which only a runtime can take.
    let _inside = runtime.enter();
    let mut service = layer.layer(service_fn(move |request: Request<Full<Bytes>>| {
        let session = request.extensions().get::<Session<SessionNullPool>>().expect("a session");
        for (name, value) in fields.iter() {
            if session.get::<Value>(name).is_none() {
                session.set(name, value);
            }
        }
        session.set(&changed, request.extensions().get::<Number>().expect("a number").0);
        ready(Ok::<_, Infallible>(Response::<Full<Bytes>>::default()))
    }));
    let mut call = {
        let runtime = runtime.clone();
        move |cookie: Option<&str>, number: usize| {
            let mut request = Request::new(Full::<Bytes>::default());
            request.extensions_mut().insert(Number(number));
            if let Some(cookie) = cookie {
                request.headers_mut().insert(COOKIE, cookie.parse().expect("a header"));
            }
            runtime.block_on(async { service.call(request).await.expect("an answer") })
        }
    };
    let mut cookies = Vec::new();
    for key in 0..sessions {
        let answer = call(None, key);
        let pairs = answer.headers().get_all(SET_COOKIE).iter().filter_map(|set| set.to_str().ok()?.split(';').next());
        let cookie: Vec<&str> = pairs.filter(|pair| !pair.ends_with('=')).collect();
        cookies.push(cookie.join("; "));
    }
    Ok(move |key: usize, number| drop(call(Some(&cookies[key]), number)))
}
