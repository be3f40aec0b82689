-- Applies changes of sessions of one bucket: all of them, or nothing. What they mean is said in backend/change.rs, what the
-- arguments are in postgres/arguments.rs. Every row that decides is locked before it is looked at: each statement of a
-- function sees what was committed before it began, so after the lock nobody else's change comes between look and write.
CREATE OR REPLACE FUNCTION @S@.apply_1(
  p_wait bigint, p_again boolean, p_space bytea, p_id bytea[], p_now bigint[], p_flags bigint[], p_restart bigint[],
  p_guard_head bytea[], p_guard_version bigint[], p_guard_user bytea[], p_guard_generation bigint[],
  p_stamp_of bigint[], p_stamp_cell bytea[], p_stamp bytea[],
  p_head bytea[], p_touch bytea[], p_touched bigint[],
  p_delete_of bigint[], p_delete_cell bytea[],
  p_put_of bigint[], p_put_cell bytea[], p_put_stamp bytea[], p_put_expires bigint[], p_put_sealed bytea[],
  p_put_count bigint[], p_put_size bigint[], p_put_due bigint[],
  p_user bytea[], p_user_sealed bytea[], p_first_generation bigint[], p_listed bytea[],
  p_hint bigint[], p_max_size bigint[], p_max_count bigint[],
  p_answer_of bigint[], p_answer_cell bytea[],
  OUT r_outcome bigint, OUT r_version bigint, OUT r_deleted bigint, OUT r_size bigint, OUT r_count bigint,
  OUT r_head bytea, OUT r_touch bytea, OUT r_updated bigint,
  OUT r_generation bigint, OUT r_user bytea, OUT r_cells bytea[], OUT r_sealed bytea[]
) LANGUAGE plpgsql AS $$
DECLARE
  c_absent CONSTANT bigint := 1;      c_is CONSTANT bigint := 2;
  c_reset_touch CONSTANT bigint := 4; c_clear CONSTANT bigint := 8;
  c_raise CONSTANT bigint := 32;
  c_write_user CONSTANT bigint := 64; c_remove_user CONSTANT bigint := 128;
  c_list CONSTANT bigint := 256;      c_unlist CONSTANT bigint := 512;
  c_hint CONSTANT bigint := 1024;     c_answer_all CONSTANT bigint := 2048;
  v_n CONSTANT integer := array_length(p_id, 1);
  v_set text;
  -- Of no declared type: to look that up would wait for a lock before there is a limit to it.
  s record;
  v_flags bigint;
  v_now bigint;
  v_holds boolean;
  v_generation bigint;
  v_deletes bytea[];
  v_met bytea[];
  v_hit bigint;
  v_bytes bigint;
  v_deleted bigint;
  v_gone boolean;
  v_due bigint;
  -- What was decided for each change.
  d_there boolean[];
  d_writes boolean[];
  d_hints boolean[];
  d_version bigint[];
  d_size bigint[];
  d_count bigint[];
  d_touch bytea[];
  d_touched bigint[];
  d_due bigint[];
BEGIN
  v_set := set_config('lock_timeout', p_wait::text, true);
  -- Everything is found by its whole key: to plan it anew for these values would cost more than it takes.
  v_set := set_config('plan_cache_mode', 'force_generic_plan', true);

  -- A put of one cell and nothing else: most changes are that. One statement, which sees the state of one instant: where
  -- somebody has changed the session since, its row is another one, and nothing is written. That, and whatever else is not
  -- as it should be, is left to what follows.
  IF v_n = 1 AND NOT p_again AND (p_flags[1] | c_answer_all) = (c_is | c_raise | c_answer_all) AND p_put_count[1] = 1
      AND p_delete_of IS NULL AND p_stamp_of IS NULL AND p_guard_user IS NULL
      AND num_nonnulls(p_restart[1], p_guard_version[1], p_head[1], p_touch[1]) = 0 THEN
    WITH o AS MATERIALIZED (
      SELECT t.xmin AS x, coalesce(octet_length(c.sealed), 0) AS bytes, CASE WHEN c.sealed IS NULL THEN 1 ELSE 0 END AS more
      FROM @S@.session t LEFT JOIN @S@.cell c ON c.space = p_space AND c.id = p_id[1] AND c.cell = p_put_cell[1]
      WHERE t.space = p_space AND t.id = p_id[1] AND t.head = p_guard_head[1] AND (t.due > p_now[1] OR t.due IS NULL)
    ), u AS (
      UPDATE @S@.session t SET
          version = t.version + 1, updated = p_now[1], size = t.size + p_put_size[1] - o.bytes, count = t.count + o.more,
          due = least(t.due, p_put_due[1])
        FROM o
        WHERE t.space = p_space AND t.id = p_id[1] AND t.xmin = o.x
          AND t.size + p_put_size[1] - o.bytes <= p_max_size[1] AND t.count + o.more <= p_max_count[1]
        RETURNING t.version
    ), i AS (
      INSERT INTO @S@.cell (space, id, cell, stamp, expires, sealed)
        SELECT p_space, p_id[1], p_put_cell[1], p_put_stamp[1], p_put_expires[1], p_put_sealed[1] FROM u
        ON CONFLICT (space, id, cell) DO UPDATE
          SET stamp = excluded.stamp, expires = excluded.expires, sealed = excluded.sealed
    )
    SELECT u.version INTO r_version FROM u;
    IF FOUND THEN
      r_outcome := 1;
      r_deleted := 0;
      RETURN;
    END IF;
  END IF;

  PERFORM @S@.lock_sessions_1(p_space, p_id);
  IF p_guard_user IS NOT NULL OR p_user IS NOT NULL THEN
    PERFORM @S@.lock_users_1(p_space, p_guard_user || p_user);
  END IF;

  IF p_again THEN
    -- Whether these very changes were applied before: nobody else writes their heads or their stamps.
    FOR i IN 1..v_n LOOP
      v_holds := CASE WHEN p_head[i] IS NOT NULL
        THEN EXISTS (SELECT FROM @S@.session t WHERE t.space = p_space AND t.id = p_id[i] AND t.head = p_head[i])
        ELSE EXISTS (
          SELECT FROM unnest(p_put_of, p_put_cell, p_put_stamp) t(change, cell, stamp)
          JOIN @S@.cell c ON c.space = p_space AND c.id = p_id[i] AND c.cell = t.cell AND c.stamp = t.stamp
          WHERE t.change = i)
        END;
      IF v_holds THEN
        r_outcome := 1;
        r_deleted := 0;
        r_version := coalesce(
          (SELECT t.version FROM @S@.session t WHERE t.space = p_space AND t.id = p_id[v_n]), 0);
        RETURN;
      END IF;
    END LOOP;
  END IF;

  r_deleted := 0;
  FOR i IN 1..v_n LOOP
    v_flags := p_flags[i];
    v_now := p_now[i];
    SELECT * INTO s FROM @S@.session t WHERE t.space = p_space AND t.id = p_id[i];
    d_there[i] := FOUND;

    v_holds := CASE
        WHEN v_flags & c_absent <> 0 THEN s.head IS NULL
        WHEN v_flags & c_is <> 0 THEN s.head IS NOT DISTINCT FROM p_guard_head[i]
        ELSE true
      END AND coalesce(p_guard_version[i] = coalesce(s.version, 0), true);
    IF v_holds AND p_guard_user[i] IS NOT NULL THEN
      SELECT u.generation INTO v_generation FROM @S@.user_record u
        WHERE u.space = p_space AND u.blind = p_guard_user[i];
      v_holds := coalesce(v_generation, 0) = p_guard_generation[i];
    END IF;
    IF v_holds AND p_stamp_of IS NOT NULL THEN
      v_holds := NOT EXISTS (
        SELECT FROM unnest(p_stamp_of, p_stamp_cell, p_stamp) t(change, cell, stamp)
        LEFT JOIN @S@.cell c ON c.space = p_space AND c.id = p_id[i] AND c.cell = t.cell
          AND (c.expires IS NULL OR c.expires > v_now)
        WHERE t.change = i AND c.stamp IS DISTINCT FROM t.stamp);
    END IF;
    IF NOT v_holds THEN
      r_outcome := 0;
      r_head := s.head; r_touch := s.touch; r_version := coalesce(s.version, 0); r_updated := s.updated;
      r_size := coalesce(s.size, 0); r_count := coalesce(s.count, 0);
      IF p_guard_user[i] IS NOT NULL THEN
        SELECT u.generation, u.sealed INTO r_generation, r_user FROM @S@.user_record u
          WHERE u.space = p_space AND u.blind = p_guard_user[i];
      END IF;
      IF v_flags & c_answer_all <> 0 THEN
        SELECT array_agg(c.cell ORDER BY c.cell), array_agg(c.sealed ORDER BY c.cell) INTO r_cells, r_sealed
          FROM @S@.cell c WHERE c.space = p_space AND c.id = p_id[i];
      ELSIF p_answer_of IS NOT NULL THEN
        SELECT array_agg(c.cell ORDER BY c.cell), array_agg(c.sealed ORDER BY c.cell) INTO r_cells, r_sealed
          FROM @S@.cell c WHERE c.space = p_space AND c.id = p_id[i] AND c.cell IN (
            SELECT t.cell FROM unnest(p_answer_of, p_answer_cell) t(change, cell) WHERE t.change = i);
      END IF;
      RETURN;
    END IF;

    d_size[i] := coalesce(s.size, 0);
    d_count[i] := coalesce(s.count, 0);
    d_due[i] := s.due;
    v_gone := false;
    v_deleted := 0;
    IF v_flags & c_clear <> 0 THEN
      IF d_count[i] > 0 THEN
        SELECT count(*) INTO v_deleted FROM @S@.cell c
          WHERE c.space = p_space AND c.id = p_id[i] AND (c.expires IS NULL OR c.expires > v_now);
        v_gone := true;
      END IF;
      d_size[i] := 0;
      d_count[i] := 0;
      d_due[i] := NULL;
    ELSE
      -- The cells that go or are replaced: those of the change, and with a new version those that are over.
      v_deletes := NULL;
      v_met := NULL;
      IF p_delete_of IS NOT NULL THEN
        v_deletes := ARRAY(SELECT t.cell FROM unnest(p_delete_of, p_delete_cell) t(change, cell) WHERE t.change = i);
        v_met := v_deletes;
      END IF;
      IF p_put_count[i] > 0 THEN
        v_met := v_met || ARRAY(SELECT t.cell FROM unnest(p_put_of, p_put_cell) t(change, cell) WHERE t.change = i);
      END IF;
      IF s.due <= v_now AND v_flags & c_raise <> 0 THEN
        v_met := v_met || ARRAY(SELECT c.cell FROM @S@.cell c
          WHERE c.space = p_space AND c.id = p_id[i] AND c.expires <= v_now);
      END IF;
      IF v_met IS NOT NULL AND d_count[i] > 0 THEN
        SELECT count(*), coalesce(sum(octet_length(c.sealed)), 0),
            count(*) FILTER (WHERE c.cell = ANY(v_deletes) AND (c.expires IS NULL OR c.expires > v_now))
          INTO v_hit, v_bytes, v_deleted
          FROM @S@.cell c WHERE c.space = p_space AND c.id = p_id[i] AND c.cell = ANY(v_met);
        d_size[i] := d_size[i] - v_bytes;
        d_count[i] := d_count[i] - v_hit;
        v_gone := v_hit > 0;
      END IF;
    END IF;
    d_size[i] := d_size[i] + p_put_size[i];
    d_count[i] := d_count[i] + p_put_count[i];
    IF p_put_count[i] > 0 AND (d_size[i] > p_max_size[i] OR d_count[i] > p_max_count[i]) THEN
      r_outcome := 2;
      r_size := d_size[i];
      r_count := d_count[i];
      RETURN;
    END IF;

    d_version[i] := coalesce(p_restart[i], s.version, 0)
      + CASE WHEN v_flags & c_raise <> 0 THEN 1 ELSE 0 END;
    IF v_flags & c_reset_touch <> 0 OR p_touched[i] > s.touched OR (p_touch[i] IS NOT NULL AND s.touch IS NULL) THEN
      d_touch[i] := p_touch[i];
      d_touched[i] := p_touched[i];
    ELSE
      d_touch[i] := s.touch;
      d_touched[i] := s.touched;
    END IF;
    -- The hint of a use that comes late shortens nothing.
    d_hints[i] := v_flags & c_hint <> 0 AND
      (p_head[i] IS NOT NULL OR p_touch[i] IS NULL OR d_touch[i] IS NOT DISTINCT FROM p_touch[i]);
    d_writes[i] := d_hints[i] OR v_gone OR p_put_count[i] > 0
      OR d_version[i] <> coalesce(s.version, 0) OR d_touch[i] IS DISTINCT FROM s.touch;
    r_deleted := r_deleted + coalesce(v_deleted, 0);
  END LOOP;

  FOR i IN 1..v_n LOOP
    v_flags := p_flags[i];
    v_now := p_now[i];
    IF d_writes[i] THEN
      v_due := d_due[i];
      IF v_flags & c_clear <> 0 THEN
        DELETE FROM @S@.cell c WHERE c.space = p_space AND c.id = p_id[i];
      ELSE
        IF p_delete_of IS NOT NULL THEN
          DELETE FROM @S@.cell c USING unnest(p_delete_of, p_delete_cell) t(change, cell)
            WHERE t.change = i AND c.space = p_space AND c.id = p_id[i] AND c.cell = t.cell;
        END IF;
        IF v_due <= v_now AND v_flags & c_raise <> 0 THEN
          DELETE FROM @S@.cell c WHERE c.space = p_space AND c.id = p_id[i] AND c.expires <= v_now;
          SELECT min(c.expires) INTO v_due FROM @S@.cell c WHERE c.space = p_space AND c.id = p_id[i];
        END IF;
      END IF;
      IF p_put_count[i] > 0 THEN
        INSERT INTO @S@.cell (space, id, cell, stamp, expires, sealed)
          SELECT p_space, p_id[i], t.cell, t.stamp, t.expires, t.sealed
          FROM unnest(p_put_of, p_put_cell, p_put_stamp, p_put_expires, p_put_sealed)
            t(change, cell, stamp, expires, sealed)
          WHERE t.change = i
          ON CONFLICT (space, id, cell) DO UPDATE
            SET stamp = excluded.stamp, expires = excluded.expires, sealed = excluded.sealed;
        v_due := least(v_due, p_put_due[i]);
      END IF;
      IF d_there[i] THEN
        UPDATE @S@.session t SET
            head = coalesce(p_head[i], t.head), touch = d_touch[i], touched = d_touched[i], version = d_version[i],
            updated = CASE WHEN v_flags & c_raise <> 0 THEN v_now ELSE t.updated END,
            size = d_size[i], count = d_count[i], due = v_due,
            expires = CASE WHEN d_hints[i] THEN p_hint[i] ELSE t.expires END
          WHERE t.space = p_space AND t.id = p_id[i];
      ELSE
        INSERT INTO @S@.session (space, id, head, touch, touched, version, updated, size, count, due, expires)
          VALUES (p_space, p_id[i], p_head[i], d_touch[i], d_touched[i], d_version[i],
            CASE WHEN v_flags & c_raise <> 0 THEN v_now END, d_size[i], d_count[i], v_due, p_hint[i]);
      END IF;
    END IF;
    IF v_flags & c_write_user <> 0 THEN
      INSERT INTO @S@.user_record AS u (space, blind, generation, sealed)
        VALUES (p_space, p_user[i], p_first_generation[i], p_user_sealed[i])
        ON CONFLICT (space, blind) DO UPDATE SET generation = u.generation + 1, sealed = excluded.sealed;
    ELSIF v_flags & c_remove_user <> 0 THEN
      DELETE FROM @S@.user_record u WHERE u.space = p_space AND u.blind = p_user[i];
    END IF;
    IF v_flags & c_list <> 0 THEN
      INSERT INTO @S@.listing (space, blind, id) VALUES (p_space, p_listed[i], p_id[i]) ON CONFLICT DO NOTHING;
    ELSIF v_flags & c_unlist <> 0 THEN
      DELETE FROM @S@.listing l WHERE l.space = p_space AND l.blind = p_listed[i] AND l.id = p_id[i];
    END IF;
  END LOOP;
  r_outcome := 1;
  r_version := d_version[v_n];
END $$;
