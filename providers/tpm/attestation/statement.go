package attestation

import (
	"crypto/sha256"

	"github.com/google/go-tpm/tpm2"
)

const statementMagic = "PARSECAS"

// Bounds of a statement, in bytes.
const (
	// MaxStatement bounds a whole statement.
	MaxStatement = 128 << 10
	// MaxNonce bounds the verifier's nonce.
	MaxNonce = 64
	// MaxKeyName bounds the name that the key has in the agent.
	MaxKeyName = 1024

	maxAgentVersion   = 128
	maxPublic         = 2048
	maxAttest         = 2048
	maxSignature      = 2048
	maxCertificates   = 8
	maxCertificateDER = 8 << 10
)

// Statement is what a TPM says about one of its keys, with all that is needed to judge it.
type Statement struct {
	// Nonce is the verifier's, empty when none was asked for.
	Nonce []byte
	// KeyName and AgentVersion are what the agent says: the TPM knows neither.
	KeyName, AgentVersion string
	// Key, AttestationKey and EndorsementKey are public areas (TPMT_PUBLIC).
	Key, AttestationKey, EndorsementKey []byte
	// Certificates are of the endorsement key, first, and of its issuers: X.509, DER.
	Certificates [][]byte
	// Attest is the TPMS_ATTEST about the key, Signature the attestation key's
	// TPMT_SIGNATURE of it.
	Attest, Signature []byte
}

// claims encodes all but what the TPM adds.
func (s *Statement) claims() []byte {
	b := head(statementMagic)
	b = appendField(b, s.Nonce)
	b = appendField(b, []byte(s.KeyName))
	b = appendField(b, []byte(s.AgentVersion))
	for _, area := range [][]byte{s.Key, s.AttestationKey, s.EndorsementKey} {
		b = appendField(b, area)
	}
	b = append(b, byte(len(s.Certificates))) //nolint:gosec // more than the bound does not decode
	for _, c := range s.Certificates {
		b = appendField(b, c)
	}
	return b
}

// QualifyingData is what the TPM is to sign beside the key's Name: the digest of all else
// in the statement, the nonce among it.
func (s *Statement) QualifyingData() []byte {
	sum := sha256.Sum256(s.claims())
	return sum[:]
}

// Encode returns the statement as a file.
func (s *Statement) Encode() ([]byte, error) {
	b := appendField(appendField(s.claims(), s.Attest), s.Signature)
	_, err := DecodeStatement(b)
	return b, err
}

// DecodeStatement reads a statement. It judges the encoding only. The result aliases b.
func DecodeStatement(b []byte) (*Statement, error) {
	if len(b) > MaxStatement {
		return nil, malformed("the statement has more than %d bytes", MaxStatement)
	}
	r := begin(b, statementMagic, "attestation statement")
	s := &Statement{
		Nonce: r.field("nonce", MaxNonce), KeyName: string(r.field("key name", MaxKeyName)),
		AgentVersion: string(r.field("agent version", maxAgentVersion)), Key: r.field("key's public area", maxPublic),
		AttestationKey: r.field("attestation key", maxPublic), EndorsementKey: r.field("endorsement key", maxPublic),
	}
	count := int(r.fixed("number of certificates", 1)[0])
	if r.err == nil && count > maxCertificates {
		return nil, malformed("it has %d certificates, at most %d are possible", count, maxCertificates)
	}
	for range count {
		s.Certificates = append(s.Certificates, r.field("certificate", maxCertificateDER))
	}
	s.Attest, s.Signature = r.field("attestation", maxAttest), r.field("signature", maxSignature)
	if err := r.end("attestation statement"); err != nil {
		return nil, err
	}
	_, err := s.parse()
	return s, err
}

// parsed is a statement with its structures decoded.
type parsed struct {
	*Statement
	key, attestationKey, endorsementKey *tpm2.TPMTPublic
	attest                              *tpm2.TPMSAttest
	signature                           *tpm2.TPMTSignature
}

func (s *Statement) parse() (*parsed, error) {
	p := &parsed{Statement: s}
	var err error
	if p.key, err = structure[tpm2.TPMTPublic](s.Key, "key's public area"); err != nil {
		return nil, err
	}
	if p.attestationKey, err = structure[tpm2.TPMTPublic](s.AttestationKey, "attestation key"); err != nil {
		return nil, err
	}
	if p.endorsementKey, err = structure[tpm2.TPMTPublic](s.EndorsementKey, "endorsement key"); err != nil {
		return nil, err
	}
	if p.attest, err = structure[tpm2.TPMSAttest](s.Attest, "attestation"); err != nil {
		return nil, err
	}
	p.signature, err = structure[tpm2.TPMTSignature](s.Signature, "signature")
	return p, err
}
