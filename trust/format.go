package trust

import (
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

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
// far more than any needs, and bounds what a server can make us do before a signature is verified.
const (
	MaxSize            = 64 << 20
	MaxCertificateSize = 1 << 20
)

const (
	// format0 is the version byte: what follows is compressed MessagePack.
	format0 = 0
	// maxList bounds lists that have no bound of their own; the bytes that there are bound them before.
	maxList = 1 << 22
	// zstdWindow is the largest window that the reference's reader takes.
	zstdWindow = 128 << 20
	// zstdBlock is the most that one block of a frame decompresses to, and zstdHeader the least that one takes.
	zstdBlock, zstdHeader = 128 << 10, 3
)

// coder is a compressor or a decompressor that is made when it is first needed; all goroutines share it.
var (
	compressor = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	})
	decompressor            = sync.OnceValues(func() (*zstd.Decoder, error) { return newDecompressor(MaxSize) })
	certificateDecompressor = sync.OnceValues(func() (*zstd.Decoder, error) { return newDecompressor(MaxCertificateSize) })
)

func newDecompressor(limit uint64) (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(limit), zstd.WithDecoderMaxWindow(zstdWindow))
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

// packRaw is MessagePack alone.
func packRaw(encode func(*mpack.Writer)) ([]byte, error) {
	w := &mpack.Writer{}
	encode(w)
	return w.Result()
}

// unpack reads what pack made.
func unpack(data []byte, decode func(*mpack.Reader)) error {
	return unpackWith(decompressor, data, decode)
}

// unpackCertificate is unpack with the limit of certificates.
func unpackCertificate(data []byte, decode func(*mpack.Reader)) error {
	return unpackWith(certificateDecompressor, data, decode)
}

func unpackWith(coder func() (*zstd.Decoder, error), data []byte, decode func(*mpack.Reader)) error {
	if len(data) == 0 || data[0] != format0 {
		return ErrFormat
	}
	data = data[1:]
	if announcesTooMuch(data) {
		return ErrCompression
	}
	d, err := coder()
	if err != nil {
		return err
	}
	plain, err := d.DecodeAll(data, nil)
	defer func() { wipe(plain) }()
	if err != nil {
		return fmt.Errorf("%w: %v", ErrCompression, err)
	}
	return unpackRaw(plain, decode)
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

// announcesTooMuch finds frames that announce more than their bytes can hold: the library makes room for what is
// announced.
func announcesTooMuch(data []byte) bool {
	h := zstd.Header{}
	if h.Decode(data) != nil || h.Skippable || !h.HasFCS {
		return false
	}
	return h.FrameContentSize > uint64(len(data)/zstdHeader+1)*zstdBlock
}
