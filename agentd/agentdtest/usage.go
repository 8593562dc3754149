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
	// what no other process has, Anonymous what is in no file: the system cannot take it away.
	RSS, PSS, Private, Anonymous int64
	Threads, Files               int
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
	u.Anonymous = rollup["Anonymous"] << 10
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
	s, err := statOf(p.PID())
	return s.own, err
}

// CPUWithChildren is Process.CPU of any process together with its children, those that have ended too.
func CPUWithChildren(pid int) (time.Duration, error) {
	s, err := statOf(pid)
	if err != nil {
		return 0, err
	}
	sum := s.own + s.ended
	all, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, e := range all {
		if child, err := strconv.Atoi(e.Name()); err == nil {
			if c, err := statOf(child); err == nil && c.parent == pid { // one that ends meanwhile does not count
				sum += c.own
			}
		}
	}
	return sum, nil
}

// stat is what the kernel says of a process: how long it ran, and how long children ran that have ended.
type stat struct {
	parent     int
	own, ended time.Duration
}

func statOf(pid int) (s stat, err error) {
	const (
		tick = 10 * time.Millisecond // for every program, whatever the kernel counts in
		// Words after the name, which may have spaces.
		parent, user, ended, most = 1, 11, 13, 15
	)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, err
	}
	words := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(words) < most {
		return s, fmt.Errorf("the kernel says %q of process %d", text, pid)
	}
	if s.parent, err = strconv.Atoi(words[parent]); err != nil {
		return s, err
	}
	for i, w := range words[user:most] {
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil {
			return s, err
		}
		if i < ended-user {
			s.own += time.Duration(n) * tick
		} else {
			s.ended += time.Duration(n) * tick
		}
	}
	return s, nil
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
