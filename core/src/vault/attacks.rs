//! What someone who can write the backend tries: damage, lengthen, shorten and move sealed cells.

use std::sync::Arc;

use super::fixture::{code, keyring, keyring_of, namespace, vault, vault_of};
use super::{ConfigVault, Entropy, Head, HeadState, Identifier, Life, Namespace, Owner, User, Vault};
use crate::backend::{BlindUser, CellId, SealedField, StorageId};
use crate::clock::Time;
use crate::error::{Code, Result};

const CONFIG: [u8; 16] = [9; 16];
const ID: StorageId = [3; 17];
const LIFE: Life = [4; 16];
const STAMP: [u8; 16] = [5; 16];
const EXPIRES: Option<Time> = Some(Time::from_millis(1_800_000_000_000));
const USER: BlindUser = [6; 16];

/// One cell of each kind, and how each is opened from bytes under a vault.
struct Cells {
    head: Box<[u8]>,
    field: Box<[u8]>,
    cell: CellId,
    user: Box<[u8]>,
    definition: Box<[u8]>,
    checkpoint: Vec<u8>,
}

fn config(vault: &Vault) -> Arc<ConfigVault> {
    vault.config("user_session", &CONFIG)
}

fn head() -> Head {
    Head {
        life: LIFE,
        state: HeadState::Alive,
        not_before: None,
        began: Time::from_secs(1_700_000_000),
        ends: Some(Time::from_secs(1_800_000_000)),
        idle: Some(60_000),
        config_version: 3,
        refresh_counter: 0,
        refresh_time: None,
        owner: Owner::plain("https://issuer.example", &Identifier::String("u1".into())),
    }
}

fn user() -> User {
    let owner = Owner::plain("r", &Identifier::Integer(1));
    User { owner, first_seen: Time::from_secs(1), last_end: None, begun: 1, until: None }
}

fn sealed(vault: &Vault) -> Cells {
    let (config, mut entropy) = (config(vault), Entropy::fixed(1));
    let (cell, field) = config
        .field_seals(None, &ID, &LIFE)
        .seal("cart", r#"{"items":[1,2,3]}"#, EXPIRES, STAMP, &mut entropy)
        .unwrap();
    Cells {
        head: config.seal_head(&ID, &head(), &mut entropy).unwrap()[..].into(),
        field: field.0,
        cell,
        user: config.seal_user(&USER, &user(), &mut entropy).unwrap(),
        definition: vault.catalog().seal(&ID, r#"{"version":1}"#).unwrap(),
        checkpoint: vault.seal_checkpoint(b"{}").unwrap(),
    }
}

fn open_field(vault: &Vault, id: &StorageId, life: &Life, cell: &CellId, bytes: &[u8]) -> Result<()> {
    config(vault).field_seals(None, id, life).open(cell, None, &SealedField(bytes.into())).map(drop)
}

type Opener<'a> = (&'static str, &'a [u8], Box<dyn Fn(&[u8]) -> Result<()> + 'a>);

/// Every kind of cell, opened where it belongs.
fn openers<'a>(vault: &'a Vault, cells: &'a Cells) -> Vec<Opener<'a>> {
    vec![
        ("head", &cells.head, Box::new(|bytes| config(vault).open_head(&ID, bytes).map(drop))),
        ("field", &cells.field, Box::new(|bytes| open_field(vault, &ID, &LIFE, &cells.cell, bytes))),
        ("user", &cells.user, Box::new(|bytes| config(vault).open_user(&USER, bytes).map(drop))),
        ("definition", &cells.definition, Box::new(|bytes| vault.catalog().open(&ID, bytes).map(drop))),
        ("checkpoint", &cells.checkpoint, Box::new(|bytes| vault.open_checkpoint(bytes).map(drop))),
    ]
}

#[test]
fn every_flipped_bit_is_found() {
    let vault = vault(&[(1, "primary")]);
    let cells = sealed(&vault);
    for (kind, cell, open) in openers(&vault, &cells) {
        open(cell).unwrap();
        for bit in 0..cell.len() * 8 {
            let mut flipped = cell.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let expected = match bit / 8 {
                0 if flipped[0] > 1 => Code::FormatTooNew,
                1..5 => Code::KeyUnavailable,
                _ => Code::Corrupt,
            };
            assert_eq!(code(open(&flipped)), expected, "{kind}, bit {bit}");
        }
    }
}

#[test]
fn every_other_length_is_found() {
    let vault = vault(&[(1, "primary")]);
    let cells = sealed(&vault);
    for (kind, cell, open) in openers(&vault, &cells) {
        for length in 0..cell.len() {
            assert_eq!(code(open(&cell[..length])), Code::Corrupt, "{kind}, {length} bytes");
            assert!(open(&cell[length + 1..]).is_err(), "{kind}, without its first bytes up to {length}");
        }
        for byte in 0..=255 {
            assert_eq!(code(open(&[cell, &[byte]].concat())), Code::Corrupt, "{kind}, with {byte} after it");
        }
    }
}

#[test]
fn a_cell_opens_as_no_other_kind() {
    let vault = vault(&[(1, "primary")]);
    let cells = sealed(&vault);
    for (kind, cell, _) in openers(&vault, &cells) {
        for (other, _, open) in openers(&vault, &cells) {
            if kind != other {
                assert_eq!(code(open(cell)), Code::Corrupt, "{kind} as {other}");
            }
        }
    }
}

#[test]
fn a_cell_opens_nowhere_else() {
    let at = |tag: &str, config: [u8; 16], [workspace, product, env]: [&str; 3], index: u8| {
        let namespace = Namespace::new(workspace, product, env).unwrap();
        vault_of(keyring_of(&[(1, "primary")], index), namespace).config(tag, &config)
    };
    let here = ["default", "shop", "prd"];
    let table = [
        ("workspace", at("user_session", CONFIG, ["other", "shop", "prd"], 0xEE)),
        ("product", at("user_session", CONFIG, ["default", "other", "prd"], 0xEE)),
        ("env", at("user_session", CONFIG, ["default", "shop", "dev"], 0xEE)),
        ("product and env swapped", at("user_session", CONFIG, ["default", "prd", "shop"], 0xEE)),
        ("a border moved", at("user_session", CONFIG, ["defaults", "hop", "prd"], 0xEE)),
        ("tag", at("other", CONFIG, here, 0xEE)),
        ("config id", at("user_session", [8; 16], here, 0xEE)),
    ];
    let home = vault(&[(1, "primary")]);
    let cells = sealed(&home);
    for (what, other) in table {
        assert_eq!(code(other.open_head(&ID, &cells.head)), Code::Corrupt, "{what}: head");
        assert_eq!(code(other.open_user(&USER, &cells.user)), Code::Corrupt, "{what}: user");
        for cell in [cells.cell, other.cell_id(&ID, "cart")] {
            let field = SealedField(cells.field.clone());
            assert_eq!(
                code(other.field_seals(None, &ID, &LIFE).open(&cell, None, &field)),
                Code::Corrupt,
                "{what}: field"
            );
        }
        let touch = config(&home).seal_touch(&ID, &LIFE, Time::from_secs(1));
        assert_eq!(other.open_touch(&ID, &LIFE, &touch), None, "{what}: touch");
        assert_ne!(other.space(), config(&home).space(), "{what}: space");
    }
    let elsewhere = vault_of(keyring(&[(1, "primary")]), Namespace::new("default", "shop", "dev").unwrap());
    assert_eq!(code(elsewhere.open_checkpoint(&cells.checkpoint)), Code::Corrupt);
    assert_eq!(code(elsewhere.catalog().open(&ID, &cells.definition)), Code::Corrupt);
    assert_ne!(elsewhere.catalog().place("shop"), home.catalog().place("shop"));
    assert_ne!(elsewhere.catalog().space(), home.catalog().space());
    assert_eq!(
        code(home.catalog().open(&home.catalog().place("shop"), &cells.definition)),
        Code::Corrupt,
        "another tag's"
    );
}

#[test]
fn a_key_id_cannot_be_edited() {
    let (one, two) = (vault(&[(1, "primary"), (2, "pending")]), vault(&[(1, "retired"), (2, "primary")]));
    for (sealer, key, other) in [(&one, 1, 2), (&two, 2, 1)] {
        let cells = sealed(sealer);
        for (kind, cell, open) in openers(sealer, &cells) {
            assert_eq!(cell[4], key, "{kind}");
            let mut edited = cell.to_vec();
            edited[4] = other;
            assert_eq!(code(open(&edited)), Code::Corrupt, "{kind}: that key is here, and did not seal it");
            edited[4] = 3;
            assert_eq!(code(open(&edited)), Code::KeyUnavailable, "{kind}");
        }
    }
}

#[test]
fn a_stamp_of_another_version_does_not_fit() {
    let vault = vault(&[(1, "primary")]);
    let config = config(&vault);
    let put = |value: &str, stamp| {
        config.field_seals(None, &ID, &LIFE).seal("cart", value, EXPIRES, stamp, &mut Entropy::draw().unwrap()).unwrap()
    };
    let ((cell, old), (_, new)) = (put("1", [1; 16]), put("2", [2; 16]));
    let (mut newer, mut older) = (old.0.clone(), new.0.clone());
    newer[SealedField::STAMP].copy_from_slice(&[2; 16]);
    older[SealedField::STAMP].copy_from_slice(&[1; 16]);
    for mixed in [newer, older] {
        assert_eq!(code(open_field(&vault, &ID, &LIFE, &cell, &mixed)), Code::Corrupt);
    }
}

#[test]
fn a_cell_sealed_anew_is_as_bound_as_before() {
    let vault = vault(&[(1, "retired"), (2, "primary")]);
    let (config, cells) = (config(&vault), sealed(&super::fixture::vault(&[(1, "primary")])));
    let mut entropy = Entropy::draw().unwrap();
    let field = SealedField(cells.field.clone());
    let anew = config.reseal_field(None, &ID, &LIFE, &cells.cell, &field, &mut entropy).unwrap();
    assert_eq!((anew[4], anew.len(), &anew[5..29]), (2, field.0.len(), &field.0[5..29]), "its stamp and end stay");
    open_field(&vault, &ID, &LIFE, &cells.cell, &anew).unwrap();
    assert_eq!(code(open_field(&vault, &ID, &[0; 16], &cells.cell, &anew)), Code::Corrupt);
    let head = config.reseal_head(&ID, &cells.head, &mut entropy).unwrap();
    assert!(head[4] == 2 && config.open_head(&ID, &head).unwrap() == config.open_head(&ID, &cells.head).unwrap());
    let user = config.reseal_user(&USER, &cells.user, &mut entropy).unwrap();
    assert!(user[4] == 2 && config.open_user(&USER, &user).unwrap() == self::user());
    // Nothing is sealed anew that does not open where it stands.
    let mut bad = cells.head.to_vec();
    bad[40] ^= 1;
    assert_eq!(code(config.reseal_head(&ID, &bad, &mut entropy)), Code::Corrupt);
    assert_eq!(code(config.reseal_head(&[9; 17], &cells.head, &mut entropy)), Code::Corrupt);
    assert_eq!(code(config.reseal_field(None, &ID, &[0; 16], &cells.cell, &field, &mut entropy)), Code::Corrupt);
    assert_eq!(code(config.reseal_user(&[0; 16], &cells.user, &mut entropy)), Code::Corrupt);
}

#[test]
fn a_cell_opens_for_no_other_session_life_field_or_user() {
    let vault = vault(&[(1, "primary")]);
    let (config, cells) = (config(&vault), sealed(&vault));
    let mut another = ID;
    another[16] ^= 1;
    let other_cell = config.cell_id(&ID, "other");
    let there = config.cell_id(&another, "cart");

    assert_eq!(code(config.open_head(&another, &cells.head)), Code::Corrupt);
    assert_eq!(code(config.open_user(&[7; 16], &cells.user)), Code::Corrupt);
    let table = [
        ("session", another, LIFE, cells.cell),
        ("session with its own cell id", another, LIFE, there),
        ("life", ID, [0; 16], cells.cell),
        ("field", ID, LIFE, other_cell),
        ("field and life swapped", ID, cells.cell, LIFE),
    ];
    for (what, id, life, cell) in table {
        assert_eq!(code(open_field(&vault, &id, &life, &cell, &cells.field)), Code::Corrupt, "{what}");
    }
}

#[test]
fn a_stamp_or_an_end_cannot_be_edited() {
    let vault = vault(&[(1, "primary")]);
    let cells = sealed(&vault);
    for (range, new) in
        [(SealedField::STAMP, vec![0; 16]), (SealedField::EXPIRY, vec![0; 8]), (SealedField::EXPIRY, vec![0x7F; 8])]
    {
        let mut edited = cells.field.clone();
        edited[range.clone()].copy_from_slice(&new);
        assert_eq!(code(open_field(&vault, &ID, &LIFE, &cells.cell, &edited)), Code::Corrupt, "{range:?}");
    }
}

#[test]
fn a_name_inside_must_be_the_cells_own() {
    // Whoever holds the keys could seal a name into another's cell: it is told apart after opening.
    let vault = vault(&[(1, "primary")]);
    let config = config(&vault);
    let cell = config.cell_id(&ID, "cart");
    let bytes = config.seal_into(&ID, &LIFE, &cell, "other", "1", &mut Entropy::fixed(1)).unwrap();
    assert_eq!(code(open_field(&vault, &ID, &LIFE, &cell, &bytes)), Code::Corrupt);
    let mut seals = config.field_seals(None, &ID, &LIFE);
    let mut named = |name| seals.open(&cell, Some(name), &SealedField(bytes.clone())).map(drop);
    assert_eq!(code(named("cart")), Code::Corrupt);
    assert!(named("other").is_ok(), "who names it says what the cell's id was made of");
}

#[test]
fn two_tags_with_one_id_share_no_keys() {
    let vault = vault(&[(1, "primary")]);
    let (one, other) = (vault.config("a", &CONFIG), vault.config("b", &CONFIG));
    assert!(Arc::ptr_eq(&one, &vault.config("a", &CONFIG)) && Arc::ptr_eq(&other, &vault.config("b", &CONFIG)));
    let sealed = one.seal_head(&ID, &head(), &mut Entropy::fixed(1)).unwrap();
    assert_eq!(code(other.open_head(&ID, &sealed)), Code::Corrupt);
    assert_ne!(one.space(), other.space());
}

#[test]
fn a_field_comes_back_whole() {
    let vault = vault(&[(1, "primary")]);
    let config = config(&vault);
    let long = "x".repeat(100_000);
    for (name, value, expires) in
        [("cart", "1", EXPIRES), ("größe", "null", None), (&long, &long, Some(Time::from_millis(-5)))]
    {
        let (cell, field) =
            config.field_seals(None, &ID, &LIFE).seal(name, value, expires, STAMP, &mut Entropy::fixed(1)).unwrap();
        assert_eq!((field.stamp(), field.expiry()), (Some(STAMP), expires));
        let mut seals = config.field_seals(None, &ID, &LIFE);
        let opened = seals.open(&cell, None, &field).unwrap();
        assert_eq!((opened.name, opened.value), (name, value));
        assert_eq!((opened.stamp, opened.expires), (STAMP, expires));
    }
    let never = config
        .field_seals(None, &ID, &LIFE)
        .seal("a", "1", Some(Time::from_millis(0)), STAMP, &mut Entropy::fixed(1))
        .unwrap()
        .1;
    assert_eq!(never.expiry(), Some(Time::from_millis(1)), "an end at the instant 0 is an end");
}

/// Those that are seen in this room only.
pub(crate) fn assert_inner_types_unprinted() {
    crate::keys::printing::assert_unprinted!(
        super::envelope::Seals,
        super::blind::BlindKey,
        super::touch::TouchKey,
        super::field::OpenField,
        Cells,
    );
}

#[test]
fn nothing_is_printed_that_names_a_person_or_a_key() {
    let vault = vault(&[(1, "primary")]);
    let shown = format!("{vault:?} {:?} {:?} {:?} {:?}", config(&vault), head(), user(), head().owner);
    for secret in ["u1", "issuer", "1, 1", "[3", "[4", "238"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert_eq!(namespace().issuer(), "sessile:default/shop/prd");
}
