//go:build interop

package device_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// reference runs a line of Python with the reference implementation, which has no device files but the primitives of
// recovery files.
func reference(t *testing.T, code string, args ...string) string {
	t.Helper()
	python := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), "../interop/peers", append([]string{"reference"}, args...)...)
		var errors bytes.Buffer
		cmd.Stderr = &errors
		out, err := cmd.Output()
		return append(out, errors.Bytes()...), err
	}
	if out, err := python("-c", "import parsec._parsec"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no reference implementation: %s", out)
		}
		t.Skipf("no reference implementation (install the Debian packages debootstrap and python3-pip, and be root): %s", out)
	}
	out, err := python(append([]string{"-c", "import sys\nfrom parsec import _parsec as p\n" + code}, args...)...)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestReferenceRecovery has the reference open what is in our recovery file, and us what it encrypted.
func TestReferenceRecovery(t *testing.T) {
	d := devicetest.New(t, "Acme", "laptop")
	file, passphrase, err := device.SealRecovery(d, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := trust.LoadDeviceFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sealed, _ := loaded.Sealed()
	plain := reference(t, "print(p.SecretKey.from_recovery_passphrase(sys.argv[1]).decrypt(bytes.fromhex(sys.argv[2])).hex())",
		string(passphrase), hex.EncodeToString(sealed))

	theirs := strings.Fields(reference(t,
		"passphrase, key = p.SecretKey.generate_recovery_passphrase()\nprint(passphrase, key.encrypt(bytes.fromhex(sys.argv[1])).hex())", plain))
	if len(theirs) != 2 {
		t.Fatalf("the reference says %q", theirs)
	}
	made, err := trust.DumpDeviceFile(&trust.RecoveryFile{DeviceFileHeader: *loaded.Header(), Ciphertext: unhex(t, theirs[1])})
	if err != nil {
		t.Fatal(err)
	}
	got, err := newWorld(t).store.OpenRecovery(t.Context(), made, []byte(theirs[0]))
	if err != nil {
		t.Fatal(err)
	}
	devicetest.Same(t, got, d)
}
