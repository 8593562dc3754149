package backup

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Writer writes a backup. Records come in the order of the format: a Header, tables with their rows, blocks; End is written by Finish.
type Writer struct {
	w   io.Writer
	sum hash.Hash
	end End
}

// NewWriter begins a backup.
func NewWriter(w io.Writer) (*Writer, error) {
	sum := sha256.New()
	b := &Writer{w: io.MultiWriter(w, sum), sum: sum}
	_, err := io.WriteString(b.w, magic)
	return b, err
}

// Write writes a record.
func (b *Writer) Write(r Record) error {
	frame, err := encode(r)
	if err != nil {
		return err
	}
	b.end.Records++
	_, err = b.w.Write(frame)
	return err
}

// Finish writes the end.
func (b *Writer) Finish() error {
	b.sum.Sum(b.end.Sum[:0])
	frame, err := encode(&b.end)
	if err != nil {
		return err
	}
	_, err = b.w.Write(frame)
	return err
}

// encode returns a record behind its length.
func encode(r Record) ([]byte, error) {
	w := mpack.Writer{}
	r.encode(&w)
	body, err := w.Result()
	if err != nil {
		return nil, err
	}
	if len(body) > maxRecord {
		return nil, fmt.Errorf("a record of %d bytes is longer than %d", len(body), maxRecord)
	}
	frame := make([]byte, 4, 4+len(body))
	binary.BigEndian.PutUint32(frame, uint32(len(body))) //nolint:gosec // was compared with the limit
	return append(frame, body...), nil
}
