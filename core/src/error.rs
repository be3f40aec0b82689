//! The taxonomy of errors: every code that any language can meet, with its number, category and whether a repeat may help.
//!
//! Codes are split only where a caller would act differently. Messages say what was given, what was wanted and what to
//! do next; they never hold a token, a key or a value. `docs/errors.md`, the C header, the Python classes and the
//! TypeScript union are tested against [`Code::ALL`].

use std::fmt;

use serde_json::{Map, Value};

/// What every fallible call of this crate gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who can do something about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// The call itself was wrong: mend the caller.
    Caller,
    /// The call was right, the stored state says no.
    State,
    /// The proof of identity is missing or not good.
    Identity,
    /// Keys or stored bytes are not what they must be: a human has to look.
    Data,
    /// The backend could not serve: a repeat may succeed.
    Backend,
    /// A fault of this library.
    Internal,
}

impl Category {
    /// The category's name as bindings and docs print it.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::Caller => "caller",
            Category::State => "state",
            Category::Identity => "identity",
            Category::Data => "data",
            Category::Backend => "backend",
            Category::Internal => "internal",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal $name:literal $category:ident,)*) => {
        /// A stable error code: the number is the C status, the name is what people read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i32)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $variant = $number,)* }

        impl Code {
            /// Every code, by number.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The stable name, `UPPER_SNAKE`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// Who can do something about it.
            pub fn category(self) -> Category {
                match self { $(Code::$variant => Category::$category,)* }
            }
        }
    };
}

codes! {
    /// An argument has the wrong type, range or form.
    InvalidArgument = 1 "INVALID_ARGUMENT" Caller,
    /// Text that should be JSON is not (or a step's name occurs twice in the message).
    InvalidJson = 2 "INVALID_JSON" Caller,
    /// A step has an unknown member or a member of a wrong kind.
    InvalidStep = 3 "INVALID_STEP" Caller,
    /// GET and PUT need a JSON object as message.
    MessageNotObject = 4 "MESSAGE_NOT_OBJECT" Caller,
    /// A size, depth, count or number is beyond a limit; nothing was stored.
    LimitExceeded = 5 "LIMIT_EXCEEDED" Caller,
    /// A session configuration is not valid.
    ConfigInvalid = 6 "CONFIG_INVALID" Caller,
    /// The store, execution or sub-process has ended.
    Closed = 7 "CLOSED" Caller,
    /// This process was forked from one that had the store open, without the fork hooks.
    Forked = 8 "FORKED" Caller,
    /// This build, platform or file cannot do that.
    Unsupported = 9 "UNSUPPORTED" Caller,

    /// The thing named does not exist.
    NotFound = 20 "NOT_FOUND" State,
    /// The thing to be made exists already.
    AlreadyExists = 21 "ALREADY_EXISTS" State,
    /// Somebody else changed it first.
    Conflict = 22 "CONFLICT" State,
    /// The backend shows an older state than this process has already seen.
    Stale = 23 "STALE" State,
    /// The session has reached its end.
    SessionExpired = 24 "SESSION_EXPIRED" State,
    /// The session was ended or revoked.
    SessionRevoked = 25 "SESSION_REVOKED" State,
    /// The data does not satisfy the configuration's schema.
    SchemaViolation = 26 "SCHEMA_VIOLATION" State,
    /// The selector's field does not name this session's user.
    SelectorMismatch = 27 "SELECTOR_MISMATCH" State,
    /// The user has as many sessions as the configuration allows.
    QuotaExceeded = 28 "QUOTA_EXCEEDED" State,
    /// The store was opened for reading only.
    ReadOnly = 29 "READ_ONLY" State,

    /// The trigger, its security or the token is missing, or the token names another session.
    GlobalNotAllowed = 40 "GLOBAL_NOT_ALLOWED" Identity,
    /// The token is not a well-formed compact JWS.
    TokenMalformed = 41 "TOKEN_MALFORMED" Identity,
    /// The signature does not verify.
    TokenSignature = 42 "TOKEN_SIGNATURE" Identity,
    /// `exp` is past.
    TokenExpired = 43 "TOKEN_EXPIRED" Identity,
    /// `nbf` or `iat` is in the future.
    TokenNotYet = 44 "TOKEN_NOT_YET" Identity,
    /// A required claim is missing, of a wrong type, or not acceptable.
    TokenClaims = 45 "TOKEN_CLAIMS" Identity,
    /// The issuer, key or algorithm is not one this store trusts.
    TokenUntrusted = 46 "TOKEN_UNTRUSTED" Identity,
    /// The token, its issuer or its user was revoked.
    TokenRevoked = 47 "TOKEN_REVOKED" Identity,
    /// A refresh token was used twice: the session was ended.
    RefreshReused = 48 "REFRESH_REUSED" Identity,

    /// This backend needs a keyring.
    KeyRequired = 60 "KEY_REQUIRED" Data,
    /// The keyring cannot be used; the message says why.
    KeyringInvalid = 61 "KEYRING_INVALID" Data,
    /// What was read was sealed with a key that this keyring lacks.
    KeyUnavailable = 62 "KEY_UNAVAILABLE" Data,
    /// The keyring has other bytes for a key id this store already knows.
    KeyMismatch = 63 "KEY_MISMATCH" Data,
    /// What was read was sealed with a key that has been revoked.
    KeyRevoked = 64 "KEY_REVOKED" Data,
    /// A stored record was damaged or tampered with.
    Corrupt = 65 "CORRUPT" Data,
    /// The file or record was written by a newer format.
    FormatTooNew = 66 "FORMAT_TOO_NEW" Data,

    /// The backend cannot be reached.
    Unavailable = 80 "UNAVAILABLE" Backend,
    /// The deadline passed.
    Timeout = 81 "TIMEOUT" Backend,
    /// The backend was held by somebody else until the deadline.
    Busy = 82 "BUSY" Backend,
    /// Reading or writing failed.
    Io = 83 "IO" Backend,

    /// A panic was caught at the border; please report it.
    Panic = 120 "PANIC" Internal,
    /// A fault of this library; please report it.
    Internal = 121 "INTERNAL" Internal,
}

impl Code {
    /// Whether the same call may succeed later, unchanged.
    pub fn retryable(self) -> bool {
        self.category() == Category::Backend
    }

    /// The stable number; the status of every C call.
    pub fn number(self) -> i32 {
        self as i32
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error: a [`Code`], a message for people, and details for programs.
#[derive(Clone)]
pub struct Error(Box<Repr>);

#[derive(Clone)]
struct Repr {
    code: Code,
    message: String,
    details: Map<String, Value>,
    /// Whether it became an audit event already.
    told: bool,
}

impl Error {
    /// An error with a message that says what was wrong with this input and what to do next.
    pub fn new(code: Code, message: impl Into<String>) -> Error {
        Error(Box::new(Repr { code, message: message.into(), details: Map::new(), told: false }))
    }

    /// The same error with one more member in its details (`camelCase`, never a secret).
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Error {
        self.0.details.insert(name.to_owned(), value.into());
        self
    }

    /// The same error, its message led by where it happened: `step "Load cart": …`.
    pub fn at(mut self, place: impl fmt::Display) -> Error {
        self.0.message = format!("{place}: {}", self.0.message);
        self
    }

    /// The same error, of which watchers know.
    pub(crate) fn told(mut self) -> Error {
        self.0.told = true;
        self
    }

    pub(crate) fn is_told(&self) -> bool {
        self.0.told
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The message, for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether the same call may succeed later, unchanged.
    pub fn retryable(&self) -> bool {
        self.0.code.retryable()
    }

    /// The details, for programs; member names are stable.
    pub fn details(&self) -> &Map<String, Value> {
        &self.0.details
    }

    /// The details as JSON text; `{}` when there are none.
    pub fn details_json(&self) -> String {
        Value::Object(self.0.details.clone()).to_string()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0.code.name())
            .field("message", &self.0.message)
            .field("details", &self.0.details)
            .finish()
    }
}

impl std::error::Error for Error {}

/// Shorthand for the constructors used all over the crate: `fail!(Closed, "the {} has ended", what)`.
macro_rules! fail {
    ($code:ident, $($message:tt)+) => {
        $crate::error::Error::new($crate::error::Code::$code, format!($($message)+))
    };
}
pub(crate) use fail;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_category() {
        for code in Code::ALL {
            let expected = match code.number() {
                1..=19 => Category::Caller,
                20..=39 => Category::State,
                40..=59 => Category::Identity,
                60..=79 => Category::Data,
                80..=99 => Category::Backend,
                _ => Category::Internal,
            };
            assert_eq!(code.category(), expected, "{code}");
        }
    }

    #[test]
    fn numbers_and_names_are_unique() {
        for (i, a) in Code::ALL.iter().enumerate() {
            for b in &Code::ALL[i + 1..] {
                assert_ne!(a.number(), b.number());
                assert_ne!(a.name(), b.name());
            }
        }
    }
}
