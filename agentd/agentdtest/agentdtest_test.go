package agentdtest_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
)

func TestMain(m *testing.M) { os.Exit(agentdtest.Main(m)) }

func TestLife(t *testing.T) {
	a := agentdtest.Start(t, agentdtest.Options{})
	first := a.PID()
	if err := agentdtest.Ping(t.Context(), a.Socket); err != nil {
		t.Fatal(err)
	}
	a.Kill()
	if err := agentdtest.Ping(t.Context(), a.Socket); err == nil {
		t.Error("a killed agent answers")
	}
	a.Start()
	if a.PID() == first {
		t.Errorf("the agent is process %d again", first)
	}
	if err := a.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := agentdtest.Ping(t.Context(), a.Socket); err != nil {
		t.Fatal(err)
	}
	a.Stop()
	if _, err := os.Stat(a.Dir + "/kim.sqlite3"); err != nil {
		t.Error(err)
	}
}

// TestFailedStart: an agent that cannot start says why.
func TestFailedStart(t *testing.T) {
	a := agentdtest.New(t, agentdtest.Options{Config: "[core_settings]\nallow_root = 7\n"})
	err := a.Try()
	if err == nil || !strings.Contains(err.Error(), "allow_root") {
		t.Errorf("a bad configuration: %v", err)
	}
}

func TestAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("takes root")
	}
	a := agentdtest.Start(t, agentdtest.Options{UID: 4711, Files: 512})
	u, err := a.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if u.RSS == 0 || u.Threads == 0 || u.Files == 0 || u.Wakeups == 0 {
		t.Errorf("usage %+v", u)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(a.Dir+"/kim.sqlite3", &st); err != nil || st.Uid != 4711 {
		t.Errorf("the state belongs to uid %d, %v", st.Uid, err)
	}
}
