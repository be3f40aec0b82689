//! What a config's schema and selector ask of a change, decided before anything is sealed.

use super::change::Plan;
use crate::clock::Time;
use crate::config::{Definition, Schema, Selector};
use crate::error::{Result, fail};
use crate::json::{self, FieldName, Fields, Json};
use crate::limits::Limits;
use crate::session::field::Field;
use crate::vault::Identifier;

/// What the session holds before the change, as far as it matters.
pub(super) enum Stored {
    /// No life yet: the change makes it.
    Nothing,
    /// Fields that satisfy the schema, whatever they are: a separable schema looks at those of the change alone.
    Unread,
    /// All fields.
    Read(Vec<(FieldName, Field)>),
}

/// Refuses a plan that would leave the session breaking its schema, or naming another user: `SCHEMA_VIOLATION`,
/// `SELECTOR_MISMATCH`. Fills in the selector's field where a plan leaves it out.
pub(super) fn vet(definition: &Definition, identifier: &Identifier, plan: &mut Plan, stored: Stored) -> Result<()> {
    let Some(given) = &definition.schema else { return Ok(()) };
    if let Some(selector) = &definition.selector {
        fill(selector, identifier, plan, matches!(stored, Stored::Nothing))?;
    }
    let after = match stored {
        Stored::Nothing => Some(after(Vec::new(), plan)),
        Stored::Unread => None,
        Stored::Read(fields) => Some(after(fields, plan)),
    };
    let object = after.as_deref().map(object);
    match &object {
        Some(object) => given.schema.check(object)?,
        None => given.schema.check_fields(plan.put.iter().map(|(name, value, _)| (name, value)))?,
    }
    keep_required(&given.schema, plan)?;
    if let Some(selector) = &definition.selector {
        keep_user(selector, identifier, plan, object.as_deref())?;
    }
    match after {
        Some(after) if definition.is_whole() => keep_valid(&given.schema, after),
        _ => Ok(()),
    }
}

type Member = (FieldName, Json, Option<Time>);

/// The session's fields as they will be.
fn after(stored: Vec<(FieldName, Field)>, plan: &Plan) -> Vec<Member> {
    let kept =
        |name: &FieldName| !plan.clear && !plan.delete.contains(name) && plan.put.iter().all(|(put, _, _)| put != name);
    let old = stored.into_iter().filter(|(name, _)| kept(name)).map(|(name, field)| (name, field.value, field.expires));
    old.chain(plan.put.iter().cloned()).collect()
}

/// These fields as the session's object.
fn object(fields: &[Member]) -> String {
    fields.iter().map(|(name, value, _)| (name.clone(), value.clone())).collect::<Fields>().to_json()
}

/// Whenever fields reach their end, what is left satisfies the schema too: it speaks of fields together.
fn keep_valid(schema: &Schema, mut fields: Vec<Member>) -> Result<()> {
    while let Some(next) = fields.iter().filter_map(|(_, _, expires)| *expires).min() {
        fields.retain(|(_, _, expires)| *expires != Some(next));
        schema.check(&object(&fields))?;
    }
    Ok(())
}

/// A field that the schema requires is neither deleted nor given an end.
fn keep_required(schema: &Schema, plan: &Plan) -> Result<()> {
    let is_put = |name: &&FieldName| plan.put.iter().any(|(put, _, _)| put == *name);
    let deleted = plan.delete.iter().filter(|name| !is_put(name));
    let passing = plan.put.iter().filter(|(_, _, expires)| expires.is_some()).map(|(name, _, _)| name);
    schema.check_delete(deleted.chain(passing))?;
    if plan.clear {
        let required: Vec<FieldName> = schema.required().map(FieldName::stored).collect();
        schema.check_delete(required.iter().filter(|name| !is_put(name)))?;
    }
    Ok(())
}

/// Puts the identifier where the selector looks for it and nothing is: in a field that the plan puts, or that a new
/// life begins with.
fn fill(selector: &Selector, identifier: &Identifier, plan: &mut Plan, begins: bool) -> Result<()> {
    let names = selector.path().names();
    let Some((root, below)) = names.split_first() else { return Ok(()) };
    let put = plan.put.iter_mut().find(|(name, _, _)| name.as_str() == root);
    match put {
        Some((_, value, _)) if !below.is_empty() => {
            if let Some(filled) = filled(value.as_str(), below, identifier)? {
                *value = Json::checked(&filled);
            }
        }
        None if begins => {
            let value = below.iter().rev().fold(identifier.to_json(), |inner, name| {
                let mut object = String::from("{");
                json::push_quoted(&mut object, name);
                object.push(':');
                object + &inner + "}"
            });
            plan.put.push((FieldName::stored(root), Json::checked(&value), None));
        }
        _ => {}
    }
    Ok(())
}

/// `value` with the identifier at the end of the path, if its objects go all the way there and only that is missing.
fn filled(value: &str, below: &[String], identifier: &Identifier) -> Result<Option<String>> {
    let pointer: String = below.iter().flat_map(|name| ["/".into(), json::pointer::escape(name)]).collect();
    let (parent, _) = pointer.rsplit_once('/').unwrap_or_default();
    let is_object = json::pointer::get(value, parent)?.is_some_and(|parent| parent.starts_with('{'));
    if !is_object || json::pointer::get(value, &pointer)?.is_some() {
        return Ok(None);
    }
    json::pointer::put(value, &pointer, &identifier.to_json(), &Limits::default()).map(Some)
}

/// The selector's field goes on naming the session's user.
fn keep_user(selector: &Selector, identifier: &Identifier, plan: &Plan, after: Option<&str>) -> Result<()> {
    let Some(root) = selector.path().names().first() else { return Ok(()) };
    let put = plan.put.iter().find(|(name, _, _)| name.as_str() == root);
    let picked = match (after, put) {
        (_, Some((_, _, Some(_)))) => selector.pick("{}")?,
        (Some(after), _) => selector.pick(after)?,
        (None, Some((name, value, _))) => {
            selector.pick(&Fields::from(vec![(name.clone(), value.clone())]).to_json())?
        }
        (None, None) if plan.clear || plan.delete.iter().any(|name| name.as_str() == root) => selector.pick("{}")?,
        (None, None) => return Ok(()),
    };
    if picked == *identifier {
        return Ok(());
    }
    Err(fail!(SelectorMismatch, "{selector} does not name the user whose session this is; nothing was stored")
        .with("selector", selector.to_string()))
}
