-- Locks a session's row; where there is none, its name, so that whoever would make it waits. In the order of their ids, so
-- that nobody waits for one who waits for them.
CREATE OR REPLACE FUNCTION @S@.lock_sessions_1(p_space bytea, p_ids bytea[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_id bytea;
BEGIN
  FOR v_id IN SELECT t.id FROM unnest(p_ids) t(id) ORDER BY t.id LOOP
    PERFORM 1 FROM @S@.session s WHERE s.space = p_space AND s.id = v_id FOR UPDATE;
    IF NOT FOUND THEN
      PERFORM pg_advisory_xact_lock(hashtextextended(encode(p_space || v_id, 'hex'), 0));
      PERFORM 1 FROM @S@.session s WHERE s.space = p_space AND s.id = v_id FOR UPDATE;
    END IF;
  END LOOP;
END $$;

-- The same of users' records.
CREATE OR REPLACE FUNCTION @S@.lock_users_1(p_space bytea, p_users bytea[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_user bytea;
BEGIN
  FOR v_user IN SELECT DISTINCT t.blind FROM unnest(p_users) t(blind) WHERE t.blind IS NOT NULL ORDER BY t.blind LOOP
    PERFORM 1 FROM @S@.user_record u WHERE u.space = p_space AND u.blind = v_user FOR UPDATE;
    IF NOT FOUND THEN
      PERFORM pg_advisory_xact_lock(hashtextextended(encode(p_space || v_user, 'hex'), 1));
      PERFORM 1 FROM @S@.user_record u WHERE u.space = p_space AND u.blind = v_user FOR UPDATE;
    END IF;
  END LOOP;
END $$;
