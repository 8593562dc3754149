package peer

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

const (
	procRoot = "/proc"
	// maxProcFile bounds what is read of a file in /proc, in bytes: some ten hierarchies
	// of version 1 with a path each.
	maxProcFile = 16 << 10
	// usualProcFile is enough for nearly all of them.
	usualProcFile = 1 << 10
	// maxCgroup bounds the path that is kept, in bytes.
	maxCgroup = 512
)

// readCgroup reads the cgroup of p.PID and makes sure, as well as the kernel allows, that
// the pid was still the peer's when it was read.
func (p *Peer) readCgroup(root string) string {
	if p.PID <= 0 {
		return ""
	}
	dir := filepath.Join(root, strconv.Itoa(int(p.PID)))
	var path string
	err := control(p.raw, func(fd int) error {
		pidfd, err := peerPIDFD(fd)
		switch {
		case err == nil:
			defer func() { _ = unix.Close(pidfd) }()
			path = cgroupOf(dir)
			// Alive after the read: the pid was not free before it.
			return unix.PidfdSendSignal(pidfd, 0, nil, 0)
		case errors.Is(err, unix.ENOPROTOOPT):
			path = cgroupOf(dir)
			return ownedBy(dir, p.UID)
		default: // the process is gone
			return err
		}
	})
	// EPERM: alive, and not ours to signal.
	if err != nil && !errors.Is(err, unix.EPERM) {
		return ""
	}
	return path
}

// cgroupOf returns the path in the file cgroup of a directory of /proc.
func cgroupOf(dir string) string { return parseCgroup(readProc(filepath.Join(dir, "cgroup"))) }

// parseCgroup returns the path of version 2 ("0::PATH") where it is in use, else of the
// named hierarchy that systemd keeps, else of the first line.
func parseCgroup(file []byte) string {
	var first, named string
	for line := range bytes.Lines(file) {
		number, rest, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), ":")
		controllers, path, ok := strings.Cut(rest, ":")
		switch {
		case !ok:
			continue
		case number == "0" && controllers == "" && path != "/":
			return clean(path)
		case controllers == "name=systemd":
			named = path
		case first == "":
			first = path
		}
	}
	if named != "" {
		return clean(named)
	}
	return clean(first)
}

// ownedBy is the weak check for kernels without SO_PEERPIDFD: whoever has the pid now
// has, among its real, effective, saved and file system uid, the peer's.
func ownedBy(dir string, uid uint32) error {
	want := strconv.FormatUint(uint64(uid), 10)
	for line := range bytes.Lines(readProc(filepath.Join(dir, "status"))) {
		if list, ok := bytes.CutPrefix(line, []byte("Uid:")); ok {
			for field := range bytes.FieldsSeq(list) {
				if string(field) == want {
					return nil
				}
			}
		}
	}
	return os.ErrProcessDone
}

// readProc returns the beginning of a file in /proc, nothing if it cannot be read. Nearly
// every one-shot request reads one, so it makes the three system calls that are needed;
// os.Open and io.ReadAll make eight.
func readProc(name string) []byte {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = unix.Close(fd) }()
	b := make([]byte, usualProcFile)
	for read := 0; ; {
		n, err := unix.Read(fd, b[read:])
		if err != nil {
			return nil
		}
		// The files that are read here are generated whole: a short read is the last.
		if read += n; read < len(b) || len(b) == maxProcFile {
			return b[:read]
		}
		more := make([]byte, maxProcFile)
		copy(more, b)
		b = more
	}
}

// clean makes a path safe for a log: users may create cgroups of any name.
func clean(path string) string {
	if len(path) > maxCgroup {
		path = path[:maxCgroup]
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, path)
}
