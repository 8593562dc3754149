package keyfile

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// parseLegacy reads a PEM block of OpenSSL's old encryption (RFC 1423). Nothing is written
// this way: its key derivation is weak and nothing is authenticated.
func parseLegacy(block *pem.Block, passphrase func() ([]byte, error)) (*Key, error) {
	secret, err := ask(passphrase)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	der, err := x509.DecryptPEMBlock(block, secret) //nolint:staticcheck // existing files must be read
	if errors.Is(err, x509.IncorrectPasswordError) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, fmt.Errorf("PEM block %q: %w", block.Type, err)
	}
	defer clear(der)
	var key *Key
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = parsePKCS1(der)
	case "EC PRIVATE KEY":
		key, err = parseSEC1(der, nil)
	default:
		return nil, fmt.Errorf("a PEM block of type %q is no key", block.Type)
	}
	if err != nil {
		return nil, ErrPassphrase
	}
	key.Form = "encrypted " + key.Form
	return key, nil
}
