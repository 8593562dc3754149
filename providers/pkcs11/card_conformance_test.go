package pkcs11_test

import (
	"crypto/x509"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/cardtest"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
)

func TestCardSmoke(t *testing.T) {
	r := cardtest.NewReader(t)
	cardtest.Start(t, map[string]*cardtest.Reader{cardtest.AnyReader: r})
	c := cardtest.New(cardtest.Options{})
	c.Put(t, cardtest.Authentication, cardtest.P256, x509.KeyUsageDigitalSignature)
	c.Put(t, cardtest.Signature, cardtest.P256, x509.KeyUsageDigitalSignature)
	c.Put(t, cardtest.Retired(3), cardtest.RSA2048, x509.KeyUsageDigitalSignature)
	r.Insert(0, c)
	c.Await(t)
	l := &logs{}
	p := open(t, pkcs11.Options{
		Library: cardtest.OpenSC(t), PIN: pin(cardtest.PIN), Helper: tokentest.Helper(t), StateDir: t.TempDir(), Logger: l.logger(),
	})
	for _, n := range []byte{1, 2} {
		key := providers.Key{ID: providers.KeyID{n, 0, 0, 0}, Attributes: p256}
		providertest.Exercise(t, p, key)
	}
	rsa := psa.Attributes{
		Type: psa.KeyRSAPair, Bits: 2048, Usage: psa.UsageSignHash | psa.UsageVerifyHash,
		Alg: psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256},
	}
	providertest.Exercise(t, p, providers.Key{ID: providers.KeyID{cardtest.Retired(3).ID(), 0, 0, 0}, Attributes: rsa})
	t.Log(c.Counts(), l)
}
