package attestation

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"github.com/google/go-tpm/tpm2"
)

const (
	challengeMagic = "PARSECAC"
	answerMagic    = "PARSECAR"
)

const (
	// ChallengeIDSize is the length of a challenge's public name.
	ChallengeIDSize = 16
	secretSize      = sha256.Size
	maxCredential   = 256
	maxEncrypted    = 1024
	// MaxChallenge bounds encoded challenges and answers.
	MaxChallenge = 4 << 10
)

// ChallengeID names a challenge.
type ChallengeID [ChallengeIDSize]byte

// Challenge asks a TPM to show that an attestation key lies beside its endorsement key: the
// secret in it can only be read where both are.
type Challenge struct {
	ID ChallengeID
	// Credential and Secret are the contents of TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET.
	Credential, Secret []byte
}

// Pending is the verifier's half of a challenge: it belongs to one statement.
type Pending struct {
	ID        ChallengeID
	statement [sha256.Size]byte
	secret    [secretSize]byte
}

// NewChallenge makes a challenge for the attestation key and the endorsement key of a
// statement. The statement is judged by Verify, not here.
func NewChallenge(statement []byte) (*Challenge, *Pending, error) {
	s, err := DecodeStatement(statement)
	if err != nil {
		return nil, nil, err
	}
	p, err := s.parse()
	if err != nil {
		return nil, nil, err
	}
	name, err := tpm2.ObjectName(p.attestationKey)
	if err != nil {
		return nil, nil, fmt.Errorf("the attestation key has no Name: %w", err)
	}
	to, err := tpm2.ImportEncapsulationKey(p.endorsementKey)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot encrypt to the endorsement key: %w", err)
	}
	pending := &Pending{statement: sha256.Sum256(statement)}
	_, _ = rand.Read(pending.ID[:])     // never fails
	_, _ = rand.Read(pending.secret[:]) // likewise
	c := &Challenge{ID: pending.ID}
	if c.Credential, c.Secret, err = tpm2.CreateCredential(rand.Reader, to, name.Buffer, pending.secret[:]); err != nil {
		return nil, nil, fmt.Errorf("cannot make a credential: %w", err)
	}
	return c, pending, nil
}

// Wipe forgets the secret.
func (p *Pending) Wipe() { clear(p.secret[:]) }

// Encode returns the challenge as a file.
func (c *Challenge) Encode() []byte {
	return appendField(appendField(append(head(challengeMagic), c.ID[:]...), c.Credential), c.Secret)
}

// DecodeChallenge reads a challenge. The result aliases b.
func DecodeChallenge(b []byte) (*Challenge, error) {
	r := begin(b, challengeMagic, "attestation challenge")
	c := &Challenge{ID: ChallengeID(r.fixed("id", ChallengeIDSize))}
	c.Credential, c.Secret = r.field("credential", maxCredential), r.field("secret", maxEncrypted)
	return c, r.end("attestation challenge")
}

// Answer is a TPM's answer to a challenge.
type Answer struct {
	ID     ChallengeID
	Secret []byte
}

// Encode returns the answer as a file.
func (a *Answer) Encode() []byte {
	return appendField(append(head(answerMagic), a.ID[:]...), a.Secret)
}

// DecodeAnswer reads an answer. The result aliases b.
func DecodeAnswer(b []byte) (*Answer, error) {
	r := begin(b, answerMagic, "answer to an attestation challenge")
	a := &Answer{ID: ChallengeID(r.fixed("id", ChallengeIDSize))}
	a.Secret = r.field("secret", secretSize)
	return a, r.end("answer")
}

// answers reports why an answer does not show what the challenge asked, nil when it does.
func (p *Pending) answers(statement []byte, a *Answer) error {
	switch {
	case p.statement != sha256.Sum256(statement):
		return fmt.Errorf("the challenge was made for another statement")
	case a.ID != p.ID:
		return fmt.Errorf("the answer is to another challenge")
	case len(a.Secret) != len(p.secret) || subtle.ConstantTimeCompare(a.Secret, p.secret[:]) != 1:
		return fmt.Errorf("the answer does not hold the secret of the challenge")
	}
	return nil
}
