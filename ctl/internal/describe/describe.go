// Package describe says what a file holds, for a person and for scripts: keys,
// certificates, certificate requests, archives. It prints nothing secret and trusts
// nothing it reads; a certificate that it describes may be a lie.
package describe

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/policy"
)

// Item is one thing that a file holds.
type Item struct {
	Kind   string  `json:"kind"`
	Fields []Field `json:"fields"`
}

// Field is one fact about a thing.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (i *Item) add(name, format string, args ...any) {
	i.Fields = append(i.Fields, Field{name, fmt.Sprintf(format, args...)})
}

// maxItems bounds how many things of a file are described.
const maxItems = 1000

// File describes what a file holds. passphrase opens encrypted keys; nil leaves them
// closed.
func File(data []byte, passphrase func() ([]byte, error)) ([]Item, error) {
	switch {
	case len(data) == 0:
		return nil, errors.New("it is empty")
	case IsArchive(data):
		return []Item{archive(data)}, nil
	case !keyfile.IsPEM(data):
		item, err := der(data, passphrase)
		if err != nil {
			return nil, err
		}
		return []Item{item}, nil
	}
	var items []Item
	for rest := data; len(items) < maxItems; {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		items = append(items, pemItem(block, passphrase))
		rest = after
	}
	if len(items) == 0 {
		return nil, errors.New("its PEM is damaged")
	}
	return items, nil
}

func pemItem(block *pem.Block, passphrase func() ([]byte, error)) Item {
	defer clear(block.Bytes)
	var item Item
	var err error
	switch {
	case block.Type == "CERTIFICATE":
		item, err = certificate(block.Bytes)
	case block.Type == "CERTIFICATE REQUEST" || block.Type == "NEW CERTIFICATE REQUEST":
		item, err = request(block.Bytes)
	case passphrase == nil && (block.Type == keyfile.EncryptedLabel || block.Headers["DEK-Info"] != ""):
		item = Item{Kind: "private key, encrypted"}
		item.add("form", "PEM %q", block.Type)
	case strings.HasSuffix(block.Type, "KEY") || block.Type == "EC PARAMETERS":
		item, err = key(pem.EncodeToMemory(block), passphrase)
	default:
		item = Item{Kind: "PEM block " + block.Type}
		item.add("size", "%d bytes", len(block.Bytes))
	}
	if err != nil {
		item = Item{Kind: "PEM block " + block.Type}
		item.add("problem", "%v", err)
	}
	return item
}

func der(data []byte, passphrase func() ([]byte, error)) (Item, error) {
	if item, err := certificate(data); err == nil {
		return item, nil
	}
	if item, err := request(data); err == nil {
		return item, nil
	}
	item, err := key(data, passphrase)
	if errors.Is(err, keyfile.ErrPassphrase) && passphrase == nil {
		item = Item{Kind: "private key, encrypted"}
		item.add("form", "PKCS #8, DER")
		return item, nil
	}
	return item, err
}

func key(data []byte, passphrase func() ([]byte, error)) (Item, error) {
	k, err := keyfile.Parse(data, passphrase)
	if err != nil {
		return Item{}, err
	}
	defer k.Wipe()
	item := Item{Kind: "private key"}
	public := k.Public
	if k.Attributes.Type.Public() {
		item.Kind, public = "public key", k.Data
	}
	item.add("type", "%s", policy.TypeName(k.Attributes))
	item.add("form", "%s", k.Form)
	if len(public) > 0 {
		a := k.Attributes
		if spki, _, err := keyfile.EncodePublic(a, public, keyfile.Standard); err == nil {
			item.add("fingerprint", "%s", Fingerprint(spki))
		}
	}
	return item, nil
}

// Fingerprint returns the SHA-256 of an SPKI as ssh and others write such.
func Fingerprint(spki []byte) string {
	sum := sha256.Sum256(spki)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// archiveMagic begins an age file, which an archive is.
const archiveMagic = "age-encryption.org/v1\n"

// IsArchive reports whether data begins like an archive of parsecctl backup.
func IsArchive(data []byte) bool { return bytes.HasPrefix(data, []byte(archiveMagic)) }

// archive describes the outside of an age file: what is inside only the passphrase opens.
func archive(data []byte) Item {
	item := Item{Kind: "encrypted archive (age)"}
	first, _, _ := bytes.Cut(data[len(archiveMagic):], []byte("\n"))
	if bytes.HasPrefix(first, []byte("-> scrypt ")) {
		item.add("opens with", "a passphrase, as parsecctl restore asks for it")
	} else {
		item.add("opens with", "a key: this is no archive of parsecctl backup")
	}
	return item
}
