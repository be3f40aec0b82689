//! The native module of the Python package `sessile`: JSON text in, JSON text out.
//!
//! Values, dates and sugar are the business of `python/sessile/`; sessions are the core's. What is here converts
//! arguments, lets go of the interpreter while the core waits, and turns errors into exceptions.

mod arguments;
mod clock;
mod configs;
mod error;
mod events;
mod execution;
mod fork;
mod keyring;
mod lint;
mod receiver;
mod session;
mod sessions;
mod step;
mod store;
mod task;
mod token;

/// The native half of `sessile`; private, its shape may change with any release.
#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use crate::clock::Clock;
    #[pymodule_export]
    use crate::configs::{Configs, selector_options};
    #[pymodule_export]
    use crate::error::codes;
    #[pymodule_export]
    use crate::execution::Execution;
    #[pymodule_export]
    use crate::fork::{after_fork, before_fork};
    #[pymodule_export]
    use crate::keyring::{
        add_key, describe_keyring, drop_key, generate_keyring, generate_keyring_json, promote_key, retire_key,
        revoke_key,
    };
    #[pymodule_export]
    use crate::lint::lint;
    #[pymodule_export]
    use crate::receiver::{Pending, Receiver};
    #[pymodule_export]
    use crate::session::{Session, Update};
    #[pymodule_export]
    use crate::sessions::Sessions;
    #[pymodule_export]
    use crate::step::Step;
    #[pymodule_export]
    use crate::store::Store;
    #[pymodule_export]
    use crate::token::VerifiedToken;
}
