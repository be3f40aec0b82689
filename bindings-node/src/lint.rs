//! The linter.

use crate::border::Exports;
use crate::reply::Value;

pub fn export(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("lint", |call| call.now(Value::Text(sessile::lint(&call.text(0)?)?)))
}
