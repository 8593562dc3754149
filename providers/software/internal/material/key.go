package material

import (
	"fmt"
	"log/slog"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Key is one parsed key.
type Key struct {
	_ [0]func()
	// attrs holds type, curve and real size; usage and policy are not ours to judge.
	attrs psa.Attributes
	m     keyMaterial
}

// keyMaterial is a parsed key of any type. What else it can do it shows by implementing
// one of the interfaces below; the methods of Key find out.
type keyMaterial interface {
	// export returns a copy of the key in the format of section 3.5.
	export() ([]byte, error)
	// wipe clears the secret.
	wipe()
}

type (
	publicExporter interface{ public() []byte }
	hashSigner     interface {
		signHash(alg psa.Algorithm, hash []byte) ([]byte, error)
	}
	hashVerifier interface {
		verifyHash(alg psa.Algorithm, hash, sig []byte) error
	}
	messageSigner   interface{ signMessage(msg []byte) []byte }
	messageVerifier interface{ verifyMessage(msg, sig []byte) bool }
	encrypter       interface {
		encrypt(alg psa.Algorithm, plaintext, label []byte) ([]byte, error)
	}
	decrypter interface {
		decrypt(alg psa.Algorithm, ciphertext, label []byte) ([]byte, error)
	}
	agreer interface {
		agree(peer []byte) ([]byte, error)
	}
)

// New parses key data in the format of section 3.5 and validates it against type, curve
// and size of the attributes; a size of 0 is taken from the data. It keeps no reference
// to data.
func New(a psa.Attributes, data []byte) (*Key, error) {
	if a.Type.RSA() && a.Bits != 0 {
		if err := checkSize(a); err != nil {
			return nil, err
		}
	}
	if len(data) == 0 {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the key data is empty")
	}
	m, bits, err := parse(a, data)
	if err != nil {
		return nil, err
	}
	if a.Bits != 0 && a.Bits != bits {
		m.wipe()
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the data is a key of %d bits, not of %d", bits, a.Bits)
	}
	return &Key{attrs: psa.Attributes{Type: a.Type, Curve: a.Curve, Group: a.Group, Bits: bits}, m: m}, nil
}

// parse returns the key of the data and its real size.
func parse(a psa.Attributes, data []byte) (keyMaterial, uint64, error) {
	switch a.Type {
	case psa.KeyRSAPair:
		return parseRSAPair(data)
	case psa.KeyRSAPublic:
		return parseRSAPublic(data)
	case psa.KeyECCPair, psa.KeyECCPublic:
		return parseECC(a, data)
	case psa.KeyRawData, psa.KeyHMAC, psa.KeyDerive, psa.KeyAES, psa.KeyDES, psa.KeyCamellia, psa.KeyARC4, psa.KeyChaCha20,
		psa.KeyDHPair, psa.KeyDHPublic:
		bits, err := bytesSize(a, data)
		if err != nil {
			return nil, 0, err
		}
		if a.Type.DH() {
			m, err := parseDH(a.Type, data)
			return m, bits, err
		}
		m, err := newSymmetric(a.Type, data)
		return m, bits, err
	default:
		return nil, 0, wire.Errorf(wire.StatusNotSupported, "%s is not supported", a.Type)
	}
}

// bytesSize is the size of a key that is nothing but its bytes.
func bytesSize(a psa.Attributes, data []byte) (uint64, error) {
	if a.Bits > MaxBits {
		return 0, checkSize(a)
	}
	a.Bits = 8 * uint64(len(data))
	if sizes := fixedSizes[a.Type]; sizes != nil {
		return a.Bits, oneOf(a, sizes, wire.StatusInvalidArgument)
	}
	return a.Bits, checkSize(a)
}

// Bits returns the real size, also where the attributes named none.
func (k *Key) Bits() uint64 { return k.attrs.Bits }

// Export returns the whole key in the format of section 3.5. It equals the data that New
// was given but for curve keys of RFC 7748, whose fixed bits are set (as in the original),
// and RSA keys with an unusual encoding. The caller wipes it.
func (k *Key) Export() ([]byte, error) { return k.m.export() }

// Public returns the public half in the format of section 3.5; a public key returns itself.
func (k *Key) Public() ([]byte, error) {
	if m, ok := k.m.(publicExporter); ok {
		return m.public(), nil
	}
	return nil, wire.Errorf(wire.StatusInvalidArgument, "a key of type %s has no public half", k.attrs.Type)
}

// Wipe clears the key. No call may be under way or follow.
func (k *Key) Wipe() { k.m.wipe() }

// cannot is the answer to an operation that keys of k's type, or its public half, cannot do.
func (k *Key) cannot(what string) error {
	return wire.Errorf(wire.StatusInvalidArgument, "a key of type %s cannot %s", k.attrs.Type, what)
}

// String names the kind of the key, never its content.
func (k *Key) String() string {
	if k.attrs.Type.ECC() {
		return fmt.Sprintf("%s key (%s, %d bits)", k.attrs.Type, k.attrs.Curve, k.attrs.Bits)
	}
	return fmt.Sprintf("%s key (%d bits)", k.attrs.Type, k.attrs.Bits)
}

// Format prints the same as String, whatever the verb.
func (k *Key) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, k.String()) }

// LogValue logs the same as String.
func (k *Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalJSON refuses: keys leave by Export alone.
func (k *Key) MarshalJSON() ([]byte, error) {
	return nil, wire.Errorf(wire.StatusGenericError, "a key cannot be written as json")
}
