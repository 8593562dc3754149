// Package providers is the contract between the agent and what holds keys: software, a
// PKCS#11 token, a TPM. The contract is a few verbs; each power is an optional interface,
// and what a provider can do is derived from the interfaces it implements (Opcodes), never
// written twice.
//
// A provider sees opaque key ids and the attributes of the key; names, owners and the
// permission to act belong to the agent. The one exception is a Labeller, which gets a text
// to write beside a new key and makes no other use of it. A provider may be called concurrently. It returns errors
// that carry a wire.Status (a Status itself or a *wire.Error); any other error reaches
// the caller as a generic one with a reference to the log.
//
// The agent has checked usage flags, algorithm, lengths (psa.Permit…) and whether new keys
// of deprecated kinds are allowed before it calls; a provider checks what only it can know.
package providers

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Info describes a provider instance.
type Info struct {
	// ID is the kind, UUID its identity; both are constants of the protocol.
	ID   wire.ProviderID
	UUID string
	// Name is the configured name of the instance, unique in a service.
	Name                   string
	Description, Vendor    string
	Major, Minor, Revision uint32
}

// KeyID is a provider's own reference to one key, opaque to everybody else. For the kinds
// that the original knows its bytes are the original's (docs/spec/parsec-service.md 5.3).
type KeyID []byte

// Key is what a provider needs to know of an existing key.
type Key struct {
	ID         KeyID
	Attributes psa.Attributes
}

// Provider is what every provider is.
type Provider interface {
	Info() Info
	// Close releases what the provider holds and wipes its secrets. No call follows.
	Close() error
}

// Generator makes keys. The key is durable, and its id final, when the call returns.
type Generator interface {
	GenerateKey(ctx context.Context, attrs psa.Attributes) (KeyID, error)
}

// Checker refuses, before the name of a new key is looked at, what the original refuses
// at that point (docs/spec/parsec-service.md 6.1.1, step 2). data is nil when generating.
type Checker interface {
	CheckNewKey(attrs psa.Attributes, data []byte) error
}

// Importer takes keys. It returns the id; Bits of attrs may be 0, the size of the data
// then counts.
type Importer interface {
	ImportKey(ctx context.Context, attrs psa.Attributes, data []byte) (KeyID, error)
}

// Destroyer removes a key for good. A key that is not there is StatusDoesNotExist. Adopted
// keys are removed by Adopter only.
type Destroyer interface {
	DestroyKey(ctx context.Context, key Key) error
}

// PublicExporter returns the public half in the format of section 3.5.
type PublicExporter interface {
	ExportPublicKey(ctx context.Context, key Key) ([]byte, error)
}

// Exporter returns the whole key in the format of section 3.5.
type Exporter interface {
	ExportKey(ctx context.Context, key Key) ([]byte, error)
}

// HashSigner signs a hash that the caller computed.
type HashSigner interface {
	SignHash(ctx context.Context, key Key, alg psa.Algorithm, hash []byte) ([]byte, error)
}

// HashVerifier verifies a signature of a hash; a mismatch is StatusInvalidSignature.
type HashVerifier interface {
	VerifyHash(ctx context.Context, key Key, alg psa.Algorithm, hash, signature []byte) error
}

// MessageSigner signs a message.
type MessageSigner interface {
	SignMessage(ctx context.Context, key Key, alg psa.Algorithm, message []byte) ([]byte, error)
}

// MessageVerifier verifies a signature of a message.
type MessageVerifier interface {
	VerifyMessage(ctx context.Context, key Key, alg psa.Algorithm, message, signature []byte) error
}

// AsymmetricEncrypter encrypts to the public half; salt is the OAEP label.
type AsymmetricEncrypter interface {
	AsymmetricEncrypt(ctx context.Context, key Key, alg psa.Algorithm, plaintext, salt []byte) ([]byte, error)
}

// AsymmetricDecrypter decrypts with the private half.
type AsymmetricDecrypter interface {
	AsymmetricDecrypt(ctx context.Context, key Key, alg psa.Algorithm, ciphertext, salt []byte) ([]byte, error)
}

// AEADInput is what authenticated encryption works on. Data is the plaintext, or
// ciphertext ‖ tag.
type AEADInput struct {
	Nonce, AdditionalData, Data []byte
}

// AEADEncrypter returns ciphertext ‖ tag.
type AEADEncrypter interface {
	AEADEncrypt(ctx context.Context, key Key, alg psa.Algorithm, in AEADInput) ([]byte, error)
}

// AEADDecrypter returns the plaintext; a wrong tag is StatusInvalidSignature.
type AEADDecrypter interface {
	AEADDecrypt(ctx context.Context, key Key, alg psa.Algorithm, in AEADInput) ([]byte, error)
}

// CipherEncrypter returns IV ‖ ciphertext.
type CipherEncrypter interface {
	CipherEncrypt(ctx context.Context, key Key, alg psa.Algorithm, plaintext []byte) ([]byte, error)
}

// CipherDecrypter takes IV ‖ ciphertext.
type CipherDecrypter interface {
	CipherDecrypt(ctx context.Context, key Key, alg psa.Algorithm, ciphertext []byte) ([]byte, error)
}

// MACComputer computes a message authentication code.
type MACComputer interface {
	MACCompute(ctx context.Context, key Key, alg psa.Algorithm, input []byte) ([]byte, error)
}

// MACVerifier verifies one; a mismatch is StatusInvalidSignature.
type MACVerifier interface {
	MACVerify(ctx context.Context, key Key, alg psa.Algorithm, input, mac []byte) error
}

// KeyAgreer computes the raw shared secret with the peer's public key.
type KeyAgreer interface {
	RawKeyAgreement(ctx context.Context, key Key, alg psa.Algorithm, peer []byte) ([]byte, error)
}

// HashComputer hashes; it needs no key.
type HashComputer interface {
	HashCompute(ctx context.Context, alg psa.Hash, input []byte) ([]byte, error)
}

// Randomizer fills p with random bytes.
type Randomizer interface {
	Random(ctx context.Context, p []byte) error
}

// Capability is one question of CanDoCrypto.
type Capability struct {
	Check      psa.Check
	Attributes psa.Attributes
	// Original asks for the answer that the original's clients know, with our fixes;
	// otherwise the answer is what the provider really does.
	Original bool
}

// Advisor answers CanDoCrypto: nil for yes, StatusNotSupported for no.
type Advisor interface {
	CanDo(q Capability) error
}

// Measurer tells the size in bits of a key that is to be imported without one, 0 when the
// data tells none. The agent then stores that size, where the original's provider does.
type Measurer interface {
	Measure(attrs psa.Attributes, data []byte) uint64
}

// SelfContained marks providers whose key ids are the keys, wrapped by the device. To
// remove the id is to destroy the key; DestroyKey only frees what is loaded.
type SelfContained interface {
	SelfContained()
}

// Attestable is what a verifier needs to make a credential for a key of a TPM.
type Attestable struct {
	// Name is the key's Name, Public its public area (TPMT_PUBLIC).
	Name, Public []byte
	// AttestingKey is the endorsement key's public half, as RSAPublicKey of PKCS #1.
	AttestingKey []byte
}

// Credential is what a verifier made: the contents of TPM2B_ID_OBJECT and of
// TPM2B_ENCRYPTED_SECRET.
type Credential struct {
	Blob, Secret []byte
}

// Attester proves that a key is in a TPM by activating a credential (section 6.4.3).
type Attester interface {
	PrepareKeyAttestation(ctx context.Context, key Key) (Attestable, error)
	// AttestKey returns the secret inside the credential, which only the TPM that holds
	// both the key and the endorsement key can.
	AttestKey(ctx context.Context, key Key, credential Credential) ([]byte, error)
}

// Labeller is a provider whose device keeps a text beside each key, for other programs to
// show. The agent gives the key's name; the provider writes it only where nobody reads it
// without the device's PIN, may cut it, and makes the key without it where the device refuses.
type Labeller interface {
	GenerateLabelled(ctx context.Context, attrs psa.Attributes, label string) (KeyID, error)
	ImportLabelled(ctx context.Context, attrs psa.Attributes, data []byte, label string) (KeyID, error)
}

// Found is something in a device that no name refers to.
type Found struct {
	// Locator names it for AdoptKey, in text that people can write.
	Locator string
	// Kind says what it is, such as "private key" or "certificate".
	Kind string
	// Label is what other programs call it; empty for nothing.
	Label string
	// Attributes are those with which it is adopted unless others are wanted; zero where it
	// cannot be adopted.
	Attributes psa.Attributes
	// Certificate is the DER of a certificate beside it, nil for none.
	Certificate []byte
	// Authentication says what each private use asks a person for; empty for nothing.
	Authentication string
	// Problem says why it cannot be adopted; empty where it can.
	Problem string
}

// MaxFound bounds a list of Found, MaxCertificate a certificate in bytes: what is longer is
// no certificate to the agent.
const (
	MaxFound       = 512
	MaxCertificate = 16 << 10
)

// Adoption is the wish to use what lies in a device.
type Adoption struct {
	Locator string
	// Usage and Algorithm are the policy that is wanted; zero is the widest usage, and the
	// usual algorithm, that the object allows.
	Usage     psa.Usage
	Algorithm psa.Algorithm
	// Content is a key file that only the device can open, for locators that ask for one.
	Content []byte
	// Auth is the object's authorisation value, empty for none. It becomes part of the key id.
	Auth []byte
	// Known are the ids that the agent has of the instance: an object of theirs is
	// StatusAlreadyExists.
	Known []KeyID
}

// Adopter finds keys that other programs left in the device, and takes them as they are:
// neither listing nor adopting changes anything there.
type Adopter interface {
	// Unnamed lists what none of the known ids refers to. more says that there is more.
	Unnamed(ctx context.Context, known []KeyID) (found []Found, more bool, err error)
	// AdoptKey returns the id of an object, and attributes that are never wider than it allows.
	AdoptKey(ctx context.Context, a Adoption) (KeyID, psa.Attributes, error)
	// Locate says in the form of a locator where an adopted key is.
	Locate(key Key) string
	// Remove removes an adopted key from the device, and names what was removed.
	Remove(ctx context.Context, key Key) (removed []string, err error)
}

// CertificateReader finds certificates that lie beside keys.
type CertificateReader interface {
	// Certificate returns the DER of the key's certificate, nil when there is none.
	Certificate(ctx context.Context, key Key) ([]byte, error)
}

// CertifyRequest says what a statement about a key is to hold.
type CertifyRequest struct {
	// Nonce is the verifier's, at most attestation.MaxNonce bytes; it may be empty.
	Nonce []byte
	// Name is the key's name in the agent, AgentVersion that of the program.
	Name, AgentVersion string
}

// Certifier lets hardware speak about a key, for verifiers of docs/formats/attestation.md.
type Certifier interface {
	// CertifyKey returns an attestation statement.
	CertifyKey(ctx context.Context, key Key, r CertifyRequest) ([]byte, error)
	// AnswerChallenge returns the answer to a challenge for the attestation key.
	AnswerChallenge(ctx context.Context, challenge []byte) ([]byte, error)
}

// Finding is something that `parsecctl doctor` reports.
type Finding struct {
	// Severity is "error", "warning" or "note".
	Severity string
	// Object, Problem and Remedy are texts for a person; Remedy is a command where possible.
	Object, Problem, Remedy string
}

// Examiner looks at a provider's own storage. known holds the key ids that the key info
// manager maps to this instance: what is stored beyond them is an orphan, what is missing
// is lost.
type Examiner interface {
	Examine(ctx context.Context, known []KeyID) ([]Finding, error)
}

// Archiver moves keys in and out of a backup. The bytes are a plaintext key in the
// provider's own format: only the agent's backup may see them, and wipes them.
type Archiver interface {
	ArchiveKey(ctx context.Context, key Key) ([]byte, error)
	// RestoreKey stores an archived key under a new id.
	RestoreKey(ctx context.Context, attrs psa.Attributes, archived []byte) (KeyID, error)
}

// Protection is how a provider stores its keys.
type Protection string

// The storage forms of software keys, see docs/formats/key-file.md.
const (
	ProtectionEncrypted  Protection = "encrypted"
	ProtectionCompatible Protection = "compatible"
)

// Protector rewrites stored keys in another form.
type Protector interface {
	// Protection returns how the key is stored now.
	Protection(ctx context.Context, key Key) (Protection, error)
	// Protect rewrites the key; it is durable when the call returns, and never absent.
	Protect(ctx context.Context, key Key, form Protection) error
}

// RootKeeper is a provider whose stored keys are under one root key, which hardware can keep.
type RootKeeper interface {
	// Locked says that the root key did not open when it was last needed. It does not wait.
	Locked() bool
	// CanSealRoot returns why SealRoot cannot succeed now.
	CanSealRoot(ctx context.Context) error
	// SealRoot seals the root key, after a copy for the recovery key was stored and opened
	// again, and removes it from the disk last. At no moment is there none of them.
	SealRoot(ctx context.Context, recoveryKey []byte) (RootKey, error)
	// RecoverRoot opens that copy and puts the root key where the configuration says. An
	// error changes nothing.
	RecoverRoot(ctx context.Context, recoveryKey []byte) (RootKey, error)
}

// RootKey tells of a root key.
type RootKey struct {
	// ID is its public name, Place where it is now.
	ID, Place string
}
