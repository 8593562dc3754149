package backup_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/backup"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// goldenOrganisation is a backup that was made with version 5 of the schema.
var goldenOrganisation = filepath.Join("testdata", "organisation")

// golden is the organisation that the backup is of, with keys and ids that do not change.
func golden(s *Server) (*Organization, trust.RealmID) {
	o := s.Unborn()
	o.ID, o.Root = Must(trust.NewOrganizationID("GoldenOrg")), Must(trust.NewSigningKey(bytes.Repeat([]byte{1}, 32)))
	o.First.Signing, o.First.User, o.First.ID = Must(trust.NewSigningKey(bytes.Repeat([]byte{2}, 32))), trust.UserID{3}, trust.DeviceID{4}
	return o, trust.RealmID{5}
}

// TestGoldenOrganisation: a backup of an organisation that was made once is restored for ever, on either database, and its clients go on.
func TestGoldenOrganisation(t *testing.T) {
	if flag.Lookup("update").Value.String() == "true" {
		makeGolden(t)
	}
	copied := filepath.Join(t.TempDir(), "backup") // reading makes no file, but a lock might
	if err := os.CopyFS(copied, os.DirFS(goldenOrganisation)); err != nil {
		t.Fatal(err)
	}
	whole := Must(backup.Verify(t.Context(), copied, nil))
	if whole.Schema != 5 {
		t.Errorf("it has version %d of the schema", whole.Schema)
	}
	for _, kind := range []string{"SQLite", "PostgreSQL"} {
		t.Run(kind, func(t *testing.T) {
			h := newHome(t, kind)
			if err := backup.Restore(t.Context(), whole, h.target(t)); err != nil {
				t.Fatal(err)
			}
			s := h.serve(t, nil)
			s.Clock.Advance(time.Hour)
			o, realm := golden(s)
			for _, req := range []cloud.Request{
				&cloud.VlobReadBatchReq{RealmID: realm, Vlobs: []trust.VlobID{{6}}}, &cloud.BlockReadReq{RealmID: realm, BlockID: trust.BlockID{7}},
			} {
				if a := o.First.Do(req); a.Reply != "ok" || !bytes.Contains(a.Body, []byte("golden content")) {
					t.Errorf("%s: %s (HTTP status %d)", req.Command(), a.Reply, a.Status)
				}
			}
			OK(t, o.First.Do(&cloud.VlobUpdateReq{RealmID: realm, VlobID: trust.VlobID{6}, Timestamp: s.Clock.Tick(), Version: 2, Blob: []byte("on")}))
			o.Enrol("bob", trust.Standard)
		})
	}
}

func makeGolden(t *testing.T) {
	t.Helper()
	h := newHome(t, "SQLite")
	o, realm := golden(h.serve(t, nil))
	OK(t, o.Anonymous(o.BootstrapReq()))
	OK(t, o.First.Do(&cloud.RealmCreateReq{RealmRoleCertificate: o.First.RoleReq(realm, o.First.User, trust.Owner)}))
	content := []byte("golden content")
	OK(t, o.First.Do(&cloud.VlobCreateReq{RealmID: realm, VlobID: trust.VlobID{6}, Timestamp: o.Clock.Tick(), Blob: content}))
	OK(t, o.First.Do(&cloud.BlockCreateReq{RealmID: realm, BlockID: trust.BlockID{7}, Block: content}))
	OK(t, o.First.Do(&cloud.InviteNewUserReq{ClaimerEmail: Must(trust.NewEmailAddress("zoe@example.com"))}))
	if err := os.RemoveAll(goldenOrganisation); err != nil {
		t.Fatal(err)
	}
	if _, err := h.take(t.Context(), t, backup.Options{Path: goldenOrganisation, Program: "parsec-server test"}); err != nil {
		t.Fatal(err)
	}
}
