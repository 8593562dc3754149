package certlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// head says up to where the rows go, and what a server must have at least.
type head struct {
	id   [16]byte
	at   trust.KeptPoint
	size int64
	// viewed is when a server last said that there is nothing newer, in microseconds, 0 for never.
	viewed int64
	// audited is when everything was last compared with what the server has, likewise.
	audited int64
	// lost says that it is not known what a server must have at least, until somebody accepts that.
	lost  bool
	marks Marks
}

const (
	headMagic = "PARSECH\x00"
	logMagic  = "PARSECL\x00"
	version   = 1

	headFixed = 16 + 8 + 32 + 8 + 8 + 8 + 1 + 4
	markFixed = 1 + 16 + 8 + 8 + 32 + 1
	maxHead   = 64 << 20
	// maxDigests is more than the rules let have one timestamp.
	maxDigests = 255
)

var errHead = errors.New("it has another form")

func (h *head) encode() []byte {
	b := append([]byte(nil), h.id[:]...)
	b = binary.LittleEndian.AppendUint64(b, h.at.Rows)
	b = append(b, h.at.Hash[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.size))    //nolint:gosec // two's complement
	b = binary.LittleEndian.AppendUint64(b, uint64(h.viewed))  //nolint:gosec // two's complement
	b = binary.LittleEndian.AppendUint64(b, uint64(h.audited)) //nolint:gosec // two's complement
	b = append(b, lostByte(h.lost))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(h.marks))) //nolint:gosec // realms are few
	for _, p := range h.marks.Places() {
		m := h.marks[p]
		b = append(append(b, byte(p.Topic)), p.Realm[:]...)
		b = binary.LittleEndian.AppendUint64(b, uint64(m.At.Micros())) //nolint:gosec // two's complement
		b = binary.LittleEndian.AppendUint64(b, m.Count)
		b = append(append(b, m.Sum[:]...), byte(len(m.Digests))) //nolint:gosec // at most maxDigests
		for _, d := range m.Digests {
			b = append(b, d[:]...)
		}
	}
	return b
}

const flagLost = 1

func lostByte(lost bool) byte {
	if lost {
		return flagLost
	}
	return 0
}

func decodeHead(b []byte) (*head, error) {
	if len(b) < headFixed {
		return nil, errHead
	}
	h := &head{}
	b = b[copy(h.id[:], b):]
	h.at.Rows, b = binary.LittleEndian.Uint64(b), b[8:]
	b = b[copy(h.at.Hash[:], b):]
	h.size, b = int64(binary.LittleEndian.Uint64(b)), b[8:]    //nolint:gosec // checked below
	h.viewed, b = int64(binary.LittleEndian.Uint64(b)), b[8:]  //nolint:gosec // two's complement
	h.audited, b = int64(binary.LittleEndian.Uint64(b)), b[8:] //nolint:gosec // two's complement
	lost, n := b[0], binary.LittleEndian.Uint32(b[1:])
	h.lost, b = lost == flagLost, b[5:]
	if h.size < logHeader || lost > flagLost || uint64(n) > uint64(len(b)) {
		return nil, errHead
	}
	h.marks = make(Marks, n)
	last := Place{}
	for range n {
		p, m, rest, err := decodeMark(b)
		if err != nil || comparePlaces(last, p) >= 0 {
			return nil, errHead
		}
		h.marks[p], last, b = m, p, rest
	}
	if len(b) > 0 {
		return nil, errHead
	}
	return h, nil
}

func decodeMark(b []byte) (p Place, m Mark, rest []byte, err error) {
	if len(b) < markFixed {
		return p, m, nil, errHead
	}
	p.Topic, b = trust.Topic(b[0]), b[1:]
	b = b[copy(p.Realm[:], b):]
	m.At, err = trust.DateTimeFromMicros(int64(binary.LittleEndian.Uint64(b))) //nolint:gosec // two's complement
	b = b[8:]
	m.Count, b = binary.LittleEndian.Uint64(b), b[8:]
	b = b[copy(m.Sum[:], b):]
	n := int(b[0])
	b = b[1:]
	known := p.Topic >= trust.TopicSequester && p.Topic <= trust.TopicShamir && (p.Topic == trust.TopicRealm || p.Realm == trust.RealmID{})
	if err != nil || !known || len(b) < n*len(trust.HashDigest{}) {
		return p, m, nil, errHead
	}
	for range n {
		m.Digests = append(m.Digests, trust.HashDigest(b))
		b = b[len(trust.HashDigest{}):]
	}
	return p, m, b, nil
}

// sealHead returns the head file.
func sealHead(k trust.KeepingKey, h *head) ([]byte, error) {
	sealed, err := k.SealHead(h.encode())
	if err != nil {
		return nil, err
	}
	return append(binary.LittleEndian.AppendUint32([]byte(headMagic), version), sealed...), nil
}

// openHead reads a head file.
func openHead(k trust.KeepingKey, file []byte) (*head, error) {
	sealed, err := cutMagic(file, headMagic)
	if err != nil {
		return nil, err
	}
	plain, err := k.OpenHead(sealed)
	if err != nil {
		return nil, err
	}
	return decodeHead(plain)
}

// VersionError says that a later program has written the files: they are left alone.
type VersionError struct{ Version uint32 }

func (e *VersionError) Error() string {
	return fmt.Sprintf("the certificates are kept in version %d of the format, this program knows %d", e.Version, version)
}

func cutMagic(file []byte, magic string) ([]byte, error) {
	if len(file) < len(magic)+4 || string(file[:len(magic)]) != magic {
		return nil, errHead
	}
	if v := binary.LittleEndian.Uint32(file[len(magic):]); v != version {
		return nil, &VersionError{v}
	}
	return file[len(magic)+4:], nil
}

// moment is a time of a head.
func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros)
}
