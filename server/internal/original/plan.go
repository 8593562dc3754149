package original

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
)

// source gives the rows of one of our tables.
type source struct {
	table string
	// with are tables that the statement uses.
	with, statement string
}

// organizationTable has one row of an organisation, which is written first.
const organizationTable = "organization"

// sources are in the order in which they are imported.
var sources = []source{
	{table: "person", statement: personRows},
	{table: "profile", statement: profileRows},
	{table: "device", statement: deviceRows},
	{table: "certificate", with: viewersOf, statement: certificateRows},
	{table: "realm", statement: realmRows},
	{table: "realm_role", statement: realmRoleRows},
	{table: "keys_bundle", statement: keysBundleRows},
	{table: "keys_access", statement: keysAccessRows},
	{table: "sequester_service", statement: serviceRows},
	{table: "sequester_access", statement: serviceAccessRows},
	{table: "vlob", statement: vlobRows},
	{table: blockTable, statement: blockRows},
	{table: "invitation", statement: invitationRows},
	{table: "greeting_attempt", with: numbered, statement: attemptRows},
	{table: "greeting_step", with: numbered, statement: stepRows},
	{table: "totp", statement: totpRows},
	{table: "opaque_key", statement: opaqueKeyRows},
	{table: "enrollment", statement: enrollmentRows},
	{table: "shamir_recovery", statement: recoveryRows},
	{table: "shamir_share", statement: shareRows},
}

const blockTable = "block"

// macros are what statements use like functions: the original's database is only read, and gets none.
var macros = []struct{ name, text string }{
	{"us", `CAST(extract(epoch FROM $) * 1000000 AS bigint)`},
	{"profile", `array_position(ARRAY['OUTSIDER', 'STANDARD', 'ADMIN'], $::text)`},
	{"role", `coalesce(array_position(ARRAY['READER', 'CONTRIBUTOR', 'MANAGER', 'OWNER'], $::text), 0)`},
	{"archiving", `array_position(ARRAY['AVAILABLE', 'ARCHIVED', 'DELETION_PLANNED'], $::text)`},
	{"chain", `(WITH RECURSIVE up AS (SELECT parent, der_content, 0 AS depth FROM pki_x509_certificate WHERE sha256_fingerprint = $
		UNION ALL SELECT p.parent, p.der_content, up.depth + 1 FROM pki_x509_certificate p JOIN up ON p.sha256_fingerprint = up.parent WHERE up.depth < 100)
		SELECT coalesce(json_agg(encode(der_content, 'base64') ORDER BY depth), '[]') FROM up WHERE depth > 0)`},
}

// expand replaces macros by what they stand for.
func expand(text string) string {
	for _, m := range macros {
		out := strings.Builder{}
		for {
			before, rest, found := strings.Cut(text, m.name+"(")
			_, _ = out.WriteString(before) // never fails
			if !found {
				break
			}
			depth, end := 1, 0
			for ; depth > 0; end++ {
				switch rest[end] {
				case '(':
					depth++
				case ')':
					depth--
				}
			}
			_, _ = out.WriteString(strings.ReplaceAll(m.text, "$", rest[:end-1]))
			text = rest[end:]
		}
		text = out.String()
	}
	return text
}

// selection is what is read of a table of ours: there, and here.
type selection struct {
	store.Table
	// columns are those of the table but for its first one, which says whose a row is.
	columns []store.Column
	theirs  string
	ours    string
}

// plan makes the selections of all tables, that of organisations first.
func plan(ctx context.Context) (all []selection, err error) {
	version, err := store.Newest()
	if err != nil {
		return nil, err
	}
	tables, err := store.Schema(ctx, version)
	if err != nil {
		return nil, err
	}
	byName := map[string]store.Table{}
	for _, t := range tables {
		byName[t.Name] = t
	}
	for _, s := range append([]source{{table: organizationTable, statement: organizationRow}}, sources...) {
		t, known := byName[s.table]
		if !known {
			return nil, fmt.Errorf("there is no table %s", s.table)
		}
		all = append(all, s.selection(t))
	}
	return all, nil
}

func (s source) selection(t store.Table) selection {
	types := map[string]string{"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea"}
	casts, names := []string{}, []string{}
	for _, c := range t.Columns[1:] {
		casts, names = append(casts, fmt.Sprintf("CAST(%s AS %s) AS %[1]s", c.Name, types[c.Kind])), append(names, c.Name)
	}
	order := strings.Join(t.Key[1:], ", ")
	if t.Name == organizationTable {
		order = "id"
	}
	with := "WITH "
	if s.with != "" {
		with += s.with + ", "
	}
	return selection{
		Table: t, columns: t.Columns[1:],
		theirs: expand(with + "found AS (" + s.statement + ") SELECT " + strings.Join(casts, ", ") + " FROM found ORDER BY " + order),
		ours:   "SELECT " + strings.Join(names, ", ") + " FROM " + t.Name + " WHERE " + t.Columns[0].Name + " = $1 ORDER BY " + order,
	}
}
