//! Statements that a connection keeps prepared, so that the server plans them once and not for every call.
//!
//! Only where the server's own process is at the other end. Behind a pooler the next call may be given another process,
//! which knows no such statement, or another program's of the same name. What is asked to find out and to prepare goes
//! along with a call: no call waits for another round trip, nor for long after its own answer.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, duplex};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, NoTls, Row, Statement};

/// See the module.
#[derive(Default)]
pub(super) struct Prepared {
    /// `None` until known.
    is_direct: Option<bool>,
    statements: Vec<(Arc<str>, Statement)>,
}

/// What went along with a call.
enum Learned {
    IsDirect(bool),
    Statement(Statement),
}

impl Prepared {
    /// The rows that answer the statement of that very text.
    pub(super) async fn query(
        &mut self,
        client: &Client,
        text: &Arc<str>,
        values: &[&(dyn ToSql + Sync)],
        types: &[Type],
        deadline: Instant,
    ) -> Result<Vec<Row>, Error> {
        if let Some((_, statement)) = self.statements.iter().find(|(known, _)| Arc::ptr_eq(known, text)) {
            match client.query(statement, values).await {
                // Nothing was carried out.
                Err(error) if is_forgotten(&error) => {
                    *self = Prepared { is_direct: Some(false), ..Prepared::default() }
                }
                answered => return answered,
            }
        }
        let typed: Vec<_> = values.iter().copied().zip(types.iter().cloned()).collect();
        if self.is_direct == Some(false) {
            return client.query_typed(text, &typed).await;
        }
        let learning = Box::pin(self.learn(client, text, types));
        let (answered, learned) = alongside(client.query_typed(text, &typed), learning, deadline).await;
        match learned {
            Some(Some(Learned::IsDirect(is_direct))) => self.is_direct = Some(is_direct),
            Some(Some(Learned::Statement(statement))) => self.statements.push((text.clone(), statement)),
            Some(None) => {}
            // A pooler with no connection to spare, or somebody who waits to alter a table: not asked again.
            None => self.is_direct = Some(false),
        }
        answered
    }

    /// Asks what is to be known next. In vain, it is asked again along with the next call.
    async fn learn(&self, client: &Client, text: &str, types: &[Type]) -> Option<Learned> {
        match self.is_direct {
            None => is_direct(client).await.map(Learned::IsDirect),
            Some(_) => client.prepare_typed(text, types).await.ok().map(Learned::Statement),
        }
    }
}

/// Whether the process that answers is the one that the connection was told of at login: a pooler tells of none, or another.
async fn is_direct(client: &Client) -> Option<bool> {
    let row = client.query_typed("SELECT pg_backend_pid()", &[]).await.ok()?.pop()?;
    // Goes to nobody. What would cancel a call is all that says which process was told of.
    let (sent, mut received) = duplex(CANCEL.len() + 8);
    client.cancel_token().cancel_query_raw(sent, NoTls).await.ok()?;
    let mut request = [0; CANCEL.len() + 8];
    received.read_exact(&mut request).await.ok()?;
    let told = request.strip_prefix(&CANCEL)?.first_chunk().copied().map(i32::from_be_bytes)?;
    Some(told == row.try_get::<_, i32>(0).ok()?)
}

/// What a request to cancel begins with: its length, and that it is one.
const CANCEL: [u8; 8] = [0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e];

/// Whether the statement is not, or not any more, what was prepared.
fn is_forgotten(error: &Error) -> bool {
    error.code().is_some_and(|state| {
        [
            SqlState::INVALID_SQL_STATEMENT_NAME,
            SqlState::DUPLICATE_PSTATEMENT,
            SqlState::PROTOCOL_VIOLATION,
            SqlState::FEATURE_NOT_SUPPORTED,
        ]
        .contains(state)
    })
}

/// How long a call that was answered waits for what went along with it.
const PATIENCE: Duration = Duration::from_millis(50);

/// What `call` gives, and `aside`, which is sent right behind it; `None` if that one is late, or the call was answered as
/// its deadline came.
async fn alongside<A, B>(
    call: impl Future<Output = A>,
    aside: impl Future<Output = B>,
    deadline: Instant,
) -> (A, Option<B>) {
    let (mut call, mut aside) = (pin!(call), pin!(aside));
    let mut learned = None;
    let answered = poll_fn(|context| {
        let answered = call.as_mut().poll(context);
        if learned.is_none()
            && let Poll::Ready(output) = aside.as_mut().poll(context)
        {
            learned = Some(output);
        }
        answered
    })
    .await;
    if learned.is_none() {
        learned = timeout_at(deadline.min(Instant::now() + PATIENCE), aside).await.ok();
    }
    (answered, learned)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::runtime::Builder;
    use tokio::time::sleep;

    use super::*;

    #[test]
    fn an_answered_call_does_not_wait_long_for_what_goes_along() {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let late = Instant::now() + Duration::from_secs(60);
            assert_eq!(alongside(ready(1), pending::<u8>(), late).await, (1, None));
            assert_eq!(alongside(ready(1), ready(2), late).await, (1, Some(2)));
            assert_eq!(alongside(sleep(PATIENCE * 2), ready(2), late).await, ((), Some(2)));
            assert_eq!(alongside(ready(1), sleep(PATIENCE / 10), late).await, (1, Some(())));
            let soon = Instant::now() + PATIENCE / 5;
            assert_eq!(timeout_at(soon, alongside(ready(1), pending::<u8>(), soon)).await, Ok((1, None)));
        });
    }
}
