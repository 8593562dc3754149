package agentdtest

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
