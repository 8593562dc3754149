package software_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

// TestNothingSecretIsSaid drives the provider through its failures and searches what it
// logged, returned as errors and found for the key and the root key.
func TestNothingSecretIsSaid(t *testing.T) {
	dir := t.TempDir()
	root := []byte("ROOTROOTROOTROOTROOTROOTROOTROOT")
	secret := []byte("SECRETSECRETSECRETSECRETSECRETSE")
	t.Setenv("CREDENTIALS_DIRECTORY", t.TempDir())
	write(t, filepath.Join(os.Getenv("CREDENTIALS_DIRECTORY"), "parsec-root-key"), root, 0o400)
	var l providertest.Logs
	out := &l
	p := open(t, software.Options{KeyStorePath: dir, Logger: l.Logger(), CacheKeys: 4})
	id, err := p.ImportKey(t.Context(), p256, secret)
	providertest.Status(t, "import", err, wire.StatusSuccess)
	key := providers.Key{ID: id, Attributes: p256}
	say := func(err error) {
		fmt.Fprintf(out, "%v %+v %#v\n", err, err, err)
		if e, ok := err.(*wire.Error); ok { //nolint:errorlint // the outermost is printed
			fmt.Fprintf(out, "%v %+v\n", e.Err, *e)
		}
	}
	_, err = p.ImportKey(t.Context(), p256, append(bytes.Clone(secret), 0))
	say(err)
	_, err = p.ImportKey(t.Context(), psa.Attributes{Type: psa.KeyRSAPair, Bits: 2048}, secret)
	say(err)
	for _, form := range []providers.Protection{providers.ProtectionCompatible, providers.ProtectionEncrypted} {
		say(p.Protect(t.Context(), key, form))
		other := key
		other.Attributes.Bits = 384
		_, err = p.ExportKey(t.Context(), other)
		say(err)
		b := read(t, fileOf(dir, key))
		write(t, fileOf(dir, key), append(bytes.Clone(b), 1), 0o644)
		_, err = p.ExportKey(t.Context(), key)
		say(err)
		fmt.Fprintf(out, "%+v\n", examine(t, p, key))
		write(t, fileOf(dir, key), b, 0o600)
	}
	write(t, filepath.Join(os.Getenv("CREDENTIALS_DIRECTORY"), "parsec-root-key"), root[1:], 0o400)
	_, err = software.Open(t.Context(), software.Options{KeyStorePath: dir})
	say(err)
	for _, b := range [][]byte{[]byte("SECRET"), []byte("ROOT")} {
		for _, form := range []string{string(b), hex.EncodeToString(b), strings.Trim(fmt.Sprintf("%d", b), "[]"), strings.Trim(fmt.Sprintf("%#v", b), "[]byte{}")} {
			if strings.Contains(l.String(), form) {
				t.Errorf("%q occurs in\n%s", form, l.String())
			}
		}
	}
}
