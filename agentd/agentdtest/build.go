package agentdtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// program is the agent's package path.
const program = "github.com/seed-73b3884f/parsec-agent/agentd/parsec-agentd"

// Build builds the agent into dir and returns the path of the program. With race it is
// built with the race detector, which needs cgo.
func Build(ctx context.Context, dir string, race bool) (string, error) {
	out := filepath.Join(dir, "parsec-agentd")
	args := []string{"build", "-o", out}
	cgo := "CGO_ENABLED=0"
	if race {
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	}
	cmd := exec.CommandContext(ctx, "go", append(args, program)...)
	cmd.Env = append(os.Environ(), cgo)
	if msg, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build %s: %w\n%s", program, err, msg)
	}
	return out, nil
}

// built is the program of this test process.
var built struct {
	dir  string // empty outside of Main
	once [2]sync.Once
	path [2]string
	err  [2]error
}

// Main runs the tests of a package with a place for the built agent, which it removes
// afterwards. TestMain calls it and exits with what it returns.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "parsec-agentd-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "agentdtest:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	built.dir = dir
	return m.Run()
}

// ProgramVariable is an environment variable with the path of an agent to test instead of
// building one, such as an installed one.
const ProgramVariable = "PARSEC_AGENTD"

// binary returns the path of the program, built at its first use.
func binary(ctx context.Context, race bool) (string, error) {
	if path := os.Getenv(ProgramVariable); path != "" {
		return path, nil
	}
	if built.dir == "" {
		return "", errors.New("agentdtest: TestMain must call agentdtest.Main")
	}
	i := 0
	if race {
		i = 1
	}
	built.once[i].Do(func() {
		dir := filepath.Join(built.dir, fmt.Sprint(i))
		if built.err[i] = os.Mkdir(dir, 0o755); built.err[i] == nil {
			built.path[i], built.err[i] = Build(context.WithoutCancel(ctx), dir, race)
		}
	})
	return built.path[i], built.err[i]
}
