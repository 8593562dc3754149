package rootkey

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strings"
)

// RecoveryKey opens the recovery copy of a root key. A person keeps it on paper, in the
// form of Text, docs/formats/root-key.md. It prints as a redaction.
type RecoveryKey struct {
	_      [0]func() // not comparable with ==
	secret [Size]byte
}

// NewRecoveryKey returns a new random recovery key.
func NewRecoveryKey() *RecoveryKey {
	k := &RecoveryKey{}
	_, _ = rand.Read(k.secret[:]) // never fails
	return k
}

// Wipe clears the key.
func (k *RecoveryKey) Wipe() { wipe(k.secret[:]) }

// derive returns what a recovery key is used for.
func (k *RecoveryKey) derive(info string, n int) ([]byte, error) {
	return hkdf.Key(sha256.New, k.secret[:], nil, info, n)
}

// id returns the public name of the key, which does not give it away.
func (k *RecoveryKey) id() (ID, error) {
	b, err := k.derive("parsec-agent recovery key id v1", len(ID{}))
	if err != nil {
		return ID{}, err
	}
	return ID(b), nil
}

// The written form: groups of four symbols of five bits with a fifth that checks them, so
// that a mistake is found where it is.
const (
	alphabet  = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	groups    = 13
	groupData = 4
	groupSize = groupData + 1
	// maxRecoveryText bounds what is read, with all that people put between groups.
	maxRecoveryText = 512
)

// Text returns the written form. The caller wipes it.
func (k *RecoveryKey) Text() []byte {
	symbols := make([]byte, 0, groups*groupData)
	defer func() { wipe(symbols[:cap(symbols)]) }()
	sum := k.checksum()
	var bits, n uint32
	for i := range Size + 1 {
		b := sum // its upper half fills the last symbol
		if i < Size {
			b = k.secret[i]
		}
		bits, n = bits<<8|uint32(b), n+8
		for n >= 5 && len(symbols) < cap(symbols) {
			n -= 5
			symbols = append(symbols, byte(bits>>n&31))
		}
	}
	text := make([]byte, 0, groups*(groupSize+1))
	for g := range groups {
		part := symbols[g*groupData : (g+1)*groupData]
		if g > 0 {
			text = append(text, '-')
		}
		for _, s := range part {
			text = append(text, alphabet[s])
		}
		text = append(text, alphabet[groupCheck(g, part)])
	}
	return text
}

// checksum is a byte of which the written form holds the upper four bits.
func (k *RecoveryKey) checksum() byte { return sha256.Sum256(k.secret[:])[0] & 0xf0 }

// groupCheck is a sum over GF(32) with another factor for each place and the group's
// number: one wrong symbol, two that changed places and groups that did show.
func groupCheck(group int, symbols []byte) byte {
	sum := byte(group) //nolint:gosec // below 13
	factor := byte(1)
	for _, s := range symbols {
		factor = times(factor, 2)
		sum ^= times(factor, s)
	}
	return sum
}

// times multiplies in GF(32) modulo x⁵+x²+1.
func times(a, b byte) byte {
	var p byte
	for ; b > 0; b >>= 1 {
		if b&1 != 0 {
			p ^= a
		}
		if a <<= 1; a&32 != 0 {
			a ^= 0x25
		}
	}
	return p
}

// ParseRecoveryKey reads the written form. Case and what stands between the symbols does
// not matter; O is taken as 0, I and L as 1. No error repeats what was written.
func ParseRecoveryKey(text []byte) (*RecoveryKey, error) {
	symbols, err := readSymbols(text)
	defer wipe(symbols)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for g := range groups {
		part := symbols[g*groupSize : (g+1)*groupSize]
		if groupCheck(g, part[:groupData]) != part[groupData] {
			wrong = append(wrong, fmt.Sprint(g+1))
		}
	}
	switch {
	case len(wrong) == 1:
		return nil, format("group %s of the recovery key is mistyped", wrong[0])
	case len(wrong) > 1:
		return nil, format("groups %s of the recovery key are mistyped", strings.Join(wrong, ", "))
	}
	k := &RecoveryKey{}
	var bits, n uint32
	at := 0
	for i, s := range symbols {
		if i%groupSize == groupData {
			continue
		}
		if bits, n = bits<<5|uint32(s), n+5; n >= 8 && at < Size {
			n -= 8
			k.secret[at] = byte(bits >> n) //nolint:gosec // the eight bits that are complete
			at++
		}
	}
	if byte(bits<<4)&0xf0 != k.checksum() {
		k.Wipe()
		return nil, format("the recovery key is mistyped, it does not say where")
	}
	return k, nil
}

// readSymbols returns the values of the symbols.
func readSymbols(text []byte) ([]byte, error) {
	const size = groups * groupSize
	symbols := make([]byte, 0, size)
	if len(text) > maxRecoveryText {
		return nil, format("a recovery key has %d characters, this has %d bytes", size, len(text))
	}
	count := 0
	upper := bytes.ToUpper(text)
	defer wipe(upper)
	for _, c := range upper {
		switch c {
		case ' ', '-', '\t', '\r', '\n':
			continue
		case 'O':
			c = '0'
		case 'I', 'L':
			c = '1'
		}
		s := strings.IndexByte(alphabet, c)
		if s < 0 {
			return symbols, format("a recovery key has digits and letters without U, another character is in group %d", count/groupSize+1)
		}
		if count++; count <= size {
			symbols = append(symbols, byte(s)) //nolint:gosec // an index of the alphabet
		}
	}
	if count != size {
		return symbols, format("a recovery key has %d characters, this has %d", size, count)
	}
	return symbols, nil
}

const redactedRecovery = "[recovery key]"

// String returns a redaction.
func (k *RecoveryKey) String() string { return redactedRecovery }

// GoString returns a redaction.
func (k *RecoveryKey) GoString() string { return redactedRecovery }

// Format prints a redaction for every verb.
func (k *RecoveryKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redactedRecovery)) }

// LogValue returns a redaction.
func (k *RecoveryKey) LogValue() slog.Value { return slog.StringValue(redactedRecovery) }

// MarshalText refuses, and with it JSON.
func (k *RecoveryKey) MarshalText() ([]byte, error) {
	return nil, format("a recovery key is not for marshalling")
}
