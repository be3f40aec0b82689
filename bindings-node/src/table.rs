//! The objects of the core that JavaScript holds, by number.

use sessile::{Clock, Error, Execution, Result, Session, Step, Store, Update, VerifiedToken};

/// What a handle stands for.
pub enum Entry {
    Store(Store),
    Execution(Execution),
    Session(Session),
    Step(Step),
    Clock(Clock),
    Token(VerifiedToken),
    Update(Update),
}

/// A handle: an index into the table, used again after its release.
pub type Handle = u32;

/// One environment's handles. The façade releases a handle when nothing in JavaScript can name it any more.
#[derive(Default)]
pub struct Table {
    entries: Vec<Option<Entry>>,
    free: Vec<Handle>,
}

impl Table {
    pub fn insert(&mut self, entry: Entry) -> Handle {
        match self.free.pop() {
            Some(handle) => {
                self.entries[handle as usize] = Some(entry);
                handle
            }
            None => {
                self.entries.push(Some(entry));
                (self.entries.len() - 1) as Handle
            }
        }
    }

    pub fn remove(&mut self, handle: Handle) -> Option<Entry> {
        let entry = self.entries.get_mut(handle as usize)?.take();
        if entry.is_some() {
            self.free.push(handle);
        }
        entry
    }

    pub fn take_all(&mut self) -> Table {
        std::mem::take(self)
    }

    fn entry(&self, handle: Handle) -> Result<&Entry> {
        self.entries.get(handle as usize).and_then(Option::as_ref).ok_or_else(unknown)
    }
}

fn unknown() -> Error {
    Error::new(sessile::Code::InvalidArgument, "this object is not one that sessile made")
}

macro_rules! lookups {
    ($($name:ident $variant:ident $of:ty,)*) => {
        impl Table {
            $(pub fn $name(&self, handle: Handle) -> Result<&$of> {
                match self.entry(handle)? {
                    Entry::$variant(found) => Ok(found),
                    _ => Err(unknown()),
                }
            })*
        }
    };
}

lookups! {
    store Store Store,
    execution Execution Execution,
    session Session Session,
    step Step Step,
    clock Clock Clock,
    token Token VerifiedToken,
    update Update Update,
}
