package command

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// What files of the sequester have in them, as the original writes them.
const (
	serviceBlock    = "PARSEC SEQUESTER SERVICE CERTIFICATE"
	revocationBlock = "PARSEC SEQUESTER SERVICE REVOCATION CERTIFICATE"
)

// maxSequesterFile bounds such a file.
const maxSequesterFile = 256 << 10

// readBlock reads the one block of a PEM file that has one of the kinds.
func readBlock(path string, kinds ...string) (*pem.Block, error) {
	f, err := os.Open(path) //nolint:gosec // whoever runs the command names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxSequesterFile))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	clear(text)
	for _, k := range kinds {
		if block != nil && block.Type == k {
			return block, nil
		}
	}
	return nil, fmt.Errorf("%s: no PEM block %q is in it", path, kinds[0])
}

// readAuthority reads the private key of a sequester authority.
func readAuthority(path string) (trust.SequesterSigningKey, error) {
	block, err := readBlock(path, "PRIVATE KEY", "RSA PRIVATE KEY")
	if err != nil {
		return trust.SequesterSigningKey{}, err
	}
	defer clear(block.Bytes)
	der := block.Bytes
	if block.Type == "RSA PRIVATE KEY" {
		key, err := x509.ParsePKCS1PrivateKey(der)
		if err != nil {
			return trust.SequesterSigningKey{}, fmt.Errorf("%s: no private key of RSA can be read", path)
		}
		if der, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
			return trust.SequesterSigningKey{}, err
		}
		defer clear(der)
	}
	key, err := trust.ParseSequesterSigningKey(der)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return key, err
}

// readService reads the public key of a sequester service, as DER.
func readService(path string) ([]byte, error) {
	block, err := readBlock(path, "PUBLIC KEY", "RSA PUBLIC KEY")
	if err != nil {
		return nil, err
	}
	der := block.Bytes
	if block.Type == "RSA PUBLIC KEY" {
		var key *rsa.PublicKey
		if key, err = x509.ParsePKCS1PublicKey(der); err == nil {
			der, err = x509.MarshalPKIXPublicKey(key)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: no public key of RSA can be read", path)
		}
	}
	if _, err := trust.ParseSequesterEncryptionKey(der); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return der, nil
}

// certify signs a certificate and writes it to a file, or into a directory under a name of its own. What is there stays.
func certify(c trust.ServiceCertificate, authority trust.SequesterSigningKey, kind, name, output string) (string, error) {
	signed, err := trust.SignServiceCertificate(c, authority)
	if err != nil {
		return "", err
	}
	if output == "" {
		output = "."
	}
	if info, err := os.Stat(output); err == nil && info.IsDir() {
		output = filepath.Join(output, name+".pem")
	}
	f, err := os.OpenFile(output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // a certificate is for others
	if err != nil {
		return "", err
	}
	err = pem.Encode(f, &pem.Block{Type: kind, Bytes: signed})
	return output, errors.Join(err, f.Close())
}

// now is the moment of a certificate.
func now() (trust.DateTime, error) { return trust.DateTimeOf(time.Now()) }
