package command_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// TestTLS: with certificate and key the server speaks TLS, and its addresses say so.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	key := Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true,
		BasicConstraintsValid: true,
	}
	der := Must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: Must(x509.MarshalPKCS8PrivateKey(key))},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := start(t, "run", "--dev", "--port=0", "--ssl-certfile="+filepath.Join(dir, "cert.pem"), "--ssl-keyfile="+filepath.Join(dir, "key.pem"),
		"--ssl-ciphers=ECDHE-ECDSA-AES256-GCM-SHA384,ECDHE-RSA-AES256-GCM-SHA384")
	roots := x509.NewCertPool()
	roots.AddCert(Must(x509.ParseCertificate(der)))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	url := strings.Replace(p.URL(), "http:", "https:", 1) + "/administration/organizations"
	q := Must(http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"organization_id":"Org"}`)))
	q.Header.Set("Authorization", "Bearer s3cr3t")
	q.Header.Set("Content-Type", "application/json")
	a, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	if suite := a.TLS.CipherSuite; suite != tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 {
		t.Errorf("the suite is %s", tls.CipherSuiteName(suite))
	}
	body := make([]byte, 1000)
	n, _ := a.Body.Read(body)
	if text := string(body[:n]); a.StatusCode != http.StatusOK || strings.Contains(text, "no_ssl") || !strings.Contains(text, "parsec3://127.0.0.1") {
		t.Errorf("status %d: %s", a.StatusCode, text)
	}
}
