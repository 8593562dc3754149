package certlog

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Names of the files.
const (
	rowsName    = "certificates"
	headName    = "certificates.head"
	damagedName = "certificates.damaged"
)

const (
	logHeader = 8 + 4 + 16 // magic, version, id
	rowHeader = 4
	// maxRow bounds a row: one with a single certificate may be larger than trust.MaxKept.
	maxRow = 2 << 20
)

// Keys lends the device's key for the time of a call.
type Keys func(use func(trust.KeepingKey) error) error

// DamageError says why rows were put aside.
type DamageError struct {
	// Lost says that it is not known any longer what a server must have at least.
	Lost bool
	Err  error
}

func (e *DamageError) Error() string { return "the kept certificates are damaged: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *DamageError) Unwrap() error { return e.Err }

// ErrBroken is a log that could not be written, until it is opened again.
var ErrBroken = errors.New("the certificates cannot be kept since an earlier failure of the disk")

// Log is the keeper of a store.
type Log struct {
	dir  *durable.Dir
	keys Keys
	rows *os.File

	// Gone reports whether a server may have nothing of a list any longer, nil for never. Clear calls it, and so it must not ask the store.
	Gone func(Place) bool

	head
	// must is what the certificates must reach when they are fetched again.
	must   Marks
	broken bool
}

// Open opens the log in a directory, which it makes, and gives its rows to the store, whose keeper it is to be. A *DamageError comes with
// a log that has been put aside and begins anew.
func Open(path string, keys Keys, newStore func(trust.Keeper) *trust.Store) (*Log, *trust.Store, error) {
	if err := durable.MakeAll(path); err != nil {
		return nil, nil, err
	}
	dir, err := durable.Open(path)
	if err != nil {
		return nil, nil, err
	}
	l := &Log{dir: dir, keys: keys}
	if err := dir.Lock(); err != nil {
		return nil, nil, errors.Join(err, dir.Close())
	}
	store, err := l.open(newStore)
	if damage := (*DamageError)(nil); err != nil && !errors.As(err, &damage) {
		return nil, nil, errors.Join(err, l.Close())
	}
	return l, store, err
}

func (l *Log) open(newStore func(trust.Keeper) *trust.Store) (*trust.Store, error) {
	l.sweep()
	known, lost := l.readHead()
	if version := (*VersionError)(nil); errors.As(lost, &version) || failedToRead(lost) {
		return nil, lost
	}
	store := newStore(l)
	r, err := l.readRows(store, known)
	switch {
	case errors.As(err, new(*VersionError)) || failedToRead(err):
		return nil, err
	case err == nil && known == nil && lost == nil && r.at.Rows == 0:
		return store, l.begin(nil, 0, false) // a new one, or one that a crash kept from beginning
	case known == nil:
		return newStore(l), l.putAside(nil, &DamageError{Lost: true, Err: errors.Join(errNoHead, lost)})
	case err != nil || r.id != known.id || r.size < known.size || !r.passed:
		return newStore(l), l.putAside(known, &DamageError{Err: errors.Join(errBehind, err)})
	}
	l.head = head{id: r.id, at: r.at, size: r.size, viewed: known.viewed, audited: known.audited, marks: r.marks, lost: known.lost}
	return store, l.resume(known)
}

var (
	errNoHead = errors.New("nothing says up to where they go")
	errBehind = errors.New("some are missing, or changed")
)

// failedToRead reports an error of the disk, which says nothing about what is on it.
func failedToRead(err error) bool {
	return err != nil && (errors.As(err, new(*fs.PathError)) || errors.As(err, new(*keysError)))
}

// sweep removes what a crash left of files that were being written.
func (l *Log) sweep() {
	names, _ := l.dir.Names()
	for _, name := range names {
		if final, ok := durable.Leftover(name); ok && (final == headName || final == rowsName) {
			_ = l.dir.Remove(name) // it is tried again at the next start
		}
	}
}

// readHead returns nothing where there is none.
func (l *Log) readHead() (*head, error) {
	f, err := l.dir.OpenFile(headName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // neither a head nor an error
	}
	if err != nil {
		return nil, err
	}
	b, err := f.Read(maxHead)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	var h *head
	err = l.use(func(k trust.KeepingKey) (err error) {
		h, err = openHead(k, b)
		return err
	})
	return h, err
}

// keysError is a device that is locked.
type keysError struct{ error }

func (e *keysError) Unwrap() error { return e.error }

func (l *Log) use(f func(trust.KeepingKey) error) error {
	var inner error
	err := l.keys(func(k trust.KeepingKey) error {
		inner = f(k)
		return nil
	})
	if err != nil {
		return &keysError{err}
	}
	return inner
}

// begin starts an empty chain: first its rows, in the place of those before, then the head.
func (l *Log) begin(must Marks, viewed int64, lost bool) error {
	l.broken = true // until it is whole
	h := head{size: logHeader, viewed: viewed, marks: must, lost: lost}
	_, _ = rand.Read(h.id[:]) // never fails
	h.at = trust.KeptStart(h.id)
	b := binary.LittleEndian.AppendUint32([]byte(logMagic), version)
	b = append(b, h.id[:]...)
	if err := l.dir.Replace(rowsName, b); err != nil {
		return err
	}
	if err := l.openRows(); err != nil {
		return err
	}
	if err := l.writeHead(h); err != nil {
		return err
	}
	l.head, l.must = h, must
	l.marks, l.broken = Marks{}, false
	return nil
}

// resume goes on with rows that were read; what a crash left behind them is cut off.
func (l *Log) resume(known *head) error {
	if err := l.openRows(); err != nil {
		return err
	}
	if err := l.rows.Truncate(l.size); err != nil {
		return err
	}
	if l.at.Rows == 0 {
		l.must = known.marks
	}
	return nil
}

func (l *Log) openRows() error {
	f, err := os.OpenFile(filepath.Join(l.dir.Path(), rowsName), os.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if l.rows != nil {
		_ = l.rows.Close() // it is not the log any longer
	}
	l.rows = f
	return nil
}

// putAside keeps what is damaged for whoever wants to look at it, and begins anew.
func (l *Log) putAside(known *head, damage *DamageError) error {
	err := l.dir.Rename(rowsName, damagedName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	must, viewed := Marks(nil), int64(0)
	if known != nil {
		must, viewed = known.marks, known.viewed
		damage.Lost = known.lost
	}
	if err := l.begin(must, viewed, damage.Lost); err != nil {
		return err
	}
	return damage
}

func (l *Log) writeHead(h head) error {
	return l.use(func(k trust.KeepingKey) error {
		b, err := sealHead(k, &h)
		if err != nil {
			return err
		}
		return l.dir.Replace(headName, b)
	})
}

// Keep appends a batch: first the rows, then the head. It refuses one that does not reach what there was before.
func (l *Log) Keep(entries []trust.Entry) error {
	if l.broken {
		return ErrBroken
	}
	marks := l.marks.clone()
	marks.add(entries)
	for p, m := range marks {
		if len(m.Digests) > maxDigests {
			return fmt.Errorf("topic %v: more than %d certificates have one timestamp", p, maxDigests)
		}
	}
	if err := marks.reached(l.must, digestsAt(entries, l.must)); err != nil {
		return err
	}
	next := l.head
	next.marks = marks
	var b []byte
	err := l.use(func(k trust.KeepingKey) (err error) {
		b, next.at, err = sealBatch(k, l.at, entries)
		return err
	})
	if err != nil {
		return err
	}
	next.size += int64(len(b))
	if err := l.append(b); err != nil {
		return err
	}
	if err := l.writeHead(next); err != nil {
		return errors.Join(err, l.cut())
	}
	l.head, l.must = next, nil
	return nil
}

// digestsAt returns the digests of certificates that have the timestamp of a mark.
func digestsAt(entries []trust.Entry, of Marks) map[Place][]trust.HashDigest {
	if len(of) == 0 {
		return nil
	}
	found := map[Place][]trust.HashDigest{}
	for _, e := range entries {
		p := Place{Topic: e.Topic}
		if e.Topic == trust.TopicRealm {
			p.Realm = e.Realm
		}
		if m, ok := of[p]; ok && m.At == e.Certificate.SignedAt() {
			found[p] = append(found[p], trust.Digest(e.Signed))
		}
	}
	return found
}

// sealBatch returns the rows of a batch as they are written.
func sealBatch(k trust.KeepingKey, at trust.KeptPoint, entries []trust.Entry) (b []byte, next trust.KeptPoint, err error) {
	for len(entries) > 0 {
		n, size := 1, len(entries[0].Signed)
		for n < len(entries) && size+len(entries[n].Signed) <= trust.MaxKept {
			size += len(entries[n].Signed)
			n++
		}
		row, after, err := k.SealKept(at, entries[:n], n == len(entries))
		if err != nil {
			return nil, at, err
		}
		if len(row) > maxRow {
			return nil, at, fmt.Errorf("a certificate of %d bytes cannot be kept", size)
		}
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(row))), row...) //nolint:gosec // at most maxRow
		entries, at = entries[n:], after
	}
	return b, at, nil
}

func (l *Log) append(b []byte) error {
	_, err := l.rows.WriteAt(b, l.size)
	if err == nil {
		err = l.rows.Sync()
	}
	if err != nil {
		return errors.Join(err, l.cut())
	}
	return nil
}

// cut takes back what was not kept. If that fails too nothing is kept any longer: what follows would come behind it.
func (l *Log) cut() error {
	err := l.rows.Truncate(l.size)
	if err == nil {
		err = l.rows.Sync()
	}
	l.broken = err != nil
	return err
}

// Clear begins anew, and remembers what must be there at least: the ends of all lists but those that may be gone, in whatever form.
func (l *Log) Clear() error {
	must := l.must.clone()
	for p, m := range l.marks {
		if l.Gone != nil && l.Gone(p) {
			continue
		}
		if p.Topic == trust.TopicCommon {
			m.Digests = nil // users and devices come in their other form
		}
		must[p] = m
	}
	return l.begin(must, l.viewed, l.lost)
}

// Forget begins anew, and takes whatever a server has.
func (l *Log) Forget() error { return l.begin(nil, l.viewed, false) }

// Marks returns the ends of the lists that are kept.
func (l *Log) Marks() Marks { return l.marks.clone() }

// Must returns what is to be reached when certificates are fetched again, nothing if none is missing.
func (l *Log) Must() Marks { return l.must.clone() }

// Missing says what is to be reached still, nil if nothing is.
func (l *Log) Missing() error {
	if len(l.must) == 0 {
		return nil
	}
	return l.marks.reached(l.must, nil)
}

// Lost reports whether what a server must have at least was lost, and nobody has accepted that yet by Forget.
func (l *Log) Lost() bool { return l.lost }

// Viewed returns when a server last said that there is nothing newer.
func (l *Log) Viewed() time.Time { return moment(l.viewed) }

// Audited returns when all certificates were last compared with those of the server.
func (l *Log) Audited() time.Time { return moment(l.audited) }

// SetViewed makes the time durable.
func (l *Log) SetViewed(at time.Time) error {
	return l.change(func(h *head) { h.viewed = at.UnixMicro() })
}

// SetAudited makes the time durable.
func (l *Log) SetAudited(at time.Time) error {
	return l.change(func(h *head) { h.audited = at.UnixMicro() })
}

// change replaces the head by one with another time.
func (l *Log) change(set func(*head)) error {
	if l.broken {
		return ErrBroken
	}
	next := l.head
	set(&next)
	if len(l.must) > 0 {
		next.marks = l.must
	}
	if err := l.writeHead(next); err != nil {
		return err
	}
	set(&l.head)
	return nil
}

// Close closes the files, and gives the lock up.
func (l *Log) Close() error {
	var err error
	if l.rows != nil {
		err = l.rows.Close()
	}
	return errors.Join(err, l.dir.Close())
}
