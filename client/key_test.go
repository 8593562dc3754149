package client_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// safe is a key service of software keys, with the formats of the protocol.
type safe struct {
	t     *testing.T
	attrs map[string]psa.Attributes
	keys  map[string]crypto.Signer
}

func newSafe(t *testing.T) *safe {
	t.Helper()
	s := &safe{t: t, attrs: map[string]psa.Attributes{}, keys: map[string]crypto.Signer{}}
	usage := psa.UsageSignHash.Expand() | psa.UsageDecrypt
	put := func(name string, a psa.Attributes, key crypto.Signer, err error) {
		if err != nil {
			t.Fatal(err)
		}
		a.Usage = usage
		s.attrs[name], s.keys[name] = a, key
	}
	for name, c := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521()} {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		put(name, psa.Attributes{
			Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: uint64(c.Params().BitSize),
			Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashAny},
		}, k, err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	put("ed25519", psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255, Alg: psa.Algorithm{Kind: psa.AlgPureEdDSA}}, ed, err)
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	for name, alg := range map[string]psa.Algorithm{
		"rsa": {Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashAny}, "pss": {Kind: psa.AlgRSAPSS, Hash: psa.HashSHA256},
		"oaep": {Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256}, "crypt": {Kind: psa.AlgRSAPKCS1v15Crypt},
	} {
		put(name, psa.Attributes{Type: psa.KeyRSAPair, Bits: 2048, Alg: alg}, k, err)
	}
	return s
}

func (s *safe) answer(r request) reply {
	switch r.Opcode {
	case agent.OpListKeys:
		m := &agentpb.ListKeysResult{}
		for name, a := range s.attrs {
			m.Keys = append(m.Keys, &agentpb.ListKeysResult_Key{Name: name, ProviderId: 1, Attributes: agent.EncodeAttributes(a)})
		}
		return ok(m)
	case wire.OpExportPublicKey:
		return ok(&psapb.Output{Output: s.public(r)})
	case wire.OpSignHash, wire.OpSignMessage:
		return s.sign(r)
	case wire.OpAsymmetricDecrypt:
		return s.decrypt(r)
	default:
		return reply{}
	}
}

func (s *safe) public(r request) []byte {
	var m psapb.KeyRef
	if err := psa.Unmarshal(r.body, &m); err != nil {
		s.t.Error(err)
	}
	switch k := s.keys[m.GetKeyName()].Public().(type) {
	case *rsa.PublicKey:
		return x509.MarshalPKCS1PublicKey(k)
	case ed25519.PublicKey:
		return k
	case *ecdsa.PublicKey:
		b, err := k.Bytes()
		if err != nil {
			s.t.Error(err)
		}
		return b
	default:
		return nil
	}
}

func (s *safe) sign(r request) reply {
	var m psapb.Sign
	if err := psa.Unmarshal(r.body, &m); err != nil {
		return reply{status: wire.StatusDeserializingBody}
	}
	var opts crypto.SignerOpts = crypto.Hash(0)
	if alg, err := psa.DecodeSignature(m.GetAlg()); err == nil {
		opts = alg.Hash.Std()
		if alg.Kind == psa.AlgRSAPSS {
			opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: alg.Hash.Std()}
		}
	}
	sig, err := s.keys[m.GetKeyName()].Sign(rand.Reader, m.GetInput(), opts)
	if k, isEC := s.keys[m.GetKeyName()].(*ecdsa.PrivateKey); isEC && err == nil {
		sig, err = client.ECDSAFromASN1(sig, uint64(k.Curve.Params().BitSize))
	}
	if err != nil {
		s.t.Error(err)
	}
	return ok(&psapb.Output{Output: sig})
}

func (s *safe) decrypt(r request) reply {
	var m psapb.AsymmetricCrypt
	if err := psa.Unmarshal(r.body, &m); err != nil {
		return reply{status: wire.StatusDeserializingBody}
	}
	var opts crypto.DecrypterOpts
	if m.GetAlg().GetRsaOaep() != nil {
		opts = &rsa.OAEPOptions{Hash: crypto.SHA256, Label: m.GetSalt()}
	}
	d, isDecrypter := s.keys[m.GetKeyName()].(crypto.Decrypter)
	if !isDecrypter {
		return reply{status: wire.StatusNotPermitted}
	}
	out, err := d.Decrypt(rand.Reader, m.GetInput(), opts)
	if err != nil {
		return reply{status: wire.StatusInvalidPadding}
	}
	return ok(&psapb.Output{Output: out})
}

func (s *safe) open(c *client.Client, name psa.KeyName) *client.Key {
	s.t.Helper()
	k, err := c.Key(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return k
}

func TestKeySignsCertificatesAndRequests(t *testing.T) {
	s := newSafe(t)
	c := newServer(t, s.answer).dial(client.Options{})
	for _, name := range []psa.KeyName{"p256", "p384", "p521", "ed25519", "rsa", "pss"} {
		t.Run(string(name), func(t *testing.T) {
			k := s.open(c, name)
			template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: string(name)}, NotAfter: time.Now().Add(time.Hour)}
			request := &x509.CertificateRequest{Subject: pkix.Name{CommonName: string(name)}}
			if name == "pss" {
				template.SignatureAlgorithm, request.SignatureAlgorithm = x509.SHA256WithRSAPSS, x509.SHA256WithRSAPSS
			}
			der, err := x509.CreateCertificate(nil, template, template, k.Public(), k)
			if err != nil {
				t.Fatal(err)
			}
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			if err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
				t.Error(err)
			}
			der, err = x509.CreateCertificateRequest(nil, request, k)
			if err != nil {
				t.Fatal(err)
			}
			csr, err := x509.ParseCertificateRequest(der)
			if err != nil || csr.CheckSignature() != nil {
				t.Error(err, csr.CheckSignature())
			}
		})
	}
}

func TestKeyServesTLS(t *testing.T) {
	s := newSafe(t)
	c := newServer(t, s.answer).dial(client.Options{})
	for _, name := range []psa.KeyName{"p256", "ed25519", "pss"} {
		k := s.open(c, name)
		template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"x.test"}, NotAfter: time.Now().Add(time.Hour)}
		if name == "pss" {
			template.SignatureAlgorithm = x509.SHA256WithRSAPSS
		}
		der, err := x509.CreateCertificate(nil, template, template, k.Public(), k)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(cert)
		a, b := net.Pipe()
		server := tls.Server(a, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: k}}})
		done := make(chan error, 1)
		go func() { done <- server.HandshakeContext(t.Context()) }()
		peer := tls.Client(b, &tls.Config{RootCAs: roots, ServerName: "x.test"})
		if err := errors.Join(peer.HandshakeContext(t.Context()), <-done); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, _ = a.Close(), b.Close()
	}
}

func TestKeyRefusesWhatItsPolicyDoes(t *testing.T) {
	s := newSafe(t)
	server := newServer(t, s.answer)
	c := server.dial(client.Options{})
	sum := make([]byte, 32)
	for name, tc := range map[string]struct {
		key    psa.KeyName
		digest []byte
		opts   crypto.SignerOpts
		want   wire.Status
	}{
		"another hash":          {"pss", make([]byte, 64), &rsa.PSSOptions{Hash: crypto.SHA512}, wire.StatusNotPermitted},
		"another scheme":        {"pss", sum, crypto.SHA256, wire.StatusNotPermitted},
		"PSS with PKCS #1":      {"rsa", sum, &rsa.PSSOptions{Hash: crypto.SHA256}, wire.StatusNotPermitted},
		"another salt":          {"pss", sum, &rsa.PSSOptions{Hash: crypto.SHA256, SaltLength: 7}, wire.StatusNotPermitted},
		"hash of wrong length":  {"p256", sum[:31], crypto.SHA256, wire.StatusInvalidArgument},
		"no hash":               {"p256", sum, crypto.Hash(0), wire.StatusNotPermitted},
		"hash of an Ed25519":    {"ed25519", sum, crypto.SHA512, wire.StatusNotPermitted},
		"signing to decrypt":    {"oaep", sum, crypto.SHA256, wire.StatusNotPermitted},
		"hash without a number": {"p256", sum, crypto.BLAKE2s_256, wire.StatusNotPermitted},
	} {
		if _, err := s.open(c, tc.key).Sign(nil, tc.digest, tc.opts); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(server.seen(wire.OpSignHash)); n != 0 {
		t.Errorf("%d of them reached the service", n)
	}
}

func TestKeySignsMessages(t *testing.T) {
	s := newSafe(t)
	c := newServer(t, s.answer).dial(client.Options{})
	k := s.open(c, "p256")
	sig, err := k.SignMessage(nil, []byte("message"), crypto.SHA256)
	sum := sha256.Sum256([]byte("message"))
	public, isEC := k.Public().(*ecdsa.PublicKey)
	if err != nil || !isEC || !ecdsa.VerifyASN1(public, sum[:], sig) {
		t.Errorf("%v", err)
	}
}

func TestKeyDecrypts(t *testing.T) {
	s := newSafe(t)
	c := newServer(t, s.answer).dial(client.Options{})
	oaep, crypt := s.open(c, "oaep"), s.open(c, "crypt")
	public, isRSA := oaep.Public().(*rsa.PublicKey)
	if !isRSA {
		t.Fatal("no RSA key")
	}
	text, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, []byte("plain"), []byte("label"))
	if err != nil {
		t.Fatal(err)
	}
	opts := &rsa.OAEPOptions{Hash: crypto.SHA256, Label: []byte("label")}
	if plain, err := oaep.Decrypt(nil, text, opts); err != nil || string(plain) != "plain" {
		t.Errorf("%q, %v", plain, err)
	}
	if _, err := crypt.Decrypt(nil, text, opts); !errors.Is(err, wire.StatusNotPermitted) {
		t.Errorf("OAEP with a PKCS #1 key: %v", err)
	}
	if _, err := oaep.Decrypt(nil, text, "nonsense"); !errors.Is(err, wire.StatusNotPermitted) {
		t.Errorf("options of another type: %v", err)
	}
	text, err = rsa.EncryptPKCS1v15(rand.Reader, public, []byte("sixteen byte key")) //nolint:staticcheck // the scheme exists
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := crypt.Decrypt(nil, text, nil); err != nil || string(plain) != "sixteen byte key" {
		t.Errorf("%q, %v", plain, err)
	}
	// A session key: neither a wrong padding nor a wrong length shows.
	session := &rsa.PKCS1v15DecryptOptions{SessionKeyLen: 16} //nolint:staticcheck // as above
	if plain, err := crypt.Decrypt(nil, text, session); err != nil || string(plain) != "sixteen byte key" {
		t.Errorf("%q, %v", plain, err)
	}
	text[9] ^= 1
	for _, n := range []int{16, 32} {
		session.SessionKeyLen = n
		if plain, err := crypt.Decrypt(nil, text, session); err != nil || len(plain) != n || string(plain) == "sixteen byte key" {
			t.Errorf("%q, %v", plain, err)
		}
	}
}

func TestECDSAForms(t *testing.T) {
	for _, bits := range []uint64{224, 256, 384, 521} {
		raw := make([]byte, 2*((bits+7)/8))
		raw[len(raw)/2-1], raw[len(raw)-1] = 0x80, 1
		der, err := client.ECDSAToASN1(raw)
		if err != nil {
			t.Fatal(err)
		}
		back, err := client.ECDSAFromASN1(der, bits)
		if err != nil || string(back) != string(raw) {
			t.Errorf("%d: %x, %v", bits, back, err)
		}
		for name, bad := range map[string][]byte{
			"trailing": append(slices.Clip(der), 0), "empty": nil, "cut": der[:len(der)-1], "zero": {0x30, 6, 2, 1, 0, 2, 1, 1},
			"negative": {0x30, 6, 2, 1, 0x80, 2, 1, 1},
		} {
			if _, err := client.ECDSAFromASN1(bad, bits); err == nil {
				t.Errorf("%s is accepted", name)
			}
		}
	}
	if _, err := client.ECDSAToASN1(make([]byte, 63)); err == nil {
		t.Error("an odd length is accepted")
	}
	if _, err := client.ECDSAFromASN1([]byte{0x30, 6, 2, 1, 1, 2, 1, 1}, 1<<40); err == nil {
		t.Error("a curve of 2^40 bits")
	}
}

func TestKeyOfUnknownCurve(t *testing.T) {
	s := newSafe(t)
	s.attrs["p256"] = psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPK1, Bits: 256, Alg: psa.Algorithm{Kind: psa.AlgECDSAAny}}
	c := newServer(t, s.answer).dial(client.Options{})
	if _, err := c.Key(t.Context(), "p256"); !errors.Is(err, wire.StatusNotSupported) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Key(t.Context(), "nope"); !errors.Is(err, wire.StatusDoesNotExist) {
		t.Errorf("got %v", err)
	}
}
