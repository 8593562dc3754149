package attestation

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"math/big"
	"time"

	"github.com/google/go-tpm/tpm2"
)

// Options are what the verifier knows and demands.
type Options struct {
	// Now is the time at which certificates must be valid.
	Now time.Time
	// Authorities are trusted to certify endorsement keys; Intermediates only help.
	Authorities, Intermediates []*x509.Certificate
	// Nonce is the verifier's own; empty leaves open when the statement was made.
	Nonce []byte
	// Expected is the public key that the statement must be about, nil for any.
	Expected crypto.PublicKey
	// Known is the Name of an attestation key that answered a challenge before.
	Known []byte
	// Pending and Answer are a challenge for this very statement and what came back.
	Pending *Pending
	Answer  *Answer
}

// The checks, in the order in which a reason is looked for.
const (
	checkForm        = "statement"
	checkCertificate = "endorsement certificate"
	checkEndorsement = "endorsement key"
	checkAttesting   = "attestation key"
	checkSignature   = "signature"
	checkCertified   = "certification"
	checkKey         = "key"
	checkExpected    = "expected key"
	checkFresh       = "freshness"
	checkResidence   = "residence"
)

// Verify judges a statement.
func Verify(statement []byte, o Options) *Report {
	r := &Report{}
	s, err := DecodeStatement(statement)
	var p *parsed
	if err == nil {
		p, err = s.parse()
	}
	if err == nil {
		err = r.describe(p)
	}
	r.judge(checkForm, "it is whole", err)
	if err != nil {
		return r.conclude()
	}
	certificate, err := r.endorsementCertificate(p, o)
	r.judge(checkCertificate, "one of the given authorities certified it, and it is valid", err)
	r.judge(checkEndorsement, "it is the certified one, made from the standard template", endorsementKey(p, certificate))
	r.judge(checkAttesting, "it signs nothing but what its TPM says, and cannot leave the TPM", attestationKey(p))
	r.judge(checkSignature, "the attestation key made it", signature(p))
	r.judge(checkCertified, "it is about this key and this statement", r.certified(p))
	r.judge(checkKey, "it was made in the TPM and cannot leave it", homemade(p.key))
	r.expected(o)
	r.freshness(s, o)
	r.residence(statement, o)
	return r.conclude()
}

// describe copies what the statement says.
func (r *Report) describe(p *parsed) error {
	r.KeyName, r.AgentVersion = p.KeyName, p.AgentVersion
	var err error
	if r.Key, err = nameOf(p.key); err != nil {
		return err
	}
	if r.AttestationKey, err = nameOf(p.attestationKey); err != nil {
		return err
	}
	c := p.attest.ClockInfo
	r.Clock = &Clock{
		Milliseconds: c.Clock, ResetCount: c.ResetCount, Restarts: c.RestartCount, Safe: c.Safe, Firmware: p.attest.FirmwareVersion,
	}
	if p.key.Type == tpm2.TPMAlgKeyedHash {
		r.KeyType = "hmac"
		return nil
	}
	public, err := publicKey(p.key)
	if err != nil {
		return err
	}
	r.KeyType = kindOf(public)
	r.PublicKey, err = x509.MarshalPKIXPublicKey(public)
	return err
}

// endorsementKey checks that the key to which a challenge is encrypted is the certified one.
func endorsementKey(p *parsed, certificate *x509.Certificate) error {
	if certificate == nil {
		return errors.New("there is no certificate to compare it with")
	}
	bare := tpm2.Marshal(unnamed(p.endorsementKey))
	standard := false
	for _, t := range []tpm2.TPMTPublic{tpm2.RSAEKTemplate, tpm2.ECCEKTemplate} {
		standard = standard || bytes.Equal(bare, tpm2.Marshal(unnamed(&t))) //nolint:forbidigo // public
	}
	if !standard {
		return errors.New("it is not made from a standard template")
	}
	public, err := publicKey(p.endorsementKey)
	if err != nil {
		return err
	}
	if !equal(public, certificate.PublicKey) {
		return errors.New("the certificate is for another key, so of another TPM")
	}
	return nil
}

// attestationKey checks the template byte by byte: what an attestation key must be is all
// of it.
func attestationKey(p *parsed) error {
	if err := homemade(p.attestationKey); err != nil {
		return err
	}
	switch a := p.attestationKey.ObjectAttributes; {
	case !a.Restricted:
		return errors.New("it is not restricted: it may have signed anything")
	case !a.SignEncrypt || a.Decrypt:
		return errors.New("it is no signing key")
	}
	bare := tpm2.Marshal(unnamed(p.attestationKey))
	for _, t := range []tpm2.TPMTPublic{ECCTemplate(), RSATemplate()} {
		if bytes.Equal(bare, tpm2.Marshal(t)) { //nolint:forbidigo // public
			return nil
		}
	}
	return errors.New("it is not made from a template of parsec-agent")
}

// homemade checks that an object was made in its TPM and cannot leave it. Without a policy
// of its own an object that has no private part in the TPM authorizes nothing there, so the
// TPM speaks for none.
func homemade(p *tpm2.TPMTPublic) error {
	switch a := p.ObjectAttributes; {
	case !a.SensitiveDataOrigin:
		return errors.New("it was made outside the TPM (sensitiveDataOrigin is clear)")
	case !a.FixedTPM:
		return errors.New("it may be copied to another TPM (fixedTPM is clear)")
	case !a.FixedParent:
		return errors.New("it may be duplicated (fixedParent is clear)")
	case a.AdminWithPolicy || len(p.AuthPolicy.Buffer) > 0:
		return errors.New("it has a policy: that its private half is in the TPM does not follow")
	}
	return nil
}

// signature verifies the attestation key's signature of the attestation.
func signature(p *parsed) error {
	public, err := publicKey(p.attestationKey)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(p.Attest)
	bad := errors.New("the attestation key did not make it: something was changed, or another key signed")
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		s, err := p.signature.Signature.ECDSA()
		if err != nil || s.Hash != tpm2.TPMAlgSHA256 {
			return errors.New("it is not ECDSA with SHA-256")
		}
		if !ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(s.SignatureR.Buffer), new(big.Int).SetBytes(s.SignatureS.Buffer)) {
			return bad
		}
	case *rsa.PublicKey:
		s, err := p.signature.Signature.RSASSA()
		if err != nil || s.Hash != tpm2.TPMAlgSHA256 {
			return errors.New("it is not RSASSA with SHA-256")
		}
		if rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], s.Sig.Buffer) != nil {
			return bad
		}
	}
	return nil
}

// certified checks what was signed.
func (r *Report) certified(p *parsed) error {
	const generated = 0xff544347 // TPM_GENERATED_VALUE
	switch {
	case p.attest.Magic != generated:
		return errors.New("it was not made by a TPM")
	case p.attest.Type != tpm2.TPMSTAttestCertify:
		return errors.New("it is no certification of a key")
	}
	info, err := p.attest.Attested.Certify()
	if err != nil {
		return err
	}
	signer := sha256.New()
	signer.Write(binary.BigEndian.AppendUint32(nil, uint32(tpm2.TPMRHEndorsement)))
	signer.Write(r.AttestationKey)
	qualified := signer.Sum(binary.BigEndian.AppendUint16(nil, uint16(tpm2.TPMAlgSHA256)))
	switch {
	case !bytes.Equal(info.Name.Buffer, r.Key): //nolint:forbidigo // public
		return errors.New("it is about another key")
	case !bytes.Equal(p.attest.QualifiedSigner.Buffer, qualified): //nolint:forbidigo // public
		return errors.New("it was signed by another key than a primary of the endorsement hierarchy")
	case !bytes.Equal(p.attest.ExtraData.Buffer, p.QualifyingData()): //nolint:forbidigo // public
		return errors.New("it was made for another statement, or the statement was changed")
	}
	return nil
}

func (r *Report) expected(o Options) {
	if o.Expected == nil {
		return
	}
	public, err := x509.ParsePKIXPublicKey(r.PublicKey)
	if err != nil || !equal(public, o.Expected) {
		err = errors.New("the statement is about another public key")
	}
	r.judge(checkExpected, "the statement is about the given public key", err)
}

func (r *Report) freshness(s *Statement, o Options) {
	switch {
	case len(o.Nonce) == 0:
		r.add(checkFresh, Skipped, "no nonce was demanded: the statement may be of any time")
	case subtle.ConstantTimeCompare(s.Nonce, o.Nonce) != 1:
		r.add(checkFresh, Wrong, "the statement has another nonce: it is an old one, or was made for somebody else")
	default:
		r.add(checkFresh, Proven, "it was made after the nonce was drawn")
	}
}

func (r *Report) residence(statement []byte, o Options) {
	switch {
	case len(o.Known) > 0 && !bytes.Equal(o.Known, r.AttestationKey): //nolint:forbidigo // public
		r.add(checkResidence, Wrong, "the attestation key is another one than the known one")
	case len(o.Known) > 0:
		r.add(checkResidence, Proven, "the attestation key is the known one, which answered a challenge before")
	case o.Pending == nil || o.Answer == nil:
		r.add(checkResidence, Unproven, "that the attestation key lies beside the certified endorsement key is proven by the answer to a challenge only")
	default:
		r.judge(checkResidence, "the TPM of the certificate holds the attestation key: it answered the challenge", o.Pending.answers(statement, o.Answer))
	}
}
