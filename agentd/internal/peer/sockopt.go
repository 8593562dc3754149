package peer

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxGroups is the kernel's limit (NGROUPS_MAX) of supplementary groups.
const maxGroups = 65536

// fewGroups is what nearly every process has at most: the answer then costs one call.
const fewGroups = 32

// peerGroups reads SO_PEERGROUPS of a socket.
func peerGroups(fd int) ([]uint32, error) {
	groups := make([]uint32, fewGroups)
	n, err := getsockopt(fd, unix.SO_PEERGROUPS, groups)
	if errors.Is(err, unix.ERANGE) {
		// The credentials of a connection never change: what the kernel now asks for
		// suffices.
		if n > maxGroups {
			return nil, fmt.Errorf("the kernel reports %d groups", n)
		}
		groups = make([]uint32, n)
		n, err = getsockopt(fd, unix.SO_PEERGROUPS, groups)
	}
	if err != nil {
		return nil, err
	}
	return groups[:n:n], nil
}

// getsockopt reads an option that is an array of ids and returns their number, or with
// ERANGE the number that there are. x/sys/unix has no function for such options.
func getsockopt(fd, option int, ids []uint32) (int, error) {
	const size = int(unsafe.Sizeof(ids[0]))
	length := uint32(len(ids) * size) //nolint:gosec // at most 4 × maxGroups
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, uintptr(option),
		uintptr(unsafe.Pointer(&ids[0])), uintptr(unsafe.Pointer(&length)), 0) //nolint:gosec // memory is ours and of the announced length
	n := int(length) / size
	if errno != 0 {
		return n, errno
	}
	return n, nil
}

// peerPIDFD returns a descriptor of the peer process itself, not of whoever has its pid now.
func peerPIDFD(fd int) (int, error) {
	return unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PEERPIDFD)
}
