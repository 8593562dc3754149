package interop

import (
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/requesttest"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// TestGeneratedRequests sends generated requests, broken ones among them, to our agent
// alone: each has one whole answer, none a status that says nothing, and the agent ends as
// it should. The comparison with the original is TestDifferential and its like for hardware.
func TestGeneratedRequests(t *testing.T) {
	drawn{focus: requesttest.Software, rounds: rounds(1500, 20000), succeed: 5}.run(t, "", nil)
}

// TestGeneratedRequestsPKCS11 does the same with a SoftHSM2 token.
func TestGeneratedRequestsPKCS11(t *testing.T) {
	h := tokentest.New(t)
	h.Token("generated")
	drawn{focus: requesttest.PKCS11, rounds: rounds(150, 5000), succeed: 10}.run(t, pkcs11Table("sqlite"), pkcs11Env(t, h))
}

// TestGeneratedRequestsTPM does the same with a software TPM.
func TestGeneratedRequestsTPM(t *testing.T) {
	drawn{focus: requesttest.TPM, rounds: rounds(150, 5000), succeed: 10}.run(t, tpmConfig("sqlite", tpmtest.Start(t).TCTI()), nil)
}

// drawn is a run of generated requests.
type drawn struct {
	focus  *requesttest.Focus
	rounds int
	// succeed: at least one request in so many does.
	succeed int
}

func (g drawn) run(t *testing.T, provider string, env []string) {
	t.Helper()
	dir := memoryDir(t)
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: agentdtest.Config(dir) + provider + "\n[agent]\naudit = \"off\"\n", Env: env})
	uids := []uint32{uint32(os.Getuid())}
	if os.Getuid() == 0 {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		uids = append(uids, 1000, 1001)
	}
	source := requesttest.New(seed(t), g.focus, uids...)
	counts := map[wire.Status]int{}
	for range g.rounds {
		st := source.Next()
		if requesttest.Endless(requesttest.Mean(st.Frame)) {
			continue
		}
		got := socket.Parse(socket.Raw(t.Context(), a.Socket, st.UID, st.Frame, st.Half))
		counts[got.Status]++
		if got.Err != nil || got.Status == wire.StatusGenericError || got.Status != wire.StatusSuccess && len(got.Body) != 0 {
			t.Errorf("%v: uid %d, faults %v, frame %x", got, st.UID, st.Faults, st.Frame)
		}
		source.Learn(st.UID, requesttest.Mean(st.Frame), got.Status, got.Body)
	}
	if counts[wire.StatusSuccess] < g.rounds/g.succeed {
		t.Errorf("only %d requests succeed: %v", counts[wire.StatusSuccess], counts)
	}
	t.Logf("answers: %v", counts)
}
