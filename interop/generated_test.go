package interop

import (
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/requesttest"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// TestGeneratedRequests sends generated requests, broken ones among them, to our agent
// alone: each has one whole answer, none a status that says nothing, and the agent ends as
// it should. The comparison with the original is TestDifferential.
func TestGeneratedRequests(t *testing.T) {
	dir := memoryDir(t)
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: agentdtest.Config(dir) + "\n[agent]\naudit = \"off\"\n"})
	uids := []uint32{uint32(os.Getuid())}
	if os.Getuid() == 0 {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		uids = append(uids, 1000, 1001)
	}
	source := requesttest.New(seed(t), requesttest.Software, uids...)
	counts := map[wire.Status]int{}
	for range rounds(1500, 20000) {
		st := source.Next()
		got := socket.Parse(socket.Raw(t.Context(), a.Socket, st.UID, st.Frame, st.Half))
		counts[got.Status]++
		if got.Err != nil || got.Status == wire.StatusGenericError || got.Status != wire.StatusSuccess && len(got.Body) != 0 {
			t.Errorf("%v: uid %d, faults %v, frame %x", got, st.UID, st.Faults, st.Frame)
		}
		source.Learn(st.UID, requesttest.Mean(st.Frame), got.Status, got.Body)
	}
	if counts[wire.StatusSuccess] < 300 {
		t.Errorf("only %d requests succeed: %v", counts[wire.StatusSuccess], counts)
	}
	t.Logf("answers: %v", counts)
}
