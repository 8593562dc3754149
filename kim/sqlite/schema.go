package sqlite

import (
	"errors"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

const (
	schemaVersion = 1
	// keyIDVersion and attributesVersion stand in every row of the original's.
	keyIDVersion, attributesVersion = 1, 1
	// adoptedVersion stands for keyIDVersion in rows of adopted keys, which are in our table.
	adoptedVersion = 2
)

// table is one of the two tables of mappings, with the table that holds its version. Both
// have the same columns and differ in the encoding of the attributes.
type table struct {
	name, metadata string
	decode         func([]byte) (psa.Attributes, error)
	definition     string
}

// original is what the original service makes, to the letter but for white space.
var original = &table{
	name: "key_mapping", metadata: "kim_metadata", decode: decodeOriginal, definition: definition("kim_metadata", "key_mapping"),
}

// ours holds what the original cannot parse.
var ours = &table{
	name: "agent_key_mapping", metadata: "agent_metadata", decode: kim.DecodeExtended,
	definition: definition("agent_metadata", "agent_key_mapping"),
}

func definition(metadata, mapping string) string {
	return `
CREATE TABLE ` + metadata + ` (
    id        TEXT NOT NULL,
    int_value INTEGER NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE ` + mapping + ` (
    authenticator_id       INTEGER NOT NULL,
    application_name       TEXT NOT NULL,
    key_name               TEXT NOT NULL,
    provider_uuid          TEXT NOT NULL,
    provider_name          TEXT NOT NULL,
    key_id                 BLOB NOT NULL,
    key_id_version         INTEGER NOT NULL,
    key_attributes         BLOB NOT NULL,
    key_attributes_version INTEGER NOT NULL,
    PRIMARY KEY (authenticator_id, application_name, key_name)
);
INSERT INTO ` + metadata + ` (id, int_value) VALUES ('schema_version', 1);
`
}

const columns = "authenticator_id, application_name, key_name, provider_uuid, provider_name, " +
	"key_id, key_id_version, key_attributes, key_attributes_version"

const where = " WHERE authenticator_id = ?1 AND application_name = ?2 AND key_name = ?3"

func (t *table) selectAll() string { return "SELECT " + columns + " FROM " + t.name }

// The driver binds an empty slice as NULL, hence coalesce.

func (t *table) insertRow() string {
	return "INSERT INTO " + t.name + " (" + columns + ") VALUES (?, ?, ?, ?, ?, coalesce(?, x''), ?, ?, ?)"
}

func (t *table) updateRow() string {
	return "UPDATE " + t.name + " SET key_id = coalesce(?4, x''), key_attributes = ?5" + where +
		" AND (key_id <> coalesce(?4, x'') OR key_attributes <> ?5)"
}

func (t *table) countRow() string { return "SELECT count(*) FROM " + t.name + where }

func (t *table) deleteRow() string { return "DELETE FROM " + t.name + where }

func decodeOriginal(b []byte) (psa.Attributes, error) {
	a, _, err := kim.DecodeAttributes(b)
	return a, err
}

// encode returns the table that an entry belongs in and the bytes of its attributes there.
func encode(e kim.Entry) (*table, []byte, error) {
	b, err := kim.EncodeAttributes(e.Attributes)
	if !e.Adopted && !errors.Is(err, kim.ErrExtended) {
		return original, b, err
	}
	b, err = kim.EncodeExtended(e.Attributes)
	return ours, b, err
}

// versionOf is what stands as key_id_version in the row of an entry.
func versionOf(e kim.Entry) int64 {
	if e.Adopted {
		return adoptedVersion
	}
	return keyIDVersion
}
