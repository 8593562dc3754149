package trust

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-73b3884f/parsec-agent/trust/internal/scrub"
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Failures of reading serialised data (2.1).
var (
	ErrFormat      = errors.New("the data is in no known format")
	ErrCompression = errors.New("the data is not compressed correctly or exceeds the limit when decompressed")
	ErrContent     = errors.New("the content is not what it must be")
	ErrIntegrity   = errors.New("the content contradicts itself")
)

// Largest decompressed sizes. The reference has none. A certificate speaks of at most 255 people: a mebibyte is
// far more than any needs.
const (
	MaxSize            = 64 << 20
	MaxCertificateSize = 1 << 20
	// maxCertificateWindow is what every reader of zstd is advised to take: frames say how far back they refer, and others refer to
	// more than they hold. It bounds what a certificate takes that is too large.
	maxCertificateWindow = 8 << 20
)

const (
	// format0 is the version byte: what follows is compressed MessagePack.
	format0 = 0
	// maxList bounds lists that have no bound of their own; the bytes that there are bound them before.
	maxList = 1 << 22
)

// Compressor and decompressors are made when they are first needed; all goroutines share them.
var (
	compressor = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	})
	decompressor            = sync.OnceValues(func() (*zstd.Decoder, error) { return newDecompressor(MaxSize) })
	certificateDecompressor = sync.OnceValues(func() (*zstd.Decoder, error) { return newDecompressor(maxCertificateWindow) })
)

func newDecompressor(most uint64) (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(most))
}

// pack serialises: version byte, then compressed MessagePack.
func pack(encode func(*mpack.Writer)) ([]byte, error) {
	plain, err := packRaw(encode)
	if err != nil {
		return nil, err
	}
	defer wipe(plain)
	if len(plain) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes", mpack.ErrLimit, len(plain))
	}
	c, err := compressor()
	if err != nil {
		return nil, err
	}
	return c.EncodeAll(plain, []byte{format0}), nil
}

// largestStored is as much as one block of zstd holds.
const largestStored = 128 << 10

// packStored is pack for long-lived keys: a frame of zstd (RFC 8878) with one block that is stored as it is, for the compressor keeps what it worked on.
func packStored(encode func(*mpack.Writer)) (packed []byte, err error) {
	scrub.Do(func() { packed, err = packBlock(encode) })
	return packed, err
}

func packBlock(encode func(*mpack.Writer)) ([]byte, error) {
	plain, err := packRaw(encode)
	if err != nil {
		return nil, err
	}
	defer wipe(plain)
	if len(plain) > largestStored {
		return nil, fmt.Errorf("%w: %d bytes", mpack.ErrLimit, len(plain))
	}
	const (
		magic      = 0xfd2fb528
		descriptor = 0xa0 // the size of the content in four bytes, one segment
		last       = 1    // and raw
	)
	n := uint32(len(plain)) //nolint:gosec // was compared
	b := make([]byte, 0, 16+len(plain))
	b = binary.LittleEndian.AppendUint32(append(b, format0), magic)
	b = binary.LittleEndian.AppendUint32(append(b, descriptor), n)
	header := n<<3 | last
	b = append(b, byte(header), byte(header>>8), byte(header>>16)) //nolint:gosec // 24 bits, the least first
	return append(b, plain...), nil
}

// packRaw is MessagePack alone.
func packRaw(encode func(*mpack.Writer)) ([]byte, error) {
	w := &mpack.Writer{}
	encode(w)
	return w.Result()
}

// unpack reads what pack made.
func unpack(data []byte, decode func(*mpack.Reader)) error {
	return unpackWithin(MaxSize, data, decode)
}

// unpackCertificate is unpack with the limit of certificates.
func unpackCertificate(data []byte, decode func(*mpack.Reader)) error {
	return unpackWithin(MaxCertificateSize, data, decode)
}

func unpackWithin(limit int, data []byte, decode func(*mpack.Reader)) error {
	if len(data) == 0 || data[0] != format0 {
		return ErrFormat
	}
	plain, err := decompress(data[1:], limit)
	if err != nil {
		return err
	}
	defer wipe(plain)
	return unpackRaw(plain, decode)
}

// decompress decompresses any number of frames. Memory grows with what they really hold, not with what they announce.
func decompress(data []byte, limit int) ([]byte, error) {
	of := decompressor
	if limit <= MaxCertificateSize {
		of = certificateDecompressor
	}
	d, err := of()
	if err != nil {
		return nil, err
	}
	const atFirst, ratio = 512, 4
	plain, err := d.DecodeAll(data, make([]byte, 0, min(limit, atFirst+ratio*len(data))))
	if err == nil && len(plain) <= limit {
		return plain, nil
	}
	wipe(plain)
	if err == nil {
		err = zstd.ErrDecoderSizeExceeded
	}
	return nil, fmt.Errorf("%w: %v", ErrCompression, err)
}

// unpackRaw reads MessagePack alone.
func unpackRaw(plain []byte, decode func(*mpack.Reader)) error {
	r := mpack.NewReader(plain)
	decode(r)
	if err := r.End(); err != nil {
		return fmt.Errorf("%w: %w", ErrContent, err)
	}
	return nil
}
