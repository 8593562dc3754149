package guard_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
)

// pair makes a certificate for a name and its key.
func pair(t *testing.T, name string, ends time.Time) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: ends.Add(-time.Hour), NotAfter: ends}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// replace writes a file as programs that renew certificates do.
func replace(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path+".new", content, 0o600), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
}

// shown returns the name in the certificate that a listener shows.
func shown(t *testing.T, l net.Listener) string {
	t.Helper()
	served := make(chan struct{})
	go func() {
		defer close(served)
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if tc, ok := c.(*tls.Conn); !ok || tc.HandshakeContext(t.Context()) != nil {
			t.Errorf("no handshake with %T", c)
		}
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	<-served
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	if _, err := guard.NewCertificate(certFile, keyFile, logger); err == nil || !strings.Contains(err.Error(), "cannot look at the certificate") {
		t.Errorf("without files: %v", err)
	}
	hour := time.Now().Add(time.Hour)
	cert, key := pair(t, "one", hour)
	replace(t, certFile, cert)
	replace(t, keyFile, key)
	c, err := guard.NewCertificate(certFile, keyFile, logger)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", c.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cert2, key2 := pair(t, "two", hour)
	expired, expiredKey := pair(t, "expired", time.Now().Add(-time.Minute))
	for _, step := range []struct {
		what string
		do   func()
		want string
		says string
	}{
		{"nothing", func() {}, "one", ""},
		{"half of a pair", func() { replace(t, certFile, cert2) }, "one", "certificate not changed"},
		{"half of it, again", func() {}, "one", ""},
		{"the other half", func() { replace(t, keyFile, key2) }, "two", "certificate changed"},
		{"nonsense", func() { replace(t, certFile, []byte("x")) }, "two", "certificate not changed"},
		{"nothing there", func() { _ = os.Remove(certFile) }, "two", "cannot look at"},
		{"an expired one", func() { replace(t, certFile, expired); replace(t, keyFile, expiredKey) }, "two", "has expired"},
		{"the first again", func() { replace(t, certFile, cert); replace(t, keyFile, key) }, "one", "certificate changed"},
	} {
		log.Reset()
		step.do()
		c.Reload(t.Context())
		if got := shown(t, l); got != step.want || !strings.Contains(log.String(), step.says) || step.says == "" && log.Len() > 0 {
			t.Errorf("%s: it shows %s, and says %q", step.what, got, log.String())
		}
	}
	if strings.Contains(log.String(), "PRIVATE") {
		t.Error("the key is logged")
	}
}
