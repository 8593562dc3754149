package processtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

var (
	resident = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)
	most     = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
)

// Memory is what the process has in memory now, and had at most since it began or Forget, in bytes.
func (p *Process) Memory() (now, peak int64) {
	p.t.Helper()
	text, err := os.ReadFile(p.proc("status"))
	if err != nil {
		p.t.Fatal(err)
	}
	read := func(line *regexp.Regexp) int64 {
		m := line.FindSubmatch(text)
		if m == nil {
			p.t.Fatalf("the kernel says nothing of memory: %s", text)
		}
		n, err := strconv.ParseInt(string(m[1]), 10, 64)
		if err != nil {
			p.t.Fatal(err)
		}
		return n << 10
	}
	return read(resident), read(most)
}

// Forget lets the peak begin anew.
func (p *Process) Forget() {
	p.t.Helper()
	const resetPeak = "5"
	if err := os.WriteFile(p.proc("clear_refs"), []byte(resetPeak), 0); err != nil {
		p.t.Fatal(err)
	}
}

func (p *Process) proc(name string) string {
	return filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), name)
}
