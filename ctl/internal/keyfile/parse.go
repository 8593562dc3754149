package keyfile

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// MaxSize is the largest key file that is read, in bytes.
const MaxSize = 1 << 20

// Parse reads a key file in PEM or DER, whatever structure it has. passphrase is asked
// when the key is encrypted; it may be nil. What it returns is wiped here.
func Parse(data []byte, passphrase func() ([]byte, error)) (*Key, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("a key file of more than %d bytes", MaxSize)
	}
	if block := firstKey(data); block != nil {
		return parseBlock(block, passphrase)
	}
	if IsPEM(data) {
		return nil, errors.New("the PEM file holds no key")
	}
	return ParseDER(data, passphrase)
}

// IsPEM reports whether the data looks like PEM.
func IsPEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN ")) }

// firstKey returns the first block of a PEM file that can hold a key.
func firstKey(data []byte) *pem.Block {
	for {
		block, rest := pem.Decode(data)
		if block == nil || block.Type != "EC PARAMETERS" {
			return block
		}
		data = rest
	}
}

func parseBlock(block *pem.Block, passphrase func() ([]byte, error)) (*Key, error) {
	der := block.Bytes
	defer clear(der)
	if block.Headers["DEK-Info"] != "" {
		return parseLegacy(block, passphrase)
	}
	var key *Key
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = parsePKCS8(der)
	case "ENCRYPTED PRIVATE KEY":
		return parseEncrypted(der, passphrase)
	case "RSA PRIVATE KEY":
		key, err = parsePKCS1(der)
	case "EC PRIVATE KEY":
		key, err = parseSEC1(der, nil)
	case "PUBLIC KEY":
		key, err = parseSPKI(bytes.Clone(der))
	case "RSA PUBLIC KEY":
		key, err = parsePKCS1Public(der)
	case "CERTIFICATE":
		key, err = parseCertificate(der)
	case "OPENSSH PRIVATE KEY":
		return nil, errors.New("an OpenSSH key: convert it with ssh-keygen -p -m PKCS8 -f FILE")
	default:
		return nil, fmt.Errorf("a PEM block of type %q is no key", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("PEM block %q: %w", block.Type, err)
	}
	return key, nil
}

func parseCertificate(der []byte) (*Key, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, errShape
	}
	key, err := parseSPKI(bytes.Clone(cert.RawSubjectPublicKeyInfo))
	if err != nil {
		return nil, err
	}
	key.Form = "certificate"
	return key, nil
}

// ParseDER reads a key in any of the structures. The most telling error is returned when
// none fits.
func ParseDER(der []byte, passphrase func() ([]byte, error)) (*Key, error) {
	if isEncrypted(der) {
		return parseEncrypted(der, passphrase)
	}
	telling := errors.New("neither PEM nor the DER of a key: for bare bytes give their format and the type of the key")
	for _, parse := range []func([]byte) (*Key, error){
		parsePKCS8,
		parsePKCS1,
		func(b []byte) (*Key, error) { return parseSEC1(b, nil) },
		func(b []byte) (*Key, error) { return parseSPKI(bytes.Clone(b)) },
		parsePKCS1Public,
		parseCertificate,
	} {
		key, err := parse(der)
		if err == nil {
			return key, nil
		}
		if !errors.Is(err, errShape) {
			telling = err
		}
	}
	return nil, telling
}
