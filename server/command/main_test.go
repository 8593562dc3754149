package command_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/command"
	"github.com/seed-73b3884f/parsec-agent/server/processtest"
)

// asProgram makes the test program the server itself, with the arguments that the variable has.
const asProgram = "PARSEC_SERVER_TEST_ARGUMENTS"

func TestMain(m *testing.M) {
	if args := os.Getenv(asProgram); args != "" {
		os.Exit(command.Main(strings.Split(args, "\n"), "test"))
	}
	processtest.Main(m)
}

// itself is parsec-server with arguments.
func itself(t *testing.T, args []string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asProgram+"="+strings.Join(args, "\n"))
	return cmd
}

// start runs parsec-server until it is ready. It ends with the test, if nothing ends it before.
func start(t *testing.T, args ...string) *processtest.Process {
	t.Helper()
	return processtest.Run(t, func() *exec.Cmd { return itself(t, args) })
}

// fails runs parsec-server with arguments with which it ends at once, and returns what it says.
func fails(t *testing.T, args ...string) string {
	t.Helper()
	out, err := itself(t, args).CombinedOutput()
	if err == nil {
		t.Errorf("parsec-server %q does not fail: %s", args, out)
	}
	return string(out)
}
