-- Realms, their keys, and what they hold.

CREATE TABLE realm (
  org INTEGER NOT NULL,
  id BLOB NOT NULL,
  created_on INTEGER NOT NULL,
  -- the last certificate of its topic, and the newest vlob, null before the first
  last_certificate INTEGER NOT NULL,
  last_vlob INTEGER,
  -- how many rotations there were
  key_index INTEGER NOT NULL,
  named INTEGER NOT NULL,
  -- 1 available, 2 archived, 3 deletion planned, on the date
  archiving INTEGER NOT NULL,
  deletion_on INTEGER,
  -- purged by an administrator
  deleted INTEGER NOT NULL,
  -- how many vlobs were written
  checkpoint INTEGER NOT NULL,
  vlob_bytes INTEGER NOT NULL,
  block_bytes INTEGER NOT NULL,
  PRIMARY KEY (org, id)
) STRICT, WITHOUT ROWID;

-- The role that a user has now: 0 is none any more. changed_on is the moment of the last certificate about it.
CREATE TABLE realm_role (
  org INTEGER NOT NULL,
  realm BLOB NOT NULL,
  person BLOB NOT NULL,
  role INTEGER NOT NULL,
  changed_on INTEGER NOT NULL,
  PRIMARY KEY (org, realm, person)
) STRICT, WITHOUT ROWID;

CREATE INDEX realm_role_person ON realm_role (org, person);

CREATE TABLE keys_bundle (
  org INTEGER NOT NULL,
  realm BLOB NOT NULL,
  key_index INTEGER NOT NULL,
  bundle BLOB NOT NULL,
  PRIMARY KEY (org, realm, key_index)
) STRICT;

-- The newest access that a user was given to a bundle.
CREATE TABLE keys_access (
  org INTEGER NOT NULL,
  realm BLOB NOT NULL,
  key_index INTEGER NOT NULL,
  person BLOB NOT NULL,
  access BLOB NOT NULL,
  PRIMARY KEY (org, realm, key_index, person)
) STRICT;

CREATE TABLE sequester_service (
  org INTEGER NOT NULL,
  id BLOB NOT NULL,
  label TEXT NOT NULL,
  created_on INTEGER NOT NULL,
  revoked_on INTEGER,
  -- null for a service that only stores
  webhook_url TEXT,
  PRIMARY KEY (org, id)
) STRICT;

CREATE TABLE sequester_access (
  org INTEGER NOT NULL,
  realm BLOB NOT NULL,
  key_index INTEGER NOT NULL,
  service BLOB NOT NULL,
  access BLOB NOT NULL,
  PRIMARY KEY (org, realm, key_index, service)
) STRICT;

CREATE TABLE vlob (
  org INTEGER NOT NULL,
  realm BLOB NOT NULL,
  id BLOB NOT NULL,
  version INTEGER NOT NULL,
  checkpoint INTEGER NOT NULL,
  key_index INTEGER NOT NULL,
  author BLOB NOT NULL,
  created_on INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (org, realm, id, version)
) STRICT;

CREATE UNIQUE INDEX vlob_checkpoint ON vlob (org, realm, checkpoint);

-- A row is made before the object is stored, and counts once stored is 1.
CREATE TABLE block (
  org INTEGER NOT NULL,
  id BLOB NOT NULL,
  realm BLOB NOT NULL,
  key_index INTEGER NOT NULL,
  author BLOB NOT NULL,
  size INTEGER NOT NULL,
  created_on INTEGER NOT NULL,
  stored INTEGER NOT NULL,
  PRIMARY KEY (org, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX block_realm ON block (org, realm);
