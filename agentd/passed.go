package agentd

import (
	"errors"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// maxPassedFile bounds what is read of a file that was passed, in bytes.
const maxPassedFile = 2 << 20

// passed reads the bytes of a connection, and keeps the last descriptor that came with them until drop. It belongs to the
// goroutine of the connection.
type passed struct {
	conn *net.UnixConn
	next int // the descriptor plus one, 0 for none

	raw  syscall.RawConn
	step func(fd uintptr) bool // reads once; made once, for one for each read would be garbage
	p    []byte                // of the read at work, as what follows
	n    int
	err  error
	oob  [24]byte // room for one descriptor on each machine; the kernel closes what does not fit
}

// Read reads bytes, and what comes beside them.
func (p *passed) Read(b []byte) (int, error) {
	if p.raw == nil {
		raw, err := p.conn.SyscallConn()
		if err != nil {
			return 0, err
		}
		p.raw, p.step = raw, p.receive
	}
	p.p = b
	err := p.raw.Read(p.step)
	p.p = nil
	switch {
	case err != nil:
		return 0, err
	case p.err != nil:
		return 0, p.err
	case p.n == 0 && len(b) > 0:
		return 0, io.EOF
	}
	return p.n, nil
}

// receive is one system call; false waits for the socket to be readable.
func (p *passed) receive(fd uintptr) bool {
	for {
		n, oobn, _, _, err := unix.Recvmsg(int(fd), p.p, p.oob[:], unix.MSG_CMSG_CLOEXEC)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return false
		}
		p.n, p.err = n, err
		if oobn > 0 {
			p.take(p.oob[:oobn])
		}
		return true
	}
}

// take keeps a descriptor and closes all others.
func (p *passed) take(oob []byte) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue
		}
		for _, fd := range fds {
			p.drop()
			p.next = fd + 1
		}
	}
}

// drop closes what was passed.
func (p *passed) drop() {
	if p.next > 0 {
		_ = unix.Close(p.next - 1) // there is nothing to do about it
	}
	p.next = 0
}

// sealed are the seals without which a file could change, or keep its reader waiting: only memory files have seals.
const sealed = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// read returns the content of the memory file that was passed.
func (p *passed) read() ([]byte, error) {
	refuse := func(reason string) error {
		return &wire.Error{Status: wire.StatusInvalidArgument, Reason: reason, Remedy: "pass a memory file with all seals beside the first byte of the request"}
	}
	if p.next == 0 {
		return nil, refuse("no file came with the request")
	}
	fd := p.next - 1
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil || seals&sealed != sealed {
		return nil, refuse("what came with the request is no memory file that is sealed")
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Size > maxPassedFile {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the file has %d bytes, at most %d are read", st.Size, maxPassedFile)
	}
	content := make([]byte, st.Size)
	for at := 0; at < len(content); {
		n, err := unix.Pread(fd, content[at:], int64(at))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return nil, err
		case n == 0:
			return nil, io.ErrUnexpectedEOF
		default:
			at += n
		}
	}
	return content, nil
}
