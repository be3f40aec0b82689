-- Tables and functions of format 1. Run by whoever finds none, in a transaction that only one is in at a time; @S@ is the
-- schema, which the owner of the database may have made.

DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '@NAME@') THEN
    CREATE SCHEMA @S@;
  END IF;
END $$;

CREATE TABLE IF NOT EXISTS @S@.format (version integer NOT NULL);

-- A session but for its cells: `touched` is the touch's time, `due` no later than when the first of its cells is over.
CREATE TABLE IF NOT EXISTS @S@.session (
  space bytea NOT NULL, id bytea NOT NULL,
  head bytea, touch bytea, touched bigint,
  version bigint NOT NULL, updated bigint, size bigint NOT NULL, count bigint NOT NULL,
  expires bigint, due bigint,
  PRIMARY KEY (space, id)
) WITH (fillfactor = 80);
CREATE INDEX IF NOT EXISTS session_expires ON @S@.session (expires) WHERE expires IS NOT NULL;

CREATE TABLE IF NOT EXISTS @S@.cell (
  space bytea NOT NULL, id bytea NOT NULL, cell bytea NOT NULL,
  stamp bytea, expires bigint, sealed bytea NOT NULL,
  PRIMARY KEY (space, id, cell)
);

CREATE TABLE IF NOT EXISTS @S@.user_record (
  space bytea NOT NULL, blind bytea NOT NULL,
  generation bigint NOT NULL, sealed bytea NOT NULL,
  PRIMARY KEY (space, blind)
);

CREATE TABLE IF NOT EXISTS @S@.listing (
  space bytea NOT NULL, blind bytea NOT NULL, id bytea NOT NULL,
  PRIMARY KEY (space, blind, id)
);
CREATE INDEX IF NOT EXISTS listing_id ON @S@.listing (space, id);

CREATE TABLE IF NOT EXISTS @S@.meta (key bytea PRIMARY KEY, value bytea NOT NULL);

-- What is sealed does not get smaller.
ALTER TABLE @S@.session ALTER COLUMN head SET STORAGE EXTERNAL;
ALTER TABLE @S@.cell ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE @S@.user_record ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE @S@.meta ALTER COLUMN value SET STORAGE EXTERNAL;
