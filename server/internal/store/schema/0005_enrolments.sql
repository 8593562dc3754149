-- One-time codes, enrolments that wait for an administrator, and shared recoveries.

CREATE TABLE totp (
  org INTEGER NOT NULL,
  person BLOB NOT NULL,
  -- sealed, null before the user asked for it
  secret BLOB,
  -- the user proved to have the secret
  confirmed INTEGER NOT NULL,
  -- a keyed digest, null where no administrator gave a token
  reset_token BLOB,
  PRIMARY KEY (org, person)
) STRICT;

-- Keys that are given out against a code. failures are those in a row, the last one at failed_on.
CREATE TABLE opaque_key (
  org INTEGER NOT NULL,
  person BLOB NOT NULL,
  id BLOB NOT NULL,
  sealed BLOB NOT NULL,
  failures INTEGER NOT NULL,
  failed_on INTEGER,
  PRIMARY KEY (org, person, id)
) STRICT;

CREATE TABLE enrollment (
  org INTEGER NOT NULL,
  id BLOB NOT NULL,
  -- the address that is asked for
  email TEXT NOT NULL,
  -- 1 submitted, 2 accepted, 3 rejected, 4 cancelled, since decided_on
  state INTEGER NOT NULL,
  submitted_on INTEGER NOT NULL,
  decided_on INTEGER,
  -- what vouches for both sides: 1 a certificate of X.509, 2 OpenBao
  identity INTEGER NOT NULL,
  submit_payload BLOB NOT NULL,
  submit_signature BLOB NOT NULL,
  -- a certificate in DER with a JSON list of those above it, or the name of an entity
  submit_signer BLOB NOT NULL,
  submit_chain TEXT NOT NULL,
  accept_payload BLOB,
  accept_signature BLOB,
  accept_signer BLOB,
  accept_chain TEXT,
  PRIMARY KEY (org, id)
) STRICT;

-- An address is asked for once at a time.
CREATE UNIQUE INDEX enrollment_email ON enrollment (org, email) WHERE state = 1;
CREATE INDEX enrollment_pending ON enrollment (org, submitted_on, id) WHERE state = 1;

CREATE TABLE shamir_recovery (
  org INTEGER NOT NULL,
  person BLOB NOT NULL,
  -- the moment of the brief certificate, which names the recovery
  set_up_on INTEGER NOT NULL,
  threshold INTEGER NOT NULL,
  -- a keyed digest
  reveal_token BLOB NOT NULL,
  -- encrypted by the user; null once the recovery is deleted
  data BLOB,
  deleted_on INTEGER,
  PRIMARY KEY (org, person, set_up_on)
) STRICT;

CREATE UNIQUE INDEX shamir_recovery_active ON shamir_recovery (org, person) WHERE deleted_on IS NULL;

CREATE TABLE shamir_share (
  org INTEGER NOT NULL,
  person BLOB NOT NULL,
  set_up_on INTEGER NOT NULL,
  recipient BLOB NOT NULL,
  -- how many shares the recipient has
  shares INTEGER NOT NULL,
  PRIMARY KEY (org, person, set_up_on, recipient)
) STRICT;
