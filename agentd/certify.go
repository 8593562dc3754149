package agentd

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/attestation"
)

// decodeCertifyKey lets the hardware that holds a key speak about it: it makes a
// statement, or answers the challenge to one.
func decodeCertifyKey(r *request) (action, error) {
	m := &agentpb.CertifyKey{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	r.about(m.GetKeyName())
	if len(m.GetNonce()) > 0 && len(m.GetChallenge()) > 0 {
		return nil, wire.Errorf(wire.StatusInvalidEncoding, "a nonce and a challenge exclude each other")
	}
	version := r.conn.service.options.Version
	return withKey(func(ctx context.Context, p providers.Certifier, k providers.Key) ([]byte, error) {
		var data []byte
		var err error
		if len(m.GetChallenge()) > 0 {
			data, err = p.AnswerChallenge(ctx, m.GetChallenge())
		} else {
			data, err = p.CertifyKey(ctx, k, providers.CertifyRequest{Nonce: m.GetNonce(), Name: m.GetKeyName(), AgentVersion: version})
		}
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.CertifyKeyResult{Data: data})
	}), nil
}

// decodeVerifyAttestation judges what somebody else's hardware said. That it is refused is
// a result, not an error.
func decodeVerifyAttestation(r *request) (action, error) {
	m := &agentpb.VerifyAttestation{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(_ context.Context, r *request) ([]byte, error) {
		now := time.Now()
		o, err := verifyOptions(m, now)
		if err != nil {
			return nil, err
		}
		if len(m.GetPiv()) > 0 {
			return psa.Marshal(encodeReport(attestation.VerifyPIV(m.GetPiv(), o)))
		}
		open := &r.conn.service.challenges
		if len(m.GetAnswer()) > 0 {
			if o.Answer, err = attestation.DecodeAnswer(m.GetAnswer()); err != nil {
				return nil, wire.Errorf(wire.StatusInvalidArgument, "%w", err)
			}
			if o.Pending, err = open.take(r.owner(), o.Answer.ID, now); err != nil {
				return nil, err
			}
			defer o.Pending.Wipe()
		}
		report := attestation.Verify(m.GetStatement(), o)
		result := encodeReport(report)
		if m.GetChallenge() && report.Verdict == attestation.Incomplete {
			c, pending, err := attestation.NewChallenge(m.GetStatement())
			if err != nil {
				return nil, wire.Errorf(wire.StatusInvalidArgument, "%w", err)
			}
			if err := open.add(r.owner(), pending, now); err != nil {
				return nil, err
			}
			result.Challenge = c.Encode()
		}
		return psa.Marshal(result)
	}, nil
}

// verifyOptions reads what the verifier demands.
func verifyOptions(m *agentpb.VerifyAttestation, now time.Time) (attestation.Options, error) {
	o := attestation.Options{Now: now, Nonce: m.GetNonce(), Known: m.GetAttestationKey()}
	var err error
	if o.Authorities, err = attestation.ParseCertificates(m.GetAuthorities()); err != nil {
		return o, wire.Errorf(wire.StatusInvalidArgument, "the authorities' certificates: %w", err)
	}
	if len(m.GetIntermediates()) > 0 {
		if o.Intermediates, err = attestation.ParseCertificates(m.GetIntermediates()); err != nil {
			return o, wire.Errorf(wire.StatusInvalidArgument, "the intermediate certificates: %w", err)
		}
	}
	if len(m.GetPublicKey()) > 0 {
		if o.Expected, err = x509.ParsePKIXPublicKey(m.GetPublicKey()); err != nil {
			return o, wire.Errorf(wire.StatusInvalidArgument, "the public key that is expected: %w", err)
		}
	}
	return o, nil
}

func encodeReport(r *attestation.Report) *agentpb.AttestationReport {
	m := &agentpb.AttestationReport{
		Verdict: string(r.Verdict), Reason: text(r.Reason), KeyName: text(r.KeyName), AgentVersion: text(r.AgentVersion),
		KeyType: r.KeyType, PublicKey: r.PublicKey, Key: r.Key, AttestationKey: r.AttestationKey,
	}
	for _, c := range r.Checks {
		m.Checks = append(m.Checks, &agentpb.AttestationReport_Check{What: c.What, State: string(c.State), Detail: text(c.Detail)})
	}
	if c := r.Certificate; c != nil {
		m.Certificate = &agentpb.AttestationReport_Certificate{
			Subject: text(c.Subject), Issuer: text(c.Issuer), Serial: c.Serial, NotBefore: c.NotBefore.Unix(), NotAfter: c.NotAfter.Unix(),
			Manufacturer: text(c.Manufacturer), Model: text(c.Model), Version: text(c.Version),
		}
	}
	for _, f := range r.Facts {
		m.Facts = append(m.Facts, &agentpb.AttestationReport_Fact{Name: f.Name, Value: text(f.Value)})
	}
	if c := r.Clock; c != nil {
		m.Clock = &agentpb.AttestationReport_Clock{
			Milliseconds: c.Milliseconds, ResetCount: c.ResetCount, RestartCount: c.Restarts, Safe: c.Safe, Firmware: c.Firmware,
		}
	}
	return m
}
