-- Invitations, and the attempts of their claimers to be greeted.

-- Kinds: 1 user, 2 device, 3 shared recovery. States: 1 pending, 2 finished, 3 cancelled.
CREATE TABLE invitation (
  org INTEGER NOT NULL,
  num INTEGER NOT NULL,
  -- the token twice: as what it is looked up by, and as what it is given out again from
  token_digest BLOB NOT NULL,
  token_sealed BLOB NOT NULL,
  kind INTEGER NOT NULL,
  state INTEGER NOT NULL,
  created_on INTEGER NOT NULL,
  created_by BLOB NOT NULL,
  -- of a user to be, else null
  claimer_email TEXT,
  -- of a user who is there, else null
  claimer BLOB,
  -- which set-up is to be recovered from, else null
  setup_on INTEGER,
  ended_on INTEGER,
  PRIMARY KEY (org, num)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX invitation_token ON invitation (org, token_digest);

-- Nobody is invited twice to the same.
CREATE UNIQUE INDEX invitation_user ON invitation (org, claimer_email) WHERE kind = 1 AND state = 1;
CREATE UNIQUE INDEX invitation_device ON invitation (org, claimer) WHERE kind = 2 AND state = 1;
CREATE UNIQUE INDEX invitation_shamir ON invitation (org, claimer, setup_on) WHERE kind = 3 AND state = 1;

-- Sides: 1 greeter, 2 claimer.
CREATE TABLE greeting_attempt (
  org INTEGER NOT NULL,
  id BLOB NOT NULL,
  invitation INTEGER NOT NULL,
  greeter BLOB NOT NULL,
  greeter_joined INTEGER,
  claimer_joined INTEGER,
  cancelled_on INTEGER,
  cancelled_by INTEGER,
  cancelled_reason TEXT,
  PRIMARY KEY (org, id)
) STRICT, WITHOUT ROWID;

-- One attempt of a claimer and a greeter is going on.
CREATE UNIQUE INDEX greeting_active ON greeting_attempt (org, invitation, greeter) WHERE cancelled_on IS NULL;
CREATE INDEX greeting_invitation ON greeting_attempt (org, invitation);

CREATE TABLE greeting_step (
  org INTEGER NOT NULL,
  attempt BLOB NOT NULL,
  side INTEGER NOT NULL,
  step INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (org, attempt, side, step)
) STRICT;
