package trust

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest/wycheproof"
)

// wycheproofs are the files with operations of this package. outcome returns what the case gives, or an error.
var wycheproofs = []struct {
	name    string
	files   *regexp.Regexp
	outcome func(*wycheproof.Case) ([]byte, error)
	// differs returns what else is expected of a case, and why; exceptions is how many there are.
	differs    func(*wycheproof.Case) (wycheproof.Result, string)
	exceptions map[string]int
}{
	{
		name: "X25519", files: regexp.MustCompile(`^x25519_test`),
		outcome: func(c *wycheproof.Case) ([]byte, error) {
			return must(NewPrivateKey(c.KeyData)).exchange(PublicKey(c.Input))
		},
		differs: func(c *wycheproof.Case) (wycheproof.Result, string) {
			if c.Has("ZeroSharedSecret") {
				return wycheproof.Invalid, "everybody can compute with it"
			}
			return c.Want, ""
		},
		exceptions: map[string]int{"everybody can compute with it": 31},
	},
	{
		name: "Ed25519", files: regexp.MustCompile(`^ed25519_test`),
		outcome: func(c *wycheproof.Case) ([]byte, error) {
			return c.Output, VerifyKey(c.KeyData).VerifyDetached(c.Input, c.Output)
		},
	},
	{
		name: "RSA PKCS#1 v1.5, by which certificates are signed", files: regexp.MustCompile(`^rsa_signature_[0-9]+_sha(256|384|512)_test`),
		outcome: func(c *wycheproof.Case) ([]byte, error) { return c.Output, verifyPKCS1(c) },
	},
	{
		name: "RSA PSS of certificates", files: regexp.MustCompile(`^rsa_pss_[a-z0-9]+_sha256_mgf1_[0-9]+_test`),
		outcome: func(c *wycheproof.Case) ([]byte, error) {
			return c.Output, VerifyX509(&x509.Certificate{PublicKey: publicRSA(c)}, c.Input, c.Output)
		},
		differs: func(c *wycheproof.Case) (wycheproof.Result, string) {
			if c.Exception == wycheproof.NoSalt {
				return wycheproof.Invalid, "the salt has 32 bytes"
			}
			return c.Want, ""
		},
		exceptions: map[string]int{"the salt has 32 bytes": 61},
	},
	{
		name: "RSA PSS of the sequester, with any salt", files: regexp.MustCompile(`^rsa_pss_[a-z0-9]+_sha256_mgf1_[0-9]+_test`),
		outcome: func(c *wycheproof.Case) ([]byte, error) {
			key := must(ParseSequesterVerifyKey(must(x509.MarshalPKIXPublicKey(publicRSA(c)))))
			_, err := key.Verify(joinSequester(sequesterSignature, c.Output, c.Input))
			return c.Output, err
		},
		differs: func(c *wycheproof.Case) (wycheproof.Result, string) {
			if strings.HasPrefix(c.Comment, "s_len changed to ") {
				return wycheproof.Valid, "the salt has any length"
			}
			return c.Want, ""
		},
		exceptions: map[string]int{"the salt has any length": 18},
	},
	{
		name: "RSA OAEP", files: regexp.MustCompile(`^rsa_oaep_[0-9]+_sha256_mgf1sha256_test`),
		outcome: func(c *wycheproof.Case) ([]byte, error) {
			key := must(parseRSAPrivate(must(x509.MarshalPKCS8PrivateKey(must(x509.ParsePKCS1PrivateKey(c.KeyData))))))
			return decryptX509(key.key(), c.Input)
		},
		differs: func(c *wycheproof.Case) (wycheproof.Result, string) {
			if len(c.Salt) > 0 && c.Want == wycheproof.Valid {
				return wycheproof.Invalid, "the label is empty"
			}
			return c.Want, ""
		},
		exceptions: map[string]int{"the label is empty": 24},
	},
}

// TestWycheproof replays the vectors of known attacks with the functions that everything else here uses.
func TestWycheproof(t *testing.T) {
	for _, w := range wycheproofs {
		t.Run(w.name, func(t *testing.T) {
			seen, exceptions := 0, map[string]int{}
			for _, file := range wycheproof.Files() {
				if !w.files.MatchString(file) {
					continue
				}
				for _, c := range wycheproof.Load(t, file) {
					seen++
					want, why := c.Want, ""
					if w.differs != nil {
						want, why = w.differs(&c)
					}
					if why != "" {
						exceptions[why]++
					}
					got, err := w.outcome(&c)
					if wrong := !bytes.Equal(got, c.Output); err == nil && (want == wycheproof.Invalid || wrong) || err != nil && want == wycheproof.Valid {
						t.Errorf("%v: %x, %v, want %s %x", &c, got, err, want, c.Output)
					}
				}
			}
			if seen < 100 || !maps.Equal(exceptions, w.exceptions) {
				t.Errorf("%d cases, exceptions %v, want %v", seen, exceptions, w.exceptions)
			}
		})
	}
}

func publicRSA(c *wycheproof.Case) *rsa.PublicKey { return must(x509.ParsePKCS1PublicKey(c.KeyData)) }

// verifyPKCS1 takes the message for a certificate and the key for that of its issuer.
func verifyPKCS1(c *wycheproof.Case) error {
	algorithms := map[psa.Hash]x509.SignatureAlgorithm{
		psa.HashSHA256: x509.SHA256WithRSA, psa.HashSHA384: x509.SHA384WithRSA, psa.HashSHA512: x509.SHA512WithRSA,
	}
	child := link{Certificate: &x509.Certificate{
		RawTBSCertificate: c.Input, Signature: c.Output, SignatureAlgorithm: algorithms[c.Attributes.Alg.Hash],
	}}
	return signedX509(child, link{Certificate: &x509.Certificate{PublicKey: publicRSA(c)}})
}
