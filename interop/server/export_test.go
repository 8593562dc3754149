//go:build interop

package server_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// theirExport is the original's command, at a time when all is old enough for an export.
const theirExport = `
import sys
import parsec.realm_export
from parsec._parsec import DateTime
from parsec.cli import cli
parsec.realm_export.get_earliest_allowed_snapshot_timestamp = lambda: DateTime.now().add(hours=1)
cli(sys.argv[1:])
`

// exported are the contents of an export, without the numbers that each server gives rows. Rows that have no order are sorted by what they are. Of the
// accesses to a key only the newest of each user is ours (docs/formats/realm-export.md).
var exported = []string{
	`* FROM info`,
	`hex(certificate) FROM common_certificate ORDER BY _id`,
	`hex(certificate) FROM sequester_certificate ORDER BY _id`,
	`hex(certificate) FROM realm_certificate ORDER BY _id`,
	`key_index, hex(keys_bundle) FROM realm_keys_bundle ORDER BY key_index`,
	`hex(user_id), key_index, hex(access) FROM realm_keys_bundle_access WHERE _id IN (SELECT max(_id) FROM realm_keys_bundle_access GROUP BY user_id, key_index) ORDER BY 1, 2, 3`,
	`hex(sequester_service_id), key_index, hex(access) FROM realm_sequester_keys_bundle_access ORDER BY 1, 2, 3`,
	`hex(vlob_id), version, key_index, hex(blob), size, hex(author), timestamp FROM vlob_atom ORDER BY sequential_id`,
	`hex(block_id), hex(author), size, key_index, hex(data) FROM block LEFT JOIN block_data ON block = sequential_id ORDER BY sequential_id`,
}

// content reads an export.
func content(t *testing.T, path, query string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sqlite3", "-readonly", path, ".nullvalue NULL", "SELECT "+query).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", query, err, out)
	}
	return string(out)
}

// sameExports exports realms from the original's database and from a place of ours to which they were imported, and wants the same files.
func sameExports(t *testing.T, database string, place []string, realms map[trust.RealmID]trust.OrganizationID) {
	t.Helper()
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Fatal("Debian package sqlite3 is needed")
	}
	at := Must(trust.DateTimeOf(time.Now())).String()
	rows := 0
	for realm, organization := range realms {
		a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
		status, said := program(t, append([]string{"realm", "export", organization.String(), realm.String(), a, "--at=" + at}, place...)...)
		out, err := cloudtest.Python(t, "-c", theirExport, "export_realm", b, "--organization="+organization.String(), "--realm="+realm.String(), "--snapshot-timestamp="+at,
			"--db="+database, "--blockstore=POSTGRESQL")
		if (status == 0) != (err == nil) {
			t.Errorf("realm %s: ours says %q, theirs %v: %s", realm, said, err, out)
		}
		if status != 0 || err != nil {
			continue
		}
		for _, query := range exported {
			ours, theirs := content(t, a, query), content(t, b, query)
			if ours != theirs {
				t.Errorf("realm %s: %s: ours\n%.2000s\ntheirs\n%.2000s", realm, query, ours, theirs)
			}
			rows += strings.Count(ours, "\n")
		}
	}
	if rows < 50 {
		t.Errorf("%d rows were compared", rows)
	}
}
