-- Tokens of administrators, what administrators did, and organisations that were erased.

CREATE TABLE administration_token (
  name TEXT NOT NULL PRIMARY KEY,
  -- a keyed digest
  digest BLOB NOT NULL UNIQUE,
  -- names with white space between
  scopes TEXT NOT NULL,
  -- the one that it is for, null for all
  organization TEXT,
  created_on INTEGER NOT NULL,
  expires_on INTEGER
) STRICT;

CREATE TABLE audit (
  done_on INTEGER NOT NULL,
  -- tells those of one moment apart
  id BLOB NOT NULL,
  who TEXT NOT NULL,
  action TEXT NOT NULL,
  -- the name of the organisation, empty where there is none
  organization TEXT NOT NULL,
  object TEXT NOT NULL,
  result TEXT NOT NULL,
  PRIMARY KEY (done_on, id)
) STRICT, WITHOUT ROWID;

-- The number of an organisation is not given to another one. Its name is, once its blocks are gone.
CREATE TABLE erased_organization (
  num INTEGER NOT NULL PRIMARY KEY,
  id TEXT NOT NULL,
  erased_on INTEGER NOT NULL,
  rows_gone_on INTEGER,
  blocks_gone_on INTEGER
) STRICT;
