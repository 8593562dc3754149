package agentdtest

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process holds and has done, as the kernel counts.
type Usage struct {
	// RSS and PSS are resident memory in bytes; PSS shares what is shared. Private is
	// what no other process has.
	RSS, PSS, Private int64
	Threads, Files    int
	// Wakeups is how often a thread of the process waited and was woken (voluntary context switches).
	Wakeups int64
}

// Usage reads what the process holds now.
func (p *Process) Usage() (Usage, error) {
	dir := fmt.Sprintf("/proc/%d", p.PID())
	u := Usage{}
	rollup, err := fields(dir + "/smaps_rollup")
	if err != nil {
		return u, err
	}
	u.RSS, u.PSS = rollup["Rss"]<<10, rollup["Pss"]<<10
	u.Private = (rollup["Private_Clean"] + rollup["Private_Dirty"]) << 10
	files, err := os.ReadDir(dir + "/fd")
	if err != nil {
		return u, err
	}
	u.Files = len(files)
	threads, err := filepath.Glob(dir + "/task/*/status")
	if err != nil {
		return u, err
	}
	for _, t := range threads {
		status, err := fields(t)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return u, err
		}
		u.Threads++
		u.Wakeups += status["voluntary_ctxt_switches"]
	}
	return u, nil
}

// CPU is how long the process ran on all processors, in steps of ten milliseconds.
func (p *Process) CPU() (time.Duration, error) {
	const (
		tick       = 10 * time.Millisecond // for every program, whatever the kernel counts in
		user, most = 11, 13                // after the name, which may have spaces
	)
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		return 0, err
	}
	words := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(words) < most {
		return 0, fmt.Errorf("the kernel says %q of process %d", stat, p.PID())
	}
	sum := int64(0)
	for _, w := range words[user:most] {
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return time.Duration(sum) * tick, nil
}

// fields reads the lines `Name: number …` of a file.
func fields(path string) (map[string]int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[string]int64{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		if words := strings.Fields(rest); len(words) > 0 {
			if n, err := strconv.ParseInt(words[0], 10, 64); err == nil {
				out[name] = n
			}
		}
	}
	return out, lines.Err()
}
