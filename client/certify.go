package client

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// CertifyKey has the hardware that holds a key state what the key is, for a verifier's
// nonce, which may be empty.
func (c *Client) CertifyKey(ctx context.Context, name psa.KeyName, nonce []byte) ([]byte, error) {
	return c.certify(ctx, name, &agentpb.CertifyKey{KeyName: string(name), Nonce: nonce})
}

// AnswerChallenge has the hardware that holds a key answer a verifier's challenge.
func (c *Client) AnswerChallenge(ctx context.Context, name psa.KeyName, challenge []byte) ([]byte, error) {
	return c.certify(ctx, name, &agentpb.CertifyKey{KeyName: string(name), Challenge: challenge})
}

func (c *Client) certify(ctx context.Context, name psa.KeyName, in *agentpb.CertifyKey) ([]byte, error) {
	q, err := c.crypto(ctx, agent.OpCertifyKey, keyObject(name))
	if err != nil {
		return nil, err
	}
	q.in = in
	c.choosing(&q)
	q.needs = "attestation"
	var m agentpb.CertifyKeyResult
	err = c.do(ctx, q, &m)
	return m.GetData(), err
}

// AttestationRequest is what a verifier has and demands. Certificates are PEM, or one in
// DER.
type AttestationRequest struct {
	Statement                  []byte
	Authorities, Intermediates []byte
	// Nonce must be in the statement, if it is not empty.
	Nonce []byte
	// PublicKey (PKIX, DER) must be that of the statement, if it is not empty.
	PublicKey []byte
	// AttestationKey is the Name of one that answered a challenge before.
	AttestationKey []byte
	// Challenge asks for a challenge; Answer is what came back.
	Challenge bool
	Answer    []byte
	// PIV is the attestation certificate of a PIV card, instead of a statement.
	PIV []byte
}

// AttestationReport is the agent's judgement.
type AttestationReport struct {
	// Verdict is "verified", "incomplete" or "refused"; Reason says why it is not the first.
	Verdict, Reason string
	Checks          []AttestationCheck
	// KeyName and AgentVersion are the prover's word.
	KeyName, AgentVersion string
	KeyType               string
	PublicKey             []byte
	Key, AttestationKey   []byte
	Certificate           *AttestationCertificate
	Clock                 *AttestationClock
	Challenge             []byte
	Facts                 []AttestationFact
}

// AttestationCheck is one claim with what became of it.
type AttestationCheck struct{ What, State, Detail string }

// AttestationFact is something that the hardware says of itself.
type AttestationFact struct{ Name, Value string }

// AttestationCertificate tells of the certificate of the hardware.
type AttestationCertificate struct {
	Subject, Issuer, Serial      string
	NotBefore, NotAfter          time.Time
	Manufacturer, Model, Version string
}

// AttestationClock is the clock of a TPM.
type AttestationClock struct {
	Milliseconds             uint64
	ResetCount, RestartCount uint32
	Safe                     bool
	Firmware                 uint64
}

// VerifyAttestation has the agent judge a statement. A refusal is a report, not an error.
func (c *Client) VerifyAttestation(ctx context.Context, r AttestationRequest) (*AttestationReport, error) {
	q := call{op: agent.OpVerifyAttestation, once: true, needs: "attestation", in: &agentpb.VerifyAttestation{
		Statement: r.Statement, Authorities: r.Authorities, Intermediates: r.Intermediates, Nonce: r.Nonce, PublicKey: r.PublicKey,
		AttestationKey: r.AttestationKey, Challenge: r.Challenge, Answer: r.Answer, Piv: r.PIV,
	}}
	var m agentpb.AttestationReport
	if err := c.do(ctx, q, &m); err != nil {
		return nil, err
	}
	return attestationReport(&m), nil
}

func attestationReport(m *agentpb.AttestationReport) *AttestationReport {
	report := &AttestationReport{
		Verdict: m.GetVerdict(), Reason: m.GetReason(), KeyName: m.GetKeyName(), AgentVersion: m.GetAgentVersion(), KeyType: m.GetKeyType(),
		PublicKey: m.GetPublicKey(), Key: m.GetKey(), AttestationKey: m.GetAttestationKey(), Challenge: m.GetChallenge(),
	}
	for _, k := range m.GetChecks() {
		report.Checks = append(report.Checks, AttestationCheck{k.GetWhat(), k.GetState(), k.GetDetail()})
	}
	for _, f := range m.GetFacts() {
		report.Facts = append(report.Facts, AttestationFact{f.GetName(), f.GetValue()})
	}
	if k := m.GetCertificate(); k != nil {
		report.Certificate = &AttestationCertificate{
			Subject: k.GetSubject(), Issuer: k.GetIssuer(), Serial: k.GetSerial(),
			NotBefore: time.Unix(k.GetNotBefore(), 0).UTC(), NotAfter: time.Unix(k.GetNotAfter(), 0).UTC(),
			Manufacturer: k.GetManufacturer(), Model: k.GetModel(), Version: k.GetVersion(),
		}
	}
	if k := m.GetClock(); k != nil {
		report.Clock = &AttestationClock{k.GetMilliseconds(), k.GetResetCount(), k.GetRestartCount(), k.GetSafe(), k.GetFirmware()}
	}
	return report
}
