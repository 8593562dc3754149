package trust

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// Rows are what a Keeper writes: accepted certificates under a key of the device, each row bound to all before it
// (docs/formats/certificate-log.md). Integers are little-endian.

// ErrKept is a row that this device did not seal, or not in this place.
var ErrKept = errors.New("the kept certificates are not what this device has put there")

// KeepingKey seals the certificates that a store has accepted. It is the device's own: derived from the key for what is stored on this
// machine, for one root key, user and device.
type KeepingKey struct {
	rows, head SecretKey
	root       VerifyKey
	self       UserID
}

const (
	keepingRows  = "parsec-agent certificate log v1 rows"
	keepingHead  = "parsec-agent certificate log v1 head"
	keepingStart = "parsec-agent certificate log v1 start"
)

// KeepingKey returns the key for certificates of the device's organisation. The caller wipes it.
func (d *LocalDevice) KeepingKey() (KeepingKey, error) {
	k := KeepingKey{root: d.RootVerifyKey, self: d.UserID}
	var err error
	if k.rows, err = d.keepingKey(keepingRows); err != nil {
		return KeepingKey{}, err
	}
	if k.head, err = d.keepingKey(keepingHead); err != nil {
		k.Wipe()
		return KeepingKey{}, err
	}
	return k, nil
}

func (d *LocalDevice) keepingKey(label string) (SecretKey, error) {
	return d.LocalSymkey.DeriveLocal(label, d.RootVerifyKey[:], d.UserID[:], d.DeviceID[:])
}

// Wipe clears the key.
func (k KeepingKey) Wipe() {
	k.rows.Wipe()
	k.head.Wipe()
}

// SealHead encrypts what says up to where the rows go.
func (k KeepingKey) SealHead(head []byte) ([]byte, error) { return k.head.Encrypt(head) }

// OpenHead decrypts what SealHead made.
func (k KeepingKey) OpenHead(sealed []byte) ([]byte, error) {
	head, err := k.head.Decrypt(sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: head: %w", ErrKept, err)
	}
	return head, nil
}

// KeptPoint is a place in a chain of rows: how many there are before, and what they are bound by.
type KeptPoint struct {
	Rows uint64
	Hash HashDigest
}

// KeptStart is where a chain begins. The id is a random one for each chain.
func KeptStart(id [16]byte) KeptPoint {
	return KeptPoint{Hash: sha256.Sum256(append([]byte(keepingStart), id[:]...))}
}

func (p KeptPoint) after(sealed []byte) KeptPoint {
	h := sha256.New()
	h.Write(p.Hash[:])
	h.Write(sealed)
	return KeptPoint{Rows: p.Rows + 1, Hash: HashDigest(h.Sum(nil))}
}

// Kept is a row that was opened. There is no other way to have one than that this device has sealed it.
type Kept struct {
	from, to KeptPoint
	root     VerifyKey
	self     UserID
	entries  []keptEntry
	// last says that a batch ends here: what comes before the end of its batch was never accepted.
	last bool
}

type keptEntry struct {
	topic  Topic
	realm  RealmID
	signed []byte
}

// Ends reports whether a batch ends with the row.
func (k *Kept) Ends() bool { return k.last }

const (
	keptHead = sha256.Size + 8 + 1 + 4
	keptEnds = 1
	// MaxKept is how many bytes the certificates of a row may have together, unless there is only one.
	MaxKept = 256 << 10
)

// SealKept returns the row that follows a point; ends says that the batch ends with it. The entries must have been accepted by a store.
func (k KeepingKey) SealKept(at KeptPoint, entries []Entry, ends bool) (row []byte, next KeptPoint, err error) {
	size := keptHead
	for _, e := range entries {
		size += 1 + len(e.Realm) + 4 + len(e.Signed)
	}
	plain := make([]byte, 0, size)
	plain = append(plain, at.Hash[:]...)
	plain = binary.LittleEndian.AppendUint64(plain, at.Rows)
	flags := byte(0)
	if ends {
		flags = keptEnds
	}
	plain = append(plain, flags)
	plain = binary.LittleEndian.AppendUint32(plain, uint32(len(entries))) //nolint:gosec // each has bytes, of which there are few
	for _, e := range entries {
		plain = append(plain, byte(e.Topic))
		if e.Topic == TopicRealm {
			plain = append(plain, e.Realm[:]...)
		}
		plain = binary.LittleEndian.AppendUint32(plain, uint32(len(e.Signed))) //nolint:gosec // at most MaxCertificateSize
		plain = append(plain, e.Signed...)
	}
	row, err = k.rows.Encrypt(plain)
	if err != nil {
		return nil, KeptPoint{}, err
	}
	return row, at.after(row), nil
}

// OpenKept opens the row that follows a point.
func (k KeepingKey) OpenKept(at KeptPoint, row []byte) (*Kept, KeptPoint, error) {
	plain, err := k.rows.Decrypt(row)
	if err != nil {
		return nil, KeptPoint{}, fmt.Errorf("%w: row %d: %w", ErrKept, at.Rows, err)
	}
	kept := &Kept{from: at, to: at.after(row), root: k.root, self: k.self}
	if err := kept.read(plain); err != nil {
		return nil, KeptPoint{}, fmt.Errorf("%w: row %d: %w", ErrKept, at.Rows, err)
	}
	return kept, kept.to, nil
}

var (
	errKeptPlace = errors.New("it belongs to another place")
	errKeptForm  = errors.New("it has another form")
)

func (k *Kept) read(plain []byte) error {
	if len(plain) < keptHead {
		return errKeptForm
	}
	hash, rest := HashDigest(plain[:sha256.Size]), plain[sha256.Size:]
	if hash != k.from.Hash || binary.LittleEndian.Uint64(rest) != k.from.Rows {
		return errKeptPlace
	}
	flags, n := rest[8], binary.LittleEndian.Uint32(rest[9:])
	rest = rest[keptHead-sha256.Size:]
	if flags&^keptEnds != 0 || uint64(n) > uint64(len(rest)) {
		return errKeptForm
	}
	k.last, k.entries = flags == keptEnds, make([]keptEntry, 0, n)
	for range n {
		var e keptEntry
		var err error
		if e, rest, err = readKeptEntry(rest); err != nil {
			return err
		}
		k.entries = append(k.entries, e)
	}
	if len(rest) > 0 {
		return errKeptForm
	}
	return nil
}

func readKeptEntry(b []byte) (e keptEntry, rest []byte, err error) {
	if len(b) == 0 {
		return e, nil, errKeptForm
	}
	e.topic, b = Topic(b[0]), b[1:]
	if _, ok := topicNames[e.topic]; !ok {
		return e, nil, errKeptForm
	}
	if e.topic == TopicRealm {
		if len(b) < len(e.realm) {
			return e, nil, errKeptForm
		}
		b = b[copy(e.realm[:], b):]
	}
	if len(b) < 4 || int64(binary.LittleEndian.Uint32(b)) > int64(len(b)-4) {
		return e, nil, errKeptForm
	}
	n := int(binary.LittleEndian.Uint32(b))
	e.signed = b[4 : 4+n : 4+n]
	return e, b[4+n:], nil
}
