package peer

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Peer is the process on the other end of a connection. It must not be copied. A Peer
// that was not made by FromConn has no groups and no cgroup.
type Peer struct {
	// UID and GID are the effective ids at the time of connect(2).
	UID, GID uint32
	// PID is the process id at the time of connect(2), 0 if it is of a pid namespace that
	// is not visible here. For audit only.
	PID int32

	raw syscall.RawConn

	groupsOnce sync.Once
	groups     []uint32
	groupsErr  error

	cgroupOnce sync.Once
	cgroup     string
}

// NoID is what the kernel reports where there are no credentials. It is never a peer's.
const NoID uint32 = math.MaxUint32

// FromConn asks the kernel for the credentials of c's peer. It makes one system call.
func FromConn(c *net.UnixConn) (*Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("cannot ask for peer credentials: %w", err)
	}
	var cred *unix.Ucred
	err = control(raw, func(fd int) (err error) {
		cred, err = unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot ask for peer credentials: %w", err)
	}
	if cred.Uid == NoID || cred.Gid == NoID {
		return nil, errors.New("the socket has no peer credentials")
	}
	return &Peer{UID: cred.Uid, GID: cred.Gid, PID: cred.Pid, raw: raw}, nil
}

// Groups returns the supplementary groups of the peer at the time of connect(2). The
// primary one, GID, is among them only if the peer says so. The slice must not be changed.
func (p *Peer) Groups() ([]uint32, error) {
	p.groupsOnce.Do(func() {
		p.groupsErr = control(p.raw, func(fd int) (err error) {
			p.groups, err = peerGroups(fd)
			return err
		})
		if p.groupsErr != nil {
			p.groupsErr = fmt.Errorf("cannot ask for the groups of the peer: %w", p.groupsErr)
		}
	})
	return p.groups, p.groupsErr
}

// InGroup reports whether gid is the primary or a supplementary group of the peer. The
// supplementary ones are asked for only if the primary one does not decide.
func (p *Peer) InGroup(gid uint32) (bool, error) {
	if p.GID == gid {
		return true, nil
	}
	groups, err := p.Groups()
	return slices.Contains(groups, gid), err
}

// Cgroup returns the path of the peer's control group, such as
// "/system.slice/nginx.service", or "" if it cannot be known. The first call reads
// /proc, later ones return what it found. See the package for how far to trust it.
func (p *Peer) Cgroup() string {
	p.cgroupOnce.Do(func() { p.cgroup = p.readCgroup(procRoot) })
	return p.cgroup
}

// LogValue logs the ids and asks for nothing more.
func (p *Peer) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Uint64("uid", uint64(p.UID)), slog.Uint64("gid", uint64(p.GID)), slog.Int64("pid", int64(p.PID)))
}

// control runs f on the descriptor of raw, which stays open meanwhile.
func control(raw syscall.RawConn, f func(fd int) error) error {
	if raw == nil {
		return net.ErrClosed
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return err
	}
	return inner
}
