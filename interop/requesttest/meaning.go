package requesttest

import (
	"bytes"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psatest"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Meaning is what a frame says, by the rules of packages wire and psa.
type Meaning struct {
	wire.Header
	// Whole is false for what is no valid request; the fields below are then as far as
	// they could be read.
	Whole bool
	// Message is the decoded body, nil for operations without one.
	Message proto.Message
	// Key is the name that the operation is about.
	Key psa.KeyName
	// Attributes are those of GenerateKey, ImportKey and CanDoCrypto.
	Attributes psa.Attributes
	// Algorithm is that of an operation with a key.
	Algorithm psa.Algorithm
	// Data is what is imported, signed, encrypted …; Signature what is verified.
	Data, Signature []byte
}

// Mean takes a frame apart.
func Mean(frame []byte) Meaning {
	q, err := wire.NewReader(bytes.NewReader(frame), wire.DefaultBodyLimit).ReadRequest()
	m := Meaning{Header: q.Header}
	if err != nil || !q.Opcode.Original() {
		return m
	}
	if m.Message = psatest.Request(q.Opcode); m.Message == nil {
		m.Whole = true
		return m
	}
	if psa.Unmarshal(q.Body, m.Message) != nil {
		return m
	}
	m.Whole = m.read() == nil
	return m
}

// read converts the message to the model.
func (m *Meaning) read() (err error) {
	switch b := m.Message.(type) {
	case *psapb.GenerateKey:
		m.Key = psa.KeyName(b.GetKeyName())
		m.Attributes, err = psa.DecodeAttributes(b.GetAttributes())
	case *psapb.ImportKey:
		m.Key, m.Data = psa.KeyName(b.GetKeyName()), b.GetData()
		m.Attributes, err = psa.DecodeAttributes(b.GetAttributes())
	case *psapb.CanDoCrypto:
		if _, err = psa.DecodeCheck(b.GetCheckType()); err == nil {
			m.Attributes, err = psa.DecodeAttributes(b.GetAttributes())
		}
	case *psapb.KeyRef:
		m.Key = psa.KeyName(b.GetKeyName())
	case *psapb.Sign:
		m.Key, m.Data = psa.KeyName(b.GetKeyName()), b.GetInput()
		m.Algorithm, err = psa.DecodeSignature(b.GetAlg())
	case *psapb.Verify:
		m.Key, m.Data, m.Signature = psa.KeyName(b.GetKeyName()), b.GetInput(), b.GetSignature()
		m.Algorithm, err = psa.DecodeSignature(b.GetAlg())
	case *psapb.AsymmetricCrypt:
		m.Key, m.Data = psa.KeyName(b.GetKeyName()), b.GetInput()
		m.Algorithm, err = psa.DecodeEncryption(b.GetAlg())
	case *psapb.AeadCrypt:
		m.Key, m.Data = psa.KeyName(b.GetKeyName()), b.GetInput()
		m.Algorithm, err = psa.DecodeAEAD(b.GetAlg())
	case *psapb.CipherCrypt:
		m.Key, m.Data = psa.KeyName(b.GetKeyName()), b.GetInput()
		m.Algorithm, err = psa.DecodeCipher(b.GetAlg())
	case *psapb.RawKeyAgreement:
		m.Key, m.Data = psa.KeyName(b.GetPrivateKeyName()), b.GetPeerKey()
		m.Algorithm, err = psa.DecodeRawAgreement(b.GetAlg())
	case *psapb.PrepareKeyAttestation:
		m.Key, err = psa.KeyName(b.GetParameters().GetActivateCredential().GetAttestedKeyName()), mechanism(b.GetParameters().GetActivateCredential() != nil)
	case *psapb.AttestKey:
		m.Key, err = psa.KeyName(b.GetAttestedKeyName()), mechanism(b.GetParameters().GetActivateCredential() != nil)
	case *psapb.HashCompute:
		m.Algorithm.Hash, err = psa.DecodeHash(b.GetAlg())
	case *psapb.HashCompare:
		m.Algorithm.Hash, err = psa.DecodeHash(b.GetAlg())
	}
	return err
}

// mechanism refuses an attestation that names none.
func mechanism(named bool) error {
	if !named {
		return wire.StatusInvalidEncoding
	}
	return nil
}

// Endless reports what a flipped bit may ask a token for and nobody waits for: RSA keys of a
// size that takes minutes, hundreds of megabytes of random data.
func Endless(m Meaning) bool {
	if m.Provider != wire.ProviderPKCS11 {
		return false
	}
	if in, ok := m.Message.(*psapb.GenerateRandom); ok {
		return in.GetSize() > 4<<20 && in.GetSize() < 1<<32
	}
	return m.Opcode == wire.OpGenerateKey && m.Attributes.Type.RSA() && m.Attributes.Bits > 4096 && m.Attributes.Bits <= 16384
}
