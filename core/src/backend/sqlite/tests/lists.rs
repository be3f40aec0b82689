//! Lists: what damage does to them, and what SQLite makes of their statements.

use super::*;

#[test]
fn a_damaged_row_hides_no_other_from_a_list() {
    let place = Place::new();
    let store = place.open();
    for n in 1..=3 {
        let mut begin = one(n);
        begin.effects.head = Some([n].into());
        begin.effects.index = Some((user(n), true));
        begin.effects.user = Some((user(n), UserEffect::Write([n].into())));
        applied(&store, &begin);
    }
    wait(store.close()).unwrap();
    let raw = place.raw();
    raw.execute(
        "UPDATE session SET head = 'text', touch = 7, cells = x'09' WHERE key = ?1",
        [session_key(&SPACE, &id(2))],
    )
    .unwrap();
    raw.execute("UPDATE user SET sealed = 'text', generation = 'text' WHERE key = ?1", [user_key(&SPACE, &user(2))])
        .unwrap();
    drop(raw);
    let store = place.open();
    let heads = || {
        let listed = wait(store.page(&SPACE, None, None, 9)).unwrap();
        listed.into_iter().map(|entry| entry.head.unwrap().to_vec()).collect::<Vec<_>>()
    };
    // Nobody can open an empty head or record: it is listed as unreadable.
    assert_eq!(heads(), [&[1][..], &[], &[3]]);
    let users = wait(store.page_users(&SPACE, None, 9)).unwrap();
    assert_eq!(users.iter().map(|(_, record)| &record.sealed[..]).collect::<Vec<_>>(), [&[1][..], &[], &[3]]);
    assert_eq!(code(wait(store.user(&SPACE, &user(2)))), Some(Code::Corrupt));

    // All of them are revoked at once, whatever stands there.
    let revoke = |n| {
        let mut revoke = change(n);
        revoke.effects.head = Some((*b"revoked").into());
        revoke.effects.clear = true;
        revoke
    };
    let outcome = wait(store.apply_all(&[revoke(1), revoke(2), revoke(3)])).unwrap();
    assert!(matches!(outcome, Outcome::Applied { deleted: 4, .. }));
    assert_eq!(heads(), [b"revoked"; 3]);
    assert!((1..=3).all(|n| read(&store, n).count == 0));
}

#[test]
fn lists_and_lookups_walk_their_keys_and_sort_nothing() {
    let place = Place::new();
    let store = place.open();
    // Enough that the planner has a choice to make, and its statistics to make it by.
    for n in 0..50 {
        let mut begin = one(n);
        begin.effects.index = Some((user(n % 3), true));
        begin.effects.expires = Some(NOW);
        applied(&store, &begin);
    }
    drop(store);
    let raw = place.raw();
    let plan = |sql: &str| {
        let mut statement = raw.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = statement.raw_query();
        let steps = rows.mapped(|row| row.get::<_, String>(3)).collect::<rusqlite::Result<Vec<_>>>().unwrap();
        steps.join("; ")
    };
    for analyzed in [false, true] {
        if analyzed {
            raw.execute_batch("ANALYZE").unwrap();
        }
        let expected = [
            (listing::PAGE, "SEARCH entry USING PRIMARY KEY (space=? AND (user,id)>(?,?))"),
            (listing::PAGE_OF_USER, "SEARCH entry USING PRIMARY KEY (space=? AND user=? AND id>?)"),
            (listing::ALL_OF_USER, "SEARCH entry USING PRIMARY KEY (space=? AND user=?)"),
            (listing::HEAD_AND_TOUCH, "SEARCH session USING INDEX sqlite_autoindex_session_1 (key=?)"),
            (listing::IDS, "SEARCH session USING COVERING INDEX sqlite_autoindex_session_1 (key>? AND key<?)"),
            (reader::HEAD, "SEARCH session USING INDEX sqlite_autoindex_session_1 (key=?)"),
            (reader::WHOLE, "SEARCH session USING INDEX sqlite_autoindex_session_1 (key=?)"),
            (reader::LARGE, "SEARCH field USING INDEX sqlite_autoindex_field_1 (key=? AND cell=?)"),
            (reader::EXPIRED, "SEARCH session USING COVERING INDEX session_expires (expires<?)"),
            (writer::OVER, "SEARCH session USING INDEX session_expires (expires<?)"),
            (listing::USERS, "SEARCH user USING INDEX sqlite_autoindex_user_1 (key>? AND key<?)"),
        ];
        for (sql, expected) in expected {
            assert_eq!(plan(sql), expected, "{sql}, analyzed: {analyzed}");
        }
    }
}
