package cardtest_test

import (
	"crypto/x509"
	"os"
	"os/exec"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/cardtest"
)

func TestOpenSC(t *testing.T) {
	r := cardtest.NewReader(t)
	cardtest.Start(t, map[string]*cardtest.Reader{"Virtual PCD": r})
	c := cardtest.New(cardtest.Options{})
	c.Put(t, cardtest.Authentication, cardtest.P256, x509.KeyUsageDigitalSignature)
	c.Put(t, cardtest.Signature, cardtest.RSA2048, x509.KeyUsageDigitalSignature)
	c.Put(t, cardtest.Retired(3), cardtest.P384, x509.KeyUsageDigitalSignature)
	r.Insert(0, c)
	c.Await(t)
	for _, a := range [][]string{{"opensc-tool", "-l"}, {"opensc-tool", "-n"}, {"pkcs11-tool", "-L"}, {"pkcs11-tool", "-l", "-p", "123456", "-O"}, {"pkcs11-tool", "-M"}} {
		cmd := exec.Command(a[0], a[1:]...)
		cmd.Env = os.Environ()
		out, err := cmd.CombinedOutput()
		t.Logf("%s: %v\n%s", a, err, out)
	}
	t.Logf("%+v", c.Counts())
}
