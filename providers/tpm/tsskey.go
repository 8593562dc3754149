package tpm

import (
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
)

// keyFile is a key that only the TPM can open, as other programs write it.
type keyFile struct {
	public  *tpm2.TPMTPublic
	private []byte
	// parent is a persistent handle, or a hierarchy; 0 where the file does not say.
	parent tpm2.TPMHandle
}

// maxKeyFile bounds a key file in bytes.
const maxKeyFile = 16 << 10

// loadable is the type of keys that TPM2_Load takes.
var loadable = asn1.ObjectIdentifier{2, 23, 133, 10, 1, 3}

// parseKeyFile reads a key file: TSS2 PRIVATE KEY in PEM or DER, or the two files of tpm2-tools
// one after the other: TPM2B_PUBLIC, TPM2B_PRIVATE.
func parseKeyFile(b []byte) (*keyFile, error) {
	switch {
	case len(b) == 0:
		return nil, errors.New("it is empty")
	case len(b) > maxKeyFile:
		return nil, fmt.Errorf("it has %d bytes, %d are the most", len(b), maxKeyFile)
	case b[0] == 0x30:
		return parseTSS(b)
	case b[0] != '-':
		return parsePair(b)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("it is no PEM")
	}
	if block.Type != "TSS2 PRIVATE KEY" {
		return nil, fmt.Errorf("it is a %q, not a TSS2 PRIVATE KEY", block.Type[:min(len(block.Type), 64)])
	}
	return parseTSS(block.Bytes)
}

// parseTSS reads the ASN.1 form: type, options, parent, public, private.
func parseTSS(der []byte) (*keyFile, error) {
	var parts []asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &parts); err != nil || len(rest) > 0 {
		return nil, errors.New("it is no TSS2 key in DER")
	}
	var kind asn1.ObjectIdentifier
	if len(parts) < 4 {
		return nil, errors.New("it is no TSS2 key: parts are missing")
	}
	if _, err := asn1.Unmarshal(parts[0].FullBytes, &kind); err != nil {
		return nil, errors.New("it is no TSS2 key: it has no type")
	}
	if !kind.Equal(loadable) {
		return nil, fmt.Errorf("it is of the type %s; the provider takes loadable keys (%s) only", kind, loadable)
	}
	const policy, secret, authPolicy = 1, 2, 3
	for _, option := range parts[1 : len(parts)-3] {
		switch {
		case option.Class != asn1.ClassContextSpecific:
			return nil, errors.New("it is no TSS2 key: an option is none")
		case option.Tag == policy || option.Tag == authPolicy:
			return nil, errors.New("the key has a policy, which the agent cannot satisfy")
		case option.Tag == secret:
			return nil, errors.New("the key is to be imported, which the provider does not do with key files")
		}
	}
	var parent int64
	var public, private []byte
	for i, v := range []any{&parent, &public, &private} {
		if rest, err := asn1.Unmarshal(parts[len(parts)-3+i].FullBytes, v); err != nil || len(rest) > 0 {
			return nil, errors.New("it is no TSS2 key: parent, public or private part is wrong")
		}
	}
	k, err := parsePair(append(append([]byte{}, public...), private...))
	if err == nil {
		k.parent = tpm2.TPMHandle(uint32(parent)) //nolint:gosec // older programs write it as a negative number
	}
	return k, err
}

// parsePair reads TPM2B_PUBLIC and TPM2B_PRIVATE.
func parsePair(b []byte) (*keyFile, error) {
	var parts [2][]byte
	for i := range parts {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return nil, errors.New("it is no key of a TPM: neither a TSS2 PRIVATE KEY nor a public and a private part")
		}
		n := 2 + int(binary.BigEndian.Uint16(b))
		parts[i], b = b[2:n:n], b[n:]
	}
	if len(b) > 0 || len(parts[1]) == 0 || len(parts[1]) > maxPrivate {
		return nil, errors.New("it has bytes behind the private part, or no private part")
	}
	public, err := parsePublicArea(parts[0])
	return &keyFile{public: public, private: parts[1]}, err
}
