//go:build interop

package original_test

import (
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// TestTheOriginalRuns starts it as root and as another user, and asks as two users.
func TestTheOriginalRuns(t *testing.T) {
	tree, err := original.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, uid := range []uint32{0, 4711} {
		dir, err := os.MkdirTemp("/tmp", "pa-") //nolint:usetesting // short, and open to others
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir, int(uid), int(uid)); err != nil {
			t.Fatal(err)
		}
		unshare, err := tree.Share(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		p, err := tree.Start(t.Context(), original.Settings{Dir: dir, IdleSleep: 1}, uid, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, client := range []uint32{0, 1000} {
			s := socket.Session{Path: dir + "/parsec.sock", UID: client, Provider: wire.ProviderMbedCrypto}
			out := &psapb.ListProvidersResult{}
			if err := s.Do(t.Context(), wire.OpListProviders, nil, out); err != nil || len(out.GetProviders()) != 2 {
				t.Errorf("as %d: %v, %v", client, out, err)
			}
		}
		u, err := p.Usage()
		t.Logf("%+v, %v", u, err)
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		if err := unshare(); err != nil {
			t.Error(err)
		}
	}
}
