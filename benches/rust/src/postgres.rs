//! A session on a PostgreSQL, beside tokio-postgres with a prepared statement on a row of the same size. Its connection
//! lives on another thread, as a store's does.

use tokio::runtime::Builder;
use tokio_postgres::NoTls;

use crate::Outcome;
use crate::bench::Bench;
use crate::global::ROW;
use crate::ours::{fill, open};
use crate::store::blob;

const SESSIONS: usize = 2_000;

pub fn run(bench: &Bench) -> Outcome {
    let Some(url) = bench.plan.postgres.as_deref().filter(|_| bench.plan.wants("rust.postgres")) else { return Ok(()) };
    let (payloads, sessions) = (&bench.payloads, SESSIONS.min(bench.plan.sessions));
    let ours =
        fill(open(&bench.plan, url, "postgres", r#", "workspace": "rust""#)?, payloads.small.get(), sessions, 1)?;
    let (names, changed) = (payloads.read(), payloads.changed.as_str());
    let key = move |n| payloads.key(n, sessions);

    let there = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let here = Builder::new_current_thread().enable_all().build()?;
    let row = vec![7_u8; ROW];
    let (client, select, upsert) = there.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute("CREATE TABLE bare(key bytea PRIMARY KEY, version bigint NOT NULL, cells bytea NOT NULL)").await?;
        let select = client.prepare("SELECT version, cells FROM bare WHERE key = $1").await?;
        let upsert = client
            .prepare(
                "INSERT INTO bare VALUES($1, 1, $2) ON CONFLICT(key) DO UPDATE SET version = bare.version + 1, cells = excluded.cells",
            )
            .await?;
        for user in 0..sessions {
            client.execute(&upsert, &[&blob(user), &row]).await?;
        }
        Ok::<_, tokio_postgres::Error>((client, select, upsert))
    })?;
    if bench.plan.wants("rust.postgres.get") {
        let mut group = bench.group("rust.postgres.get");
        group.add("sessile get of 3 fields", |n| ours.session(key(n)).get_many(&names).wait().expect("fields"));
        group.add("tokio-postgres bare select", |n| {
            let row = here.block_on(client.query_one(&select, &[&blob(key(n))])).expect("a row");
            row.get::<_, Vec<u8>>(1)
        });
        group.run();
    }
    if bench.plan.wants("rust.postgres.put") {
        let mut group = bench.group("rust.postgres.put");
        group.add("sessile put of 1 field", |n| {
            ours.session(key(n)).put_one(changed, &n.to_string(), None).wait().expect("a put");
        });
        group.add("tokio-postgres bare upsert", |n| {
            here.block_on(client.execute(&upsert, &[&blob(key(n)), &row])).expect("an upsert")
        });
        group.run();
    }
    ours.store.close().wait()?;
    Ok(())
}
