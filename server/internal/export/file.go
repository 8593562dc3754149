package export

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// What tells the files of the original.
const (
	magic   = 87948
	version = 1
)

// layout makes the tables of a new file.
const layout = `
CREATE TABLE info (
  magic INTEGER UNIQUE NOT NULL DEFAULT 87948, version INTEGER NOT NULL DEFAULT 1,
  organization_id VARCHAR(32) NOT NULL, realm_id BLOB NOT NULL, root_verify_key BLOB NOT NULL,
  snapshot_timestamp INTEGER NOT NULL, vlobs_total_bytes INTEGER NOT NULL, blocks_total_bytes INTEGER NOT NULL,
  certificates_export_done INTEGER NOT NULL DEFAULT 0, vlobs_export_done INTEGER NOT NULL DEFAULT 0,
  blocks_metadata_export_done INTEGER NOT NULL DEFAULT 0, blocks_data_export_done INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE common_certificate (_id INTEGER PRIMARY KEY, certificate BLOB NOT NULL);
CREATE TABLE sequester_certificate (_id INTEGER PRIMARY KEY, certificate BLOB NOT NULL);
CREATE TABLE realm_certificate (_id INTEGER PRIMARY KEY, certificate BLOB NOT NULL);
CREATE TABLE realm_keys_bundle (key_index INTEGER PRIMARY KEY, keys_bundle BLOB NOT NULL);
CREATE TABLE realm_keys_bundle_access (_id INTEGER PRIMARY KEY, user_id BLOB NOT NULL, key_index INTEGER NOT NULL, access BLOB NOT NULL);
CREATE TABLE realm_sequester_keys_bundle_access (
  _id INTEGER PRIMARY KEY, sequester_service_id BLOB NOT NULL, key_index INTEGER NOT NULL, access BLOB NOT NULL
);
CREATE TABLE vlob_atom (
  sequential_id INTEGER PRIMARY KEY, vlob_id BLOB NOT NULL, version INTEGER NOT NULL, key_index INTEGER NOT NULL, blob BLOB NOT NULL,
  size INTEGER NOT NULL, author BLOB NOT NULL, timestamp INTEGER NOT NULL, UNIQUE (vlob_id, timestamp)
);
CREATE TABLE block (
  sequential_id INTEGER PRIMARY KEY, block_id BLOB NOT NULL UNIQUE, author BLOB NOT NULL, size INTEGER NOT NULL, key_index INTEGER NOT NULL
);
CREATE TABLE block_data (block INTEGER PRIMARY KEY REFERENCES block (sequential_id), data BLOB NOT NULL);
`

// ErrOther says that a file is not an export, or one of something else.
var ErrOther = errors.New("the file is there already, and is not this export")

// info is what a file is of.
type info struct {
	organization           string
	realm, root            []byte
	snapshot               int64
	vlobBytes, blockBytes  int64
	certificates, vlobs    bool
	blocks, blocksContents bool
}

// output is the file that is written.
type output struct{ db *sql.DB }

// openFile opens the file, and makes it if it is not there; only its owner reads it.
func openFile(path string) (*output, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the administrator's path
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write the export: %w", err)
	}
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_pragma": {"busy_timeout(1000)", "synchronous(FULL)"}}.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &output{db}, nil
}

func (o *output) close() error { return o.db.Close() }

// change does something as a whole.
func (o *output) change(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := o.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("cannot write the export: %w", err)
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("cannot write the export: %w", err)
	}
	return nil
}

// state reads what the file is of, nil for an empty one.
func (o *output) state(ctx context.Context) (*info, error) {
	tables := 0
	if err := o.db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOther, err)
	}
	if tables == 0 {
		return nil, nil
	}
	i, v := &info{}, 0
	err := o.db.QueryRowContext(ctx, `SELECT version, organization_id, realm_id, root_verify_key, snapshot_timestamp, vlobs_total_bytes, blocks_total_bytes,
		certificates_export_done, vlobs_export_done, blocks_metadata_export_done, blocks_data_export_done FROM info WHERE magic = ?`, magic).
		Scan(&v, &i.organization, &i.realm, &i.root, &i.snapshot, &i.vlobBytes, &i.blockBytes, &i.certificates, &i.vlobs, &i.blocks, &i.blocksContents)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrOther, err)
	case v != version:
		return nil, fmt.Errorf("%w: its format has version %d, and %d is known", ErrOther, v, version)
	}
	return i, nil
}

// begin makes the tables, and says what the file is of.
func (o *output) begin(ctx context.Context, i *info) error {
	return o.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, layout); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO info (organization_id, realm_id, root_verify_key, snapshot_timestamp, vlobs_total_bytes, blocks_total_bytes)
			VALUES (?, ?, ?, ?, ?, ?)`, i.organization, i.realm, i.root, i.snapshot, i.vlobBytes, i.blockBytes)
		return err
	})
}

// differs says what two exports do not have in common.
func (i *info) differs(o *info) string {
	switch {
	case i.organization != o.organization:
		return "it is of organisation " + o.organization
	case string(i.realm) != string(o.realm):
		return fmt.Sprintf("it is of realm %x", o.realm)
	case string(i.root) != string(o.root):
		return "it is of another organisation of the same name"
	case i.snapshot != o.snapshot:
		at, err := trust.DateTimeFromMicros(o.snapshot)
		if err != nil {
			return "its moment cannot be read"
		}
		return "it is of " + at.String()
	case i.vlobBytes != o.vlobBytes || i.blockBytes != o.blockBytes:
		return "the realm had another size when it was begun"
	}
	return ""
}
