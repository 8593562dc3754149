package device

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Kind says how a device file is protected.
type Kind string

// The kinds. Those below KindCertificate are of files that only the original client makes, and that do not open here, but
// for the last two, which are ours.
const (
	KindPassword    Kind = "password"
	KindRecovery    Kind = "recovery"
	KindCertificate Kind = "certificate"

	KindKeyring      Kind = "keyring"
	KindAccountVault Kind = "account-vault"
	KindOpenBao      Kind = "openbao"

	KindProvider         Kind = "provider"
	KindPasswordProvider Kind = "password+provider"
)

// NeedsPassword reports whether a person has to type something.
func (k Kind) NeedsPassword() bool {
	return k == KindPassword || k == KindRecovery || k == KindPasswordProvider
}

// Protection is how a device is to be protected: a password, a provider key, both, or a certificate.
type Protection struct {
	// Password is what a person types; empty for none. The caller wipes it.
	Password []byte
	// Provider is the name of the provider instance that is to make a key for the device; empty for none.
	Provider string
	// Certificate is one in DER whose RSA key, perhaps on a token, is to open the device; nil for none.
	Certificate []byte
	// Code is a further layer, whose key a server gives against a one-time code; nil for none.
	Code *CodeLayer
}

// CodeLayer is a key that a server keeps.
type CodeLayer struct {
	ID  trust.TOTPOpaqueKeyID
	Key trust.SecretKey
}

// Secret is what a person gives to open a device.
type Secret struct {
	// Password is the password or recovery passphrase; the caller wipes it.
	Password []byte
	// Code is the one-time code for the server.
	Code string
}

const redacted = "(redacted)"

// String returns a redaction, for the password may be in it.
func (Protection) String() string { return redacted }

// GoString returns a redaction.
func (Protection) GoString() string { return redacted }

// Format writes a redaction, whatever the verb.
func (Protection) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns a redaction.
func (Protection) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON refuses.
func (Protection) MarshalJSON() ([]byte, error) { return nil, errEncode }

// String returns a redaction.
func (Secret) String() string { return redacted }

// GoString returns a redaction.
func (Secret) GoString() string { return redacted }

// Format writes a redaction, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns a redaction.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON refuses.
func (Secret) MarshalJSON() ([]byte, error) { return nil, errEncode }

var errEncode = errors.New("a secret cannot be encoded")

// maxPassword bounds what is typed, in bytes.
const maxPassword = 1024

// check refuses what is not a protection.
func (p Protection) check() error {
	invalid := func(reason string) error {
		return &wire.Error{Status: wire.StatusInvalidArgument, Reason: reason, Remedy: "give a password, a provider, both, or a certificate"}
	}
	switch {
	case len(p.Password) > maxPassword:
		return wire.Errorf(wire.StatusInvalidArgument, "the password has %d bytes, at most %d are possible", len(p.Password), maxPassword)
	case p.Certificate != nil && (len(p.Password) > 0 || p.Provider != ""):
		return invalid("a certificate does not go together with a password or a provider")
	case p.Certificate == nil && len(p.Password) == 0 && p.Provider == "":
		return invalid("there is nothing to protect the device with")
	case len(p.Provider) > maxName:
		return invalid("no provider has such a name")
	}
	return nil
}

// Certificates finds the private keys of certificates, such as on the tokens of a person.
type Certificates interface {
	// Decrypt decrypts with RSAES-OAEP and SHA-256, by the key of the certificate with that hash. Where nobody has it the
	// error is wire.StatusDoesNotExist.
	Decrypt(ctx context.Context, certificate trust.X509Reference, ciphertext []byte) ([]byte, error)
}

// Server gives the keys of one-time codes.
type Server interface {
	// OpaqueKey trades a one-time code for the key of a device file.
	OpaqueKey(ctx context.Context, of *trust.DeviceFileHeader, id trust.TOTPOpaqueKeyID, code string) (trust.SecretKey, error)
}

// CertificateKey lets a key of a provider decrypt for a certificate.
func CertificateKey(ctx context.Context, p providers.AsymmetricDecrypter, key providers.Key, ciphertext []byte) ([]byte, error) {
	return p.AsymmetricDecrypt(ctx, key, psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256}, ciphertext, nil)
}

// primaryInfo labels the derivation of the key of our files, in front of the digest of what it is bound to.
const primaryInfo = "parsec-agent device file v1"

// primary derives the key of a file from the secrets of its layers, and binds it to all that stands before the ciphertext.
func primary(bound []byte, secrets ...[]byte) (trust.SecretKey, error) {
	digest := sha256.Sum256(bound)
	return trust.DeriveLocal(primaryInfo, digest[:], secrets...)
}

// onToken is a crypto.Decrypter over Certificates, for the primitives of trust.
type onToken struct {
	ctx   context.Context //nolint:containedctx // lives for one call, of an interface that has none
	certs Certificates
	ref   trust.X509Reference
	err   error
}

// Public returns nothing: the certificate is known by its hash.
func (t *onToken) Public() crypto.PublicKey { return nil }

// Decrypt decrypts, and keeps why it could not.
func (t *onToken) Decrypt(_ io.Reader, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	o, ok := opts.(*rsa.OAEPOptions)
	if !ok || o.Hash != crypto.SHA256 || len(o.Label) > 0 {
		return nil, errors.New("not the padding of certificates")
	}
	var plain []byte
	plain, t.err = t.certs.Decrypt(t.ctx, t.ref, ciphertext)
	return plain, t.err
}

// forCertificate returns the reference to a certificate.
func forCertificate(der []byte) (*x509.Certificate, trust.X509Reference, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, trust.X509Reference{}, wire.Errorf(wire.StatusInvalidArgument, "the certificate cannot be read: %w", err)
	}
	return c, trust.X509Reference{Hash: trust.X509HashOf(der)}, nil
}
