package house_test

import (
	"os"
	"os/exec"
	"path/filepath"
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

// TestFuzzScript runs scripts/fuzz on a target that fails in the ways that fuzzing fails: a
// finding ends it, the race of golang/go issue 75804 is tried again.
func TestFuzzScript(t *testing.T) {
	const race = `echo "--- FAIL: FuzzIt (1.00s)"; echo "    context deadline exceeded"; exit 1`
	for name, c := range map[string]struct {
		target string // what the built target does; $n counts its runs
		runs   string
		fails  bool
	}{
		"passes":          {`exit 0`, "1", false},
		"finding":         {`echo "    Failing input written to testdata/fuzz/FuzzIt/x"; exit 1`, "1", true},
		"slow finding":    {`echo "    Failing input written to x"; ` + race, "1", true},
		"unknown failure": {`echo "--- FAIL: FuzzIt"; exit 1`, "1", true},
		"race once":       {`[ "$n" -gt 1 ] || { ` + race + `; }; exit 0`, "2", false},
		"race always":     {race, "3", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			target := "#!/bin/sh\n[ \"$1\" != -test.list ] || { echo FuzzIt; exit 0; }\n" +
				"n=$(($(cat runs) + 1)); echo $n >runs\n" + c.target + "\n"
			fake := "#!/bin/sh\ncase $1 in\nenv) echo /nowhere ;;\nlist) echo \"p " + dir + "\" ;;\n" +
				"test) cp target \"$6\" ;;\nesac\n"
			for file, content := range map[string]string{"go": fake, "target": target, "runs": "0\n", "x_test.go": "func FuzzIt"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			script, err := filepath.Abs("scripts/fuzz")
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "bash", script)
			cmd.Dir, cmd.Env = dir, []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
			out, err := cmd.CombinedOutput()
			if runs := strings.TrimSpace(read(t, filepath.Join(dir, "runs"))); (err != nil) != c.fails || runs != c.runs {
				t.Errorf("error %v after %s runs, output:\n%s", err, runs, out)
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
