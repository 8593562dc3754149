package cardtest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// freePorts returns the first of n ports in a row that nobody uses now.
func freePorts(n int) (int, error) {
	var err error
	const tries = 64
	for range tries {
		var first int
		if first, err = tryPorts(n); err == nil {
			return first, nil
		}
	}
	return 0, fmt.Errorf("no %d ports in a row are free: %w", n, err)
}

func tryPorts(n int) (int, error) {
	first := 0
	for i := range n {
		port := 0
		if i > 0 {
			port = first + i
		}
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{Port: port})
		if err != nil {
			return 0, err
		}
		defer func() { _ = l.Close() }()
		if addr, ok := l.Addr().(*net.TCPAddr); ok && i == 0 {
			first = addr.Port
		}
	}
	return first, nil
}

// listens reports whether it is the process that listens on a port, by what the kernel
// lists.
func listens(pid, port int) bool {
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return false
	}
	own := map[string]bool{}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			own[target] = true
		}
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/net/tcp", pid))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	const address, state, inode, listening = 1, 3, 9, "0A"
	suffix := fmt.Sprintf(":%04X", port)
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) > inode && strings.HasSuffix(fields[address], suffix) && fields[state] == listening &&
			own["socket:["+fields[inode]+"]"] {
			return true
		}
	}
	return false
}
