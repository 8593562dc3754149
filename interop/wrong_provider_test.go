package interop

import (
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// TestKeysOfOtherProvidersAreLeftAlone asks the software provider for the recorded keys of
// a token and a TPM: nothing can be done to them, least of all their mappings removed.
func TestKeysOfOtherProvidersAreLeftAlone(t *testing.T) {
	if os.Getuid() != 0 {
		needRoot(t)
		t.Skip("the recorded keys belong to uid 0")
	}
	file := loadKIM(t)
	s := original.Settings{Dir: agentdtest.Dir(t)}
	file.lay(t, s)
	a := agentdtest.Start(t, agentdtest.Options{Dir: s.Dir, Config: s.Config()})
	session := socket.Session{Path: a.Socket, Provider: wire.ProviderMbedCrypto}
	asked := 0
	for _, r := range file.Other {
		if r.Application != "0" {
			continue // an entry of the service itself
		}
		asked++
		for _, op := range []wire.Opcode{wire.OpExportPublicKey, wire.OpExportKey, wire.OpDestroyKey} {
			err := session.Do(t.Context(), op, &psapb.KeyRef{KeyName: r.KeyName}, nil)
			if wire.StatusOf(err) != wire.StatusDoesNotExist {
				t.Errorf("%v of %s, a key of %s: %v", op, r.KeyName, r.Provider, err)
			}
		}
	}
	if asked == 0 {
		t.Error("no recorded key of another provider")
	}
	a.Stop()
	file.unchanged(t, s)
}
