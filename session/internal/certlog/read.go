package certlog

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// reading is what was read of the rows: up to the end of the last batch.
type reading struct {
	id    [16]byte
	at    trust.KeptPoint
	size  int64
	marks Marks
	// head is what the head says, passed that a batch ends there.
	head   *head
	passed bool
}

// reach goes on to the end of a batch.
func (r *reading) reach(at trust.KeptPoint, size int64) {
	r.at, r.size = at, size
	if h := r.head; h != nil && h.size == size && h.at == at {
		r.passed = true
	}
}

var errRows = errors.New("it is no log of certificates")

// readRows gives all batches to the store. Bytes behind the last batch that can be read are passed over: whether they were to be there says the head. An error
// is about what comes before, or about the disk.
func (l *Log) readRows(store *trust.Store, known *head) (*reading, error) {
	r := &reading{marks: Marks{}, head: known}
	f, err := os.OpenFile(filepath.Join(l.dir.Path(), rowsName), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	defer func() { _ = f.Close() }() // only read
	from := bufio.NewReaderSize(f, 1<<20)
	start := make([]byte, logHeader)
	if err := full(from, start); err != nil {
		if errors.Is(err, errTorn) {
			err = errRows
		}
		return r, err
	}
	id, err := cutMagic(start, logMagic)
	if errors.Is(err, errHead) {
		err = errRows
	}
	if err != nil {
		return r, err
	}
	copy(r.id[:], id)
	r.reach(trust.KeptStart(r.id), logHeader)
	return r, l.use(func(k trust.KeepingKey) error {
		for {
			if err := r.batch(from, k, store); err != nil {
				if errors.Is(err, errTorn) {
					return nil
				}
				return err
			}
		}
	})
}

// batch reads rows up to the end of a batch.
func (r *reading) batch(from io.Reader, k trust.KeepingKey, store *trust.Store) error {
	rows, at, size := []*trust.Kept{}, r.at, r.size
	for {
		row, err := readRow(from)
		if err != nil {
			return err
		}
		kept, next, err := k.OpenKept(at, row)
		if err != nil {
			return errors.Join(errTorn, err)
		}
		rows, at, size = append(rows, kept), next, size+rowHeader+int64(len(row))
		if kept.Ends() {
			break
		}
	}
	entries, err := store.Restore(rows)
	if err != nil {
		return err
	}
	r.marks.add(entries)
	r.reach(at, size)
	return nil
}

// errTorn is an end in the middle of something, or something that cannot be read.
var errTorn = errors.New("it is torn")

func readRow(from io.Reader) ([]byte, error) {
	n := make([]byte, rowHeader)
	if err := full(from, n); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(n)
	if size > maxRow {
		return nil, errTorn
	}
	row := make([]byte, size)
	return row, full(from, row)
}

func full(from io.Reader, b []byte) error {
	_, err := io.ReadFull(from, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}
