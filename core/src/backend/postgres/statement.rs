//! A statement with the values of its parameters, whose types it says itself: nothing has to be prepared or asked for first,
//! and one exchange of messages is all there is.

use std::sync::Arc;

use tokio_postgres::types::{ToSql, Type};

use super::super::network::Repeat;

/// See the module.
pub(super) struct Statement {
    /// "read a session"
    pub(super) doing: &'static str,
    pub(super) text: Arc<str>,
    /// A change's function is told two things more, before these: how long it may wait for others, in milliseconds, and
    /// whether an answer to the same call was lost.
    pub(super) parameters: Vec<Parameter>,
    pub(super) kind: Kind,
}

/// See [`Statement::parameters`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Change(Repeat),
    /// A change that is told nothing more, and may be repeated.
    Sweep,
}

impl Kind {
    pub(super) fn repeat(self) -> Repeat {
        match self {
            Kind::Read | Kind::Sweep => Repeat::Freely,
            Kind::Change(repeat) => repeat,
        }
    }
}

/// A parameter, and so its type.
#[derive(Debug)]
pub(super) enum Parameter {
    Flag(bool),
    Number(i64),
    Bytes(Option<Vec<u8>>),
    Numbers(Option<Vec<Option<i64>>>),
    Blobs(Option<Vec<Option<Vec<u8>>>>),
}

impl Parameter {
    pub(super) fn bytes(bytes: impl AsRef<[u8]>) -> Parameter {
        Parameter::Bytes(Some(bytes.as_ref().to_vec()))
    }

    pub(super) fn as_sql(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Parameter::Flag(flag) => (flag, Type::BOOL),
            Parameter::Number(number) => (number, Type::INT8),
            Parameter::Bytes(bytes) => (bytes, Type::BYTEA),
            Parameter::Numbers(numbers) => (numbers, Type::INT8_ARRAY),
            Parameter::Blobs(blobs) => (blobs, Type::BYTEA_ARRAY),
        }
    }
}

/// The texts, for one schema.
pub(super) struct Texts {
    pub(super) schema: String,
    pub(super) read: Arc<str>,
    pub(super) read_cells: Arc<str>,
    pub(super) find: Arc<str>,
    pub(super) page: Arc<str>,
    pub(super) ids: Arc<str>,
    pub(super) user: Arc<str>,
    pub(super) page_users: Arc<str>,
    pub(super) read_meta: Arc<str>,
    pub(super) apply: Arc<str>,
    pub(super) replace: Arc<str>,
    pub(super) sweep: Arc<str>,
    pub(super) apply_meta: Arc<str>,
    pub(super) format: Arc<str>,
}

/// What everybody who makes tables locks, whatever their schema.
const LOCK: i64 = 8_314_046_679;

const READ: &str = "\
SELECT s.head, s.touch, coalesce(s.version, 0), s.updated, coalesce(s.size, 0), coalesce(s.count, 0), u.generation, \
u.sealed, c.cells, c.sealed \
FROM (\
SELECT array_agg(c.cell) AS cells, array_agg(c.sealed) AS sealed FROM @S@.cell c \
WHERE c.space = $1 AND c.id = $2 AND ($3 IS NULL OR c.cell = ANY($3))) c \
LEFT JOIN @S@.session s ON s.space = $1 AND s.id = $2 \
LEFT JOIN @S@.user_record u ON u.space = $1 AND u.blind = $4";

/// Of a few cells and no user: a row for each is cheaper than arrays of them.
const READ_CELLS: &str = "\
SELECT s.head, s.touch, s.version, s.updated, s.size, s.count, c.cell, c.sealed \
FROM @S@.session s \
LEFT JOIN @S@.cell c ON c.space = $1 AND c.id = $2 AND c.cell = ANY($3) \
WHERE s.space = $1 AND s.id = $2";

const FIND: &str = "\
SELECT u.generation, u.sealed, l.ids, l.heads, l.touches, s.head, s.touch, o.blind \
FROM (SELECT 1) one \
LEFT JOIN @S@.session s ON s.space = $1 AND s.id = $2 \
LEFT JOIN LATERAL (\
SELECT l.blind FROM @S@.listing l WHERE l.space = $1 AND l.id = $2 ORDER BY l.blind LIMIT 1) o ON true \
LEFT JOIN @S@.user_record u ON u.space = $1 AND u.blind = o.blind \
LEFT JOIN LATERAL (\
SELECT array_agg(l.id ORDER BY l.id) AS ids, array_agg(s.head ORDER BY l.id) AS heads, \
array_agg(s.touch ORDER BY l.id) AS touches \
FROM @S@.listing l LEFT JOIN @S@.session s ON s.space = l.space AND s.id = l.id \
WHERE l.space = $1 AND l.blind = o.blind) l ON true";

const PAGE: &str = "\
SELECT l.blind, l.id, s.head, s.touch FROM @S@.listing l LEFT JOIN @S@.session s ON s.space = l.space AND s.id = l.id \
WHERE l.space = $1 AND ($2 IS NULL OR l.blind = $2) AND (l.blind, l.id) > ($3, $4) ORDER BY l.blind, l.id LIMIT $5";

const IDS: &str = "SELECT s.id FROM @S@.session s WHERE s.space = $1 AND s.id > $2 ORDER BY s.id LIMIT $3";

const USER: &str = "\
SELECT u.generation, u.sealed, l.ids, l.heads, l.touches \
FROM (SELECT 1) one \
LEFT JOIN @S@.user_record u ON u.space = $1 AND u.blind = $2 \
LEFT JOIN LATERAL (\
SELECT array_agg(l.id ORDER BY l.id) AS ids, array_agg(s.head ORDER BY l.id) AS heads, \
array_agg(s.touch ORDER BY l.id) AS touches \
FROM @S@.listing l LEFT JOIN @S@.session s ON s.space = l.space AND s.id = l.id \
WHERE l.space = $1 AND l.blind = $2) l ON true";

const PAGE_USERS: &str = "\
SELECT u.blind, u.generation, u.sealed FROM @S@.user_record u \
WHERE u.space = $1 AND u.blind > $2 ORDER BY u.blind LIMIT $3";

impl Texts {
    /// `schema`: a name that was checked.
    pub(super) fn new(schema: &str) -> Texts {
        let quoted = format!("\"{schema}\"");
        let of = |text: &str| Arc::from(text.replace("@S@", &quoted));
        let call = |function: &str, parameters: usize| {
            let numbers: Vec<String> = (1..=parameters).map(|number| format!("${number}")).collect();
            of(&format!("SELECT * FROM @S@.{function}({})", numbers.join(", ")))
        };
        Texts {
            schema: schema.to_owned(),
            read: of(READ),
            read_cells: of(READ_CELLS),
            find: of(FIND),
            page: of(PAGE),
            ids: of(IDS),
            user: of(USER),
            page_users: of(PAGE_USERS),
            read_meta: of("SELECT m.value FROM @S@.meta m WHERE m.key = $1"),
            apply: call("apply_1", super::arguments::COUNT),
            replace: call("replace_1", 8),
            sweep: call("sweep_1", 2),
            apply_meta: call("apply_meta_1", 5),
            format: of("SELECT f.version FROM @S@.format f"),
        }
    }

    /// Begins a transaction that only one can be in at a time.
    pub(super) fn lock_migrations(&self) -> String {
        format!("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({LOCK})")
    }

    /// What makes the tables and functions where there are none, and ends that transaction.
    pub(super) fn migration(&self) -> String {
        let parts = [
            include_str!("sql/schema.sql"),
            include_str!("sql/lock.sql"),
            include_str!("sql/apply.sql"),
            include_str!("sql/others.sql"),
        ];
        parts.concat().replace("@S@", &format!("\"{}\"", self.schema)).replace("@NAME@", &self.schema)
    }
}
