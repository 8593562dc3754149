-- Ids of blocks that are being removed from the block store: nobody makes a row for them meanwhile.
CREATE TABLE condemned_block (
  org INTEGER NOT NULL,
  id BLOB NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (org, id)
) STRICT, WITHOUT ROWID;
