-- Organisations, users and devices, and the certificates of all topics. Moments are microseconds since 1970.

CREATE TABLE organization (
  num INTEGER NOT NULL PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  created_on INTEGER NOT NULL,
  -- a keyed digest; null for an organisation that anybody may bootstrap
  bootstrap_token BLOB,
  bootstrapped_on INTEGER,
  root_verify_key BLOB,
  sequester_authority BLOB,
  is_expired INTEGER NOT NULL,
  outsider_allowed INTEGER NOT NULL,
  active_users_limit INTEGER,
  -- seconds
  minimum_archiving_period INTEGER NOT NULL,
  tos_updated_on INTEGER,
  -- JSON: locale to URL
  tos_urls TEXT,
  -- the last certificate of each topic, null before the first
  common_last INTEGER,
  sequester_last INTEGER,
  shamir_last INTEGER
) STRICT;

CREATE TABLE person (
  org INTEGER NOT NULL,
  id BLOB NOT NULL,
  email TEXT NOT NULL,
  label TEXT NOT NULL,
  profile INTEGER NOT NULL,
  created_on INTEGER NOT NULL,
  revoked_on INTEGER,
  frozen INTEGER NOT NULL,
  tos_accepted_on INTEGER,
  PRIMARY KEY (org, id)
) STRICT, WITHOUT ROWID;

-- An address belongs to one user that is not revoked.
CREATE UNIQUE INDEX person_email ON person (org, email) WHERE revoked_on IS NULL;

-- Every profile that a user had, from its moment on.
CREATE TABLE profile (
  org INTEGER NOT NULL,
  person BLOB NOT NULL,
  since INTEGER NOT NULL,
  profile INTEGER NOT NULL,
  PRIMARY KEY (org, person, since)
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
  org INTEGER NOT NULL,
  id BLOB NOT NULL,
  person BLOB NOT NULL,
  label TEXT NOT NULL,
  verify_key BLOB NOT NULL,
  created_on INTEGER NOT NULL,
  PRIMARY KEY (org, id)
) STRICT, WITHOUT ROWID;

-- Topics: 1 common, 2 sequester, 3 shared recovery (one copy for each who may see it), 4 realm.
CREATE TABLE certificate (
  org INTEGER NOT NULL,
  topic INTEGER NOT NULL,
  -- the realm, or who may see it in a shared recovery, else empty
  subject BLOB NOT NULL,
  signed_on INTEGER NOT NULL,
  -- orders certificates of one moment
  rank INTEGER NOT NULL,
  signed BLOB NOT NULL,
  -- what outsiders get, where it differs
  redacted BLOB,
  PRIMARY KEY (org, topic, subject, signed_on, rank)
) STRICT, WITHOUT ROWID;

-- What processes on one database must agree on.
CREATE TABLE agreement (
  name TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL
) STRICT;
