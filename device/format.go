package device

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// The form of our own device files, docs/formats/device-file.md. Integers are little-endian.
const (
	magic         = "PARSECD\x00"
	formatVersion = 1

	layerPassword = 1 << 0
	layerProvider = 1 << 1
	layerCode     = 1 << 2
	allLayers     = layerPassword | layerProvider | layerCode

	maxName       = 255
	maxHeader     = 8 << 10
	maxPublic     = 2 << 10
	maxWrapped    = 2 << 10
	maxCiphertext = 64 << 10
	// maxFile bounds what is read of any device file, ours or the original's.
	maxFile = 2 << 20
)

// sealedFile is a device file of ours.
type sealedFile struct {
	header     trust.DeviceFileHeader
	password   *trust.PasswordAlgorithm
	provider   *providerLayer
	code       *trust.TOTPOpaqueKeyID
	ciphertext []byte
	// bound are the bytes before the ciphertext, which the primary key is bound to.
	bound []byte
}

// providerLayer is the part of a provider key.
type providerLayer struct {
	// instance and key name the provider key, on this machine.
	instance, key string
	way           wrapWay
	// public is the key's public half, by which another key of that name is told.
	public []byte
	// wrapped is what the provider key turns into the secret.
	wrapped []byte
}

// encodeBound returns the file up to the ciphertext.
func (f *sealedFile) encodeBound() ([]byte, error) {
	b := binary.LittleEndian.AppendUint32([]byte(magic), formatVersion)
	b = binary.LittleEndian.AppendUint32(b, f.layers())
	if a := f.password; a != nil {
		for _, n := range []uint32{a.MemoryKiB, a.Iterations, a.Parallelism} {
			b = binary.LittleEndian.AppendUint32(b, n)
		}
		b = append(b, a.Salt[:]...)
	}
	if p := f.provider; p != nil {
		b = append(b, byte(p.way))
		for _, part := range [][]byte{[]byte(p.instance), []byte(p.key), p.public, p.wrapped} {
			b = appendPart(b, part)
		}
	}
	if f.code != nil {
		b = append(b, f.code[:]...)
	}
	header, err := trust.DumpDeviceFile(&trust.RecoveryFile{DeviceFileHeader: f.header})
	if err != nil {
		return nil, err
	}
	return appendPart(b, header), nil
}

func (f *sealedFile) layers() (n uint32) {
	if f.password != nil {
		n |= layerPassword
	}
	if f.provider != nil {
		n |= layerProvider
	}
	if f.code != nil {
		n |= layerCode
	}
	return n
}

// encode returns the whole file.
func (f *sealedFile) encode() []byte {
	b := append([]byte(nil), f.bound...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.ciphertext))) //nolint:gosec // at most maxCiphertext
	return append(b, f.ciphertext...)
}

func appendPart(b, part []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(len(part))) //nolint:gosec // names, keys and headers are bounded
	return append(b, part...)
}

// cutter reads parts off the start of a file; the first failure stays.
type cutter struct {
	rest []byte
	err  error
}

var errShort = errors.New("it ends too early")

func (c *cutter) take(n int) []byte {
	if c.err == nil && len(c.rest) < n {
		c.err = errShort
	}
	if c.err != nil {
		return make([]byte, min(n, 16))
	}
	part := c.rest[:n:n]
	c.rest = c.rest[n:]
	return part
}

func (c *cutter) u32() uint32 { return binary.LittleEndian.Uint32(c.take(4)) }

// part reads a part with its length in front, which is not empty.
func (c *cutter) part(most int) []byte {
	n := int(binary.LittleEndian.Uint16(c.take(2)))
	return c.bounded(n, 1, most)
}

func (c *cutter) bounded(n, least, most int) []byte {
	if c.err == nil && (n < least || n > most) {
		c.err = fmt.Errorf("a part has %d bytes, expected are %d to %d", n, least, most)
	}
	if c.err != nil {
		return nil
	}
	return c.take(n)
}

// ours reports whether a file claims to be of our form.
func ours(data []byte) bool { return len(data) >= len(magic) && string(data[:len(magic)]) == magic }

// decodeFile reads a file of our form. Parts alias data.
func decodeFile(data []byte) (*sealedFile, error) {
	c := &cutter{rest: data}
	if string(c.take(len(magic))) != magic {
		return nil, errors.New("it is no device file of this agent")
	}
	if v := c.u32(); c.err == nil && v != formatVersion {
		return nil, fmt.Errorf("it has version %d of the format, this program knows %d", v, formatVersion)
	}
	layers := c.u32()
	if c.err == nil && (layers&^allLayers != 0 || layers&layerProvider == 0) {
		return nil, fmt.Errorf("it has layers %#x, which this program does not know", layers)
	}
	f := &sealedFile{}
	if layers&layerPassword != 0 {
		f.password = &trust.PasswordAlgorithm{MemoryKiB: c.u32(), Iterations: c.u32(), Parallelism: c.u32(), Salt: trust.Salt(c.take(16))}
	}
	if layers&layerProvider != 0 {
		f.provider = &providerLayer{
			way: wrapWay(c.take(1)[0]), instance: string(c.part(maxName)), key: string(c.part(maxName)),
			public: c.part(maxPublic), wrapped: c.part(maxWrapped),
		}
	}
	if layers&layerCode != 0 {
		id := trust.TOTPOpaqueKeyID(c.take(16))
		f.code = &id
	}
	header := c.part(maxHeader)
	f.bound = data[:len(data)-len(c.rest)]
	f.ciphertext = c.bounded(int(c.u32()), trust.SecretKeyOverhead, maxCiphertext)
	if c.err == nil && len(c.rest) > 0 {
		c.err = fmt.Errorf("%d bytes follow it", len(c.rest))
	}
	if c.err != nil {
		return nil, c.err
	}
	return f, f.check(header)
}

// check judges what was read.
func (f *sealedFile) check(header []byte) error {
	if f.password != nil {
		if err := f.password.Check(); err != nil {
			return err
		}
	}
	if !f.provider.way.known() {
		return fmt.Errorf("its provider key wraps in way %d, which this program does not know", f.provider.way)
	}
	loaded, err := trust.LoadDeviceFile(header)
	if err != nil {
		return fmt.Errorf("its header: %w", err)
	}
	h, ok := loaded.(*trust.RecoveryFile)
	if !ok || len(h.Ciphertext) > 0 {
		return errors.New("its header is none")
	}
	f.header = h.DeviceFileHeader
	return nil
}
