package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
)

// Reader reads a backup from the beginning to the end. That it is whole is known when Next has returned io.EOF.
type Reader struct {
	r       *bufio.Reader
	sum     hash.Hash
	records uint64
	// last is the kind of the record before, columns how many those of the current table are.
	last    int
	columns int
	end     bool
}

// NewReader reads what a backup begins with.
func NewReader(r io.Reader) (*Reader, error) {
	b := &Reader{r: bufio.NewReaderSize(r, 1<<16), sum: sha256.New()}
	head := make([]byte, len(magic))
	n, err := io.ReadFull(b.r, head)
	text, _, _ := strings.Cut(magic, " 1\n")
	switch {
	case string(head) == magic:
		_, _ = b.sum.Write(head) // never fails
		return b, nil
	case !strings.HasPrefix(string(head), text):
		return nil, fmt.Errorf("%w: it does not begin with %q", ErrVersion, strings.TrimSpace(magic))
	case err != nil && n < len(magic):
		return nil, ErrTruncated
	}
	return nil, fmt.Errorf("%w: it begins with %q, and %q is known", ErrVersion, head, strings.TrimSpace(magic))
}

// Next returns the next record, or io.EOF behind the last one of a whole backup.
func (b *Reader) Next() (Record, error) {
	if b.end {
		return nil, b.finish()
	}
	body, frame, err := b.frame()
	if err != nil {
		return nil, err
	}
	record, err := decode(body, b.columns)
	if err != nil {
		return nil, err
	}
	if again, err := encode(record); err != nil || subtle.ConstantTimeCompare(again, frame) != 1 {
		return nil, damaged("record %d is not written as this program writes it", b.records)
	}
	if err := b.accept(record); err != nil {
		return nil, err
	}
	if !b.end {
		b.records++
		_, _ = b.sum.Write(frame) // never fails
	}
	return record, nil
}

// frame reads a record with its length. Memory grows with the bytes that arrive.
func (b *Reader) frame() (body, frame []byte, err error) {
	buffer := bytes.Buffer{}
	if _, err := io.CopyN(&buffer, b.r, 4); err != nil {
		return nil, nil, cut(err)
	}
	n := binary.BigEndian.Uint32(buffer.Bytes())
	if n < 1 || n > maxRecord {
		return nil, nil, damaged("record %d has %d bytes, 1 to %d are possible", b.records, n, maxRecord)
	}
	if _, err := io.CopyN(&buffer, b.r, int64(n)); err != nil {
		return nil, nil, cut(err)
	}
	return buffer.Bytes()[4:], buffer.Bytes(), nil
}

func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrTruncated
	}
	return err
}

// accept checks that a record may stand where it stands.
func (b *Reader) accept(r Record) error {
	kind, after := kindHeader, []int{0}
	switch r := r.(type) {
	case *Table:
		kind, after, b.columns = kindTable, []int{kindHeader, kindTable, kindRow}, len(r.Columns)
	case Row:
		kind, after = kindRow, []int{kindTable, kindRow}
	case *Block:
		kind, after = kindBlock, []int{kindTable, kindRow, kindBlock}
	case *End:
		kind, after, b.end = kindEnd, []int{kindTable, kindRow, kindBlock}, true
		if r.Records != b.records || subtle.ConstantTimeCompare(r.Sum[:], b.sum.Sum(nil)) != 1 {
			return damaged("its checksum is another one")
		}
	}
	if !slices.Contains(after, b.last) {
		return damaged("record %d of kind %d stands after one of kind %d", b.records, kind, b.last)
	}
	b.last = kind
	return nil
}

// finish wants nothing behind the end.
func (b *Reader) finish() error {
	if _, err := b.r.ReadByte(); err != nil {
		return err // io.EOF
	}
	return damaged("there is something behind its end")
}
