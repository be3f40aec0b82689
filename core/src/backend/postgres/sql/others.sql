-- Replaces bytes by bytes where the old ones still stand: whether each was. Kinds: 0 a head, 1 a field, 2 a user's record.
CREATE OR REPLACE FUNCTION @S@.replace_1(
  p_wait bigint, p_again boolean, p_space bytea, p_kind bigint[], p_row bytea[], p_cell bytea[], p_old bytea[], p_new bytea[]
) RETURNS boolean[] LANGUAGE plpgsql AS $$
DECLARE
  v_done boolean[];
BEGIN
  PERFORM set_config('lock_timeout', p_wait::text, true);
  FOR i IN 1..array_length(p_kind, 1) LOOP
    CASE p_kind[i]
      WHEN 0 THEN
        UPDATE @S@.session s SET head = p_new[i]
          WHERE s.space = p_space AND s.id = p_row[i] AND s.head = p_old[i];
        v_done[i] := FOUND OR (p_again AND EXISTS (
          SELECT FROM @S@.session s WHERE s.space = p_space AND s.id = p_row[i] AND s.head = p_new[i]));
      WHEN 1 THEN
        UPDATE @S@.cell c SET sealed = p_new[i]
          WHERE c.space = p_space AND c.id = p_row[i] AND c.cell = p_cell[i] AND c.sealed = p_old[i];
        v_done[i] := FOUND OR (p_again AND EXISTS (
          SELECT FROM @S@.cell c
          WHERE c.space = p_space AND c.id = p_row[i] AND c.cell = p_cell[i] AND c.sealed = p_new[i]));
      ELSE
        UPDATE @S@.user_record u SET sealed = p_new[i]
          WHERE u.space = p_space AND u.blind = p_row[i] AND u.sealed = p_old[i];
        v_done[i] := FOUND OR (p_again AND EXISTS (
          SELECT FROM @S@.user_record u WHERE u.space = p_space AND u.blind = p_row[i] AND u.sealed = p_new[i]));
    END CASE;
  END LOOP;
  RETURN v_done;
END $$;

-- Drops sessions that are over, with their cells and index entries: how many. What somebody is at is left for the next time.
CREATE OR REPLACE FUNCTION @S@.sweep_1(p_now bigint, p_most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_spaces bytea[];
  v_ids bytea[];
BEGIN
  SELECT array_agg(t.space), array_agg(t.id) INTO v_spaces, v_ids FROM (
    SELECT s.space, s.id FROM @S@.session s
    WHERE s.expires <= p_now ORDER BY s.expires LIMIT p_most FOR UPDATE SKIP LOCKED) t;
  IF v_ids IS NULL THEN
    RETURN 0;
  END IF;
  DELETE FROM @S@.cell c USING unnest(v_spaces, v_ids) t(space, id) WHERE c.space = t.space AND c.id = t.id;
  DELETE FROM @S@.listing l USING unnest(v_spaces, v_ids) t(space, id) WHERE l.space = t.space AND l.id = t.id;
  DELETE FROM @S@.session s USING unnest(v_spaces, v_ids) t(space, id) WHERE s.space = t.space AND s.id = t.id;
  RETURN array_length(v_ids, 1);
END $$;

-- Writes a record if what stands there is what was expected; else what stands there.
CREATE OR REPLACE FUNCTION @S@.apply_meta_1(
  p_wait bigint, p_again boolean, p_key bytea, p_expected bytea, p_new bytea, OUT r_done boolean, OUT r_standing bytea
) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('lock_timeout', p_wait::text, true);
  IF p_expected IS NULL THEN
    INSERT INTO @S@.meta (key, value) VALUES (p_key, p_new) ON CONFLICT DO NOTHING;
  ELSE
    UPDATE @S@.meta m SET value = p_new WHERE m.key = p_key AND m.value = p_expected;
  END IF;
  r_done := FOUND;
  IF NOT r_done THEN
    SELECT m.value INTO r_standing FROM @S@.meta m WHERE m.key = p_key;
    r_done := p_again AND r_standing IS NOT DISTINCT FROM p_new;
  END IF;
END $$;

-- Last: whoever finds it finds all.
INSERT INTO @S@.format (version) SELECT 1 WHERE NOT EXISTS (SELECT FROM @S@.format);
COMMIT;
