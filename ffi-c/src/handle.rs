//! Handles: numbers that C holds, looked up at each call, never dereferenced.
//!
//! A handle packs a slot, the slot's generation and the kind of thing into the bits of a pointer. A slot's generation
//! grows when its handle is freed, so an old handle is known as closed and can't reach what lives there now. Whoever
//! looks a handle up gets an `Arc`: freeing it meanwhile, on another thread, only means that the last call lets go.
//!
//! Each slot has a lock of its own, so calls on different handles share nothing. Slots live in segments of doubling
//! size that are made when needed and stay: an index leads to its slot without another lock.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};
use sessile::{Clock, Code, Error, Options, Result, Session, Step, Update};

use crate::border::invalid;
use crate::execution::Run;

/// How a store is to be opened. Any thread may use it, one call at a time takes effect.
pub struct sessile_options_t(());
/// A clock that a test sets. Any thread may use it; stores keep what they were opened with.
pub struct sessile_clock_t(());
/// An open store. Any number of threads may use it at once.
pub struct sessile_store_t(());
/// A step: parsed once, run many times, by any number of threads at once.
pub struct sessile_step_t(());
/// One run of a pipeline, or a sub-process of it. Any number of threads may use it at once.
pub struct sessile_execution_t(());
/// A session: named JSON fields. Any number of threads may use it at once.
pub struct sessile_session_t(());
/// A read, change, compare-and-put of one field under way. Any thread may use it; one contender needs one of its own.
pub struct sessile_update_t(());

/// A kind of handle: its C type, its number, and what stands behind it.
pub(crate) trait Kind {
    const NUMBER: usize;
    const NAME: &'static str;
    type Thing: Send + Sync + 'static;
    fn store(thing: Arc<Self::Thing>) -> Thing;
    fn find(thing: &Thing) -> Option<&Arc<Self::Thing>>;
}

macro_rules! kinds {
    ($($number:literal $handle:ident $variant:ident($thing:ty) $name:literal,)*) => {
        /// What a slot holds.
        pub(crate) enum Thing { $($variant(Arc<$thing>),)* }

        $(impl Kind for $handle {
            const NUMBER: usize = $number;
            const NAME: &'static str = $name;
            type Thing = $thing;
            fn store(thing: Arc<$thing>) -> Thing {
                Thing::$variant(thing)
            }
            fn find(thing: &Thing) -> Option<&Arc<$thing>> {
                match thing {
                    Thing::$variant(thing) => Some(thing),
                    _ => None,
                }
            }
        })*

        fn name_of(number: usize) -> Option<&'static str> {
            match number {
                $($number => Some($name),)*
                _ => None,
            }
        }
    };
}

kinds! {
    1 sessile_options_t Options(Mutex<Option<Options>>) "options",
    2 sessile_clock_t Clock(Clock) "clock",
    3 sessile_store_t Store(sessile::Store) "store",
    4 sessile_step_t Step(Step) "step",
    5 sessile_execution_t Execution(Run) "execution",
    6 sessile_session_t Session(Session) "session",
    7 sessile_update_t Update(Update) "update",
}

/// The handle of a new thing.
pub(crate) fn handle<K: Kind>(thing: K::Thing) -> Result<*mut K> {
    let (index, generation) = insert(K::store(Arc::new(thing)))?;
    Ok(std::ptr::without_provenance_mut(pack(K::NUMBER, generation, index)))
}

/// What stands behind a handle.
pub(crate) fn look_up<K: Kind>(handle: *mut K) -> Result<Arc<K::Thing>> {
    let (number, generation, index) = unpack(handle.addr());
    if number != K::NUMBER {
        return Err(other_kind::<K>(handle.addr()));
    }
    let Some(slot) = slot(index) else { return Err(forged::<K>()) };
    let place = slot.read();
    if place.generation != generation {
        return Err(if generation < place.generation { closed::<K>() } else { forged::<K>() });
    }
    match &place.thing {
        Some(thing) => K::find(thing).cloned().ok_or_else(forged::<K>),
        None => Err(forged::<K>()),
    }
}

/// Ends a handle: what stands behind it lives on until the calls that use it return. Anything that is no handle of
/// that kind is left alone.
pub(crate) fn free<K: Kind>(handle: *mut K) {
    let (number, generation, index) = unpack(handle.addr());
    if number != K::NUMBER {
        return;
    }
    let Some(slot) = slot(index) else { return };
    let thing = {
        let mut place = slot.write();
        if place.generation != generation || place.thing.as_ref().and_then(K::find).is_none() {
            return;
        }
        place.generation += 1;
        place.thing.take()
    };
    // A slot that has used up its generations is never used again: no old handle may become valid.
    if generation < LAST_GENERATION {
        FREE.lock().push(index);
    }
    drop(thing);
}

fn other_kind<K: Kind>(address: usize) -> Error {
    let wanted = K::NAME;
    match name_of(unpack(address).0) {
        _ if address == 0 => invalid(format!("the {wanted} handle is NULL")),
        Some(given) => invalid(format!("a {wanted} handle is wanted, this is a {given} handle")),
        None => invalid(format!("this is no {wanted} handle")),
    }
}

fn forged<K: Kind>() -> Error {
    invalid(format!("this is no {} handle that was given out", K::NAME))
}

fn closed<K: Kind>() -> Error {
    Error::new(Code::Closed, format!("this {} handle was freed", K::NAME))
}

// ── the bits ──

#[cfg(target_pointer_width = "64")]
const BITS: (u32, u32) = (28, 32);
#[cfg(target_pointer_width = "32")]
const BITS: (u32, u32) = (16, 12);

const INDEX_BITS: u32 = BITS.0;
const GENERATION_BITS: u32 = BITS.1;
const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;
const GENERATION_MASK: usize = (1 << GENERATION_BITS) - 1;
/// One less than what fits, so that the generation after it still can be told apart.
const LAST_GENERATION: u32 = GENERATION_MASK as u32 - 1;

fn pack(number: usize, generation: u32, index: u32) -> usize {
    (number << (INDEX_BITS + GENERATION_BITS)) | ((generation as usize) << INDEX_BITS) | index as usize
}

fn unpack(bits: usize) -> (usize, u32, u32) {
    let generation = (bits >> INDEX_BITS) & GENERATION_MASK;
    (bits >> (INDEX_BITS + GENERATION_BITS), generation as u32, (bits & INDEX_MASK) as u32)
}

// ── the table ──

struct Place {
    generation: u32,
    thing: Option<Thing>,
}

type Slot = RwLock<Place>;

/// Segment n holds 64·2ⁿ slots.
const FIRST_BITS: u32 = 6;
const SEGMENTS: usize = (INDEX_BITS - FIRST_BITS) as usize;
static TABLE: [OnceLock<Box<[Slot]>>; SEGMENTS] = [const { OnceLock::new() }; SEGMENTS];
/// Slots whose handle was freed.
static FREE: Mutex<Vec<u32>> = Mutex::new(Vec::new());
/// The first slot that was never used.
static FRESH: AtomicU32 = AtomicU32::new(0);

fn segment_of(index: u32) -> (usize, usize) {
    let shifted = index + (1 << FIRST_BITS);
    let segment = shifted.ilog2() - FIRST_BITS;
    (segment as usize, (shifted - (1 << (segment + FIRST_BITS))) as usize)
}

fn slot(index: u32) -> Option<&'static Slot> {
    let (segment, offset) = segment_of(index);
    TABLE.get(segment)?.get()?.get(offset)
}

fn insert(thing: Thing) -> Result<(u32, u32)> {
    let freed = FREE.lock().pop();
    let index = match freed {
        Some(index) => index,
        None => fresh()?,
    };
    let (segment, offset) = segment_of(index);
    let slots = TABLE[segment].get_or_init(|| {
        (0..1usize << (segment as u32 + FIRST_BITS))
            .map(|_| RwLock::new(Place { generation: 1, thing: None }))
            .collect()
    });
    let mut place = slots[offset].write();
    place.thing = Some(thing);
    Ok((index, place.generation))
}

fn fresh() -> Result<u32> {
    let last = (INDEX_MASK + 1 - (1 << FIRST_BITS)) as u32;
    FRESH
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| (next < last).then_some(next + 1))
        .map_err(|_| Error::new(Code::LimitExceeded, format!("{last} handles are open; free some")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use sessile::Time;

    fn clock() -> *mut sessile_clock_t {
        handle::<sessile_clock_t>(Clock::manual(Time::from_secs(0))).unwrap()
    }

    fn code<K: Kind>(handle: *mut K) -> Code {
        look_up(handle).err().unwrap().code()
    }

    #[test]
    fn a_freed_handle_is_closed_even_when_its_slot_lives_again() {
        let first = clock();
        assert!(look_up(first).is_ok());
        free(first);
        assert_eq!(code(first), Code::Closed);
        let others: Vec<_> = (0..100).map(|_| clock()).collect();
        assert_eq!(code(first), Code::Closed);
        free(first);
        for other in others {
            assert!(look_up(other).is_ok());
            free(other);
        }
    }

    #[test]
    fn what_was_never_given_out_is_an_argument_error() {
        let real = clock();
        let bits = real.addr();
        let forgeries = [
            0,
            1,
            usize::MAX,
            bits + (1 << INDEX_BITS),
            bits | INDEX_MASK,
            (bits & !(GENERATION_MASK << INDEX_BITS)) | (GENERATION_MASK << INDEX_BITS),
        ];
        for forged in forgeries {
            let forged = std::ptr::without_provenance_mut::<sessile_clock_t>(forged);
            assert_eq!(code(forged), Code::InvalidArgument, "{:#x}", forged.addr());
            free(forged);
        }
        assert_eq!(code(real.cast::<sessile_store_t>()), Code::InvalidArgument);
        free(real.cast::<sessile_store_t>());
        assert!(look_up(real).is_ok());
        free(real);
    }

    #[test]
    fn segments_hold_every_index_once() {
        let last = (INDEX_MASK - (1 << FIRST_BITS)) as u32;
        assert_eq!(segment_of(0), (0, 0));
        assert_eq!(segment_of(63), (0, 63));
        assert_eq!(segment_of(64), (1, 0));
        assert_eq!(segment_of(191), (1, 127));
        assert_eq!(segment_of(192), (2, 0));
        assert_eq!(segment_of(last).0, SEGMENTS - 1);
    }

    #[test]
    fn a_thing_outlives_its_handle_while_a_call_uses_it() {
        let handle = clock();
        let used = look_up(handle).unwrap();
        free(handle);
        assert_eq!(used.now(), Time::from_secs(0));
        assert_eq!(Arc::strong_count(&used), 1);
    }
}
