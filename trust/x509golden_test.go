package trust

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// goldenX509 is what testdata/x509.pem says that it is.
type goldenX509 struct {
	chain     X509Chain
	root      []byte
	lists     [][]byte
	signature []byte
	at        DateTime
}

func readGoldenX509(t testing.TB) goldenX509 {
	t.Helper()
	blocks := [][]byte{}
	for rest := must(os.ReadFile("testdata/x509.pem")); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		blocks = append(blocks, block.Bytes)
	}
	if len(blocks) != 6 {
		t.Fatalf("%d blocks", len(blocks))
	}
	return goldenX509{
		chain: X509Chain{Leaf: blocks[0], Intermediates: blocks[1:2]}, root: blocks[2], lists: blocks[3:5], signature: blocks[5],
		at: must(DateTimeOf(time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC))),
	}
}

// TestX509Golden: a chain by OpenSSL is believed, with its lists, until somebody changes a bit.
func TestX509Golden(t *testing.T) {
	g := readGoldenX509(t)
	trust := must(NewX509Trust([][]byte{g.root}, g.lists))
	identity, err := trust.Validate(g.chain, g.at)
	if err != nil {
		t.Fatal(err)
	}
	if handle, err := identity.HumanHandle(); err != nil || handle.String() != "Alice <alice@example.com>" {
		t.Errorf("%v, %v", handle, err)
	}
	if err := identity.Verify([]byte("payload"), g.signature); err != nil {
		t.Error(err)
	}
	for i := 0; i < 8*len(g.chain.Leaf); i += 7 { // every byte, one of its bits
		leaf := bytes.Clone(g.chain.Leaf)
		leaf[i/8] ^= 1 << (i % 8)
		if _, err := trust.Validate(X509Chain{Leaf: leaf, Intermediates: g.chain.Intermediates}, g.at); err == nil {
			t.Errorf("bit %d can be changed", i)
		}
	}
}

// FuzzX509: whatever leads to the root was signed by its authorities, which signed one certificate only.
func FuzzX509(f *testing.F) {
	g := readGoldenX509(f)
	signed := must(x509.ParseCertificate(g.chain.Leaf)).RawTBSCertificate
	f.Add(g.chain.Leaf, g.chain.Intermediates[0], g.lists[0])
	f.Add(g.chain.Intermediates[0], g.root, g.lists[1])
	f.Fuzz(func(t *testing.T, leaf, between, list []byte) {
		lists := [][]byte{list, g.lists[1]}
		if _, err := NewX509Trust(nil, lists); err != nil {
			lists = nil
		}
		chain := X509Chain{Leaf: leaf, Intermediates: [][]byte{between}}
		identity, err := must(NewX509Trust([][]byte{g.root}, lists)).Validate(chain, g.at)
		if err != nil {
			return
		}
		if !bytes.Equal(identity.Certificate().RawTBSCertificate, signed) {
			t.Errorf("%x is believed", leaf)
		}
		if err := chain.CheckShape(); err != nil {
			t.Errorf("believed, and yet %v", err)
		}
		_, _ = identity.HumanHandle()
	})
}

// TestX509WithOpenSSL: what one signs or encrypts, the other verifies or opens.
func TestX509WithOpenSSL(t *testing.T) {
	needOpenSSL(t)
	p, dir := newPKI(t), t.TempDir()
	identity, _, chain := p.believed()
	in := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := in("key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(p.leaf.key))}))
	certificate := in("certificate", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain.Leaf}))
	openssl := func(args ...string) []byte {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "openssl", args...).Output()
		if err != nil {
			t.Fatalf("openssl %v: %v", args, err)
		}
		return out
	}
	payload := in("payload", []byte("payload"))
	pss := []string{"dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"}
	if err := identity.Verify([]byte("payload"), openssl(append(pss, "-sign", key, payload)...)); err != nil {
		t.Errorf("a signature by OpenSSL: %v", err)
	}
	signature := in("signature", must(SignX509(p.leaf.key, []byte("payload"))))
	openssl(append(pss, "-prverify", key, "-signature", signature, payload)...)
	oaep := []string{"pkeyutl", "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"}
	secretKey := GenerateSecretKey()
	ours := in("ours", must(identity.Encrypt(secretKey)))
	if opened := openssl(append(oaep, "-decrypt", "-inkey", key, "-in", ours)...); !bytes.Equal(opened, must(secretKey.Export())) {
		t.Error("OpenSSL opens something else")
	}
	theirs := openssl(append(oaep, "-encrypt", "-certin", "-inkey", certificate, "-in", in("secret", must(secretKey.Export())))...)
	if opened, err := DecryptX509(x509Keys().rsa, theirs); err != nil || !opened.Equal(secretKey) {
		t.Errorf("what OpenSSL encrypted: %v", err)
	}
}
