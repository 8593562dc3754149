package house_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestNeed runs scripts/need as somebody who may not install packages.
func TestNeed(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		fails  bool
		output string
	}{
		"all there":             {args: []string{"sh:dash", "cat:coreutils"}},
		"missing command":       {args: []string{"sh:dash", "no-such-command:its-package"}, fails: true, output: "its-package"},
		"several at once":       {args: []string{"no-such-1:one", "no-such-2:two"}, fails: true, output: "one two"},
		"in a system directory": {args: []string{"ldconfig:libc-bin"}},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "bash", append([]string{"-s", "--"}, c.args...)...)
			cmd.Stdin = strings.NewReader(read(t, "scripts/need"))
			cmd.Dir = "/"
			if os.Getuid() == 0 {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			}
			out, err := cmd.CombinedOutput()
			if (err != nil) != c.fails || !strings.Contains(string(out), c.output) {
				t.Errorf("error %v, output:\n%s", err, out)
			}
		})
	}
}

// TestScriptsParse reads every shell script of the tree with bash.
func TestScriptsParse(t *testing.T) {
	n := 0
	for _, path := range files(t) {
		if strings.HasPrefix(read(t, path), "#!/usr/bin/env bash\n") {
			n++
			run(t, "bash", "-n", path)
		}
	}
	if n < 4 {
		t.Errorf("only %d scripts found", n)
	}
}
