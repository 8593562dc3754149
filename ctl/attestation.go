package ctl

import (
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/describe"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
)

// attestationView is the JSON result of key attest-verify.
type attestationView struct {
	Verified   bool               `json:"verified"`
	Verdict    string             `json:"verdict"` // verified, incomplete or refused
	Reason     string             `json:"reason,omitempty"`
	Challenged bool               `json:"challenged,omitempty"`
	Checks     []attestationCheck `json:"checks"`

	KeyType        string            `json:"key_type,omitempty"`
	PublicPEM      string            `json:"public_pem,omitempty"`
	Fingerprint    string            `json:"fingerprint,omitempty"` // SHA-256 of the SPKI, base64
	KeyName        string            `json:"claimed_name,omitempty"`
	AgentVersion   string            `json:"claimed_agent_version,omitempty"`
	Key            string            `json:"tpm_name,omitempty"`
	AttestationKey string            `json:"attestation_key,omitempty"`
	Certificate    *certificateView  `json:"certificate,omitempty"`
	Clock          *attestationClock `json:"clock,omitempty"`
	Facts          map[string]string `json:"facts,omitempty"`
}

type attestationCheck struct {
	What   string `json:"what"`
	State  string `json:"state"`
	Detail string `json:"detail"`
}

type certificateView struct {
	Subject      string `json:"subject"`
	Issuer       string `json:"issuer"`
	Serial       string `json:"serial"`
	NotBefore    string `json:"not_before"`
	NotAfter     string `json:"not_after"`
	Manufacturer string `json:"tpm_manufacturer,omitempty"`
	Model        string `json:"tpm_model,omitempty"`
	Version      string `json:"tpm_version,omitempty"`
}

type attestationClock struct {
	Milliseconds uint64 `json:"milliseconds"`
	Resets       uint32 `json:"resets"`
	Restarts     uint32 `json:"restarts"`
	Safe         bool   `json:"safe"`
	Firmware     string `json:"firmware"`
}

func viewAttestation(r *client.AttestationReport, challenged bool) *attestationView {
	v := &attestationView{
		Verified: r.Verdict == "verified", Verdict: r.Verdict, Reason: r.Reason, Challenged: challenged, Checks: []attestationCheck{},
		KeyType: r.KeyType, KeyName: r.KeyName, AgentVersion: r.AgentVersion,
		Key: hex.EncodeToString(r.Key), AttestationKey: hex.EncodeToString(r.AttestationKey),
	}
	for _, c := range r.Checks {
		v.Checks = append(v.Checks, attestationCheck(c))
	}
	if len(r.PublicKey) > 0 {
		v.PublicPEM, v.Fingerprint = string(keyfile.PEM(r.PublicKey, "PUBLIC KEY")), describe.Fingerprint(r.PublicKey)
	}
	if c := r.Certificate; c != nil {
		v.Certificate = &certificateView{
			c.Subject, c.Issuer, c.Serial, c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339), c.Manufacturer, c.Model, c.Version,
		}
	}
	if c := r.Clock; c != nil {
		v.Clock = &attestationClock{c.Milliseconds, c.ResetCount, c.RestartCount, c.Safe, hexNumber(c.Firmware)}
	}
	for _, f := range r.Facts {
		if v.Facts == nil {
			v.Facts = map[string]string{}
		}
		v.Facts[f.Name] = f.Value
	}
	return v
}

func (v *attestationView) print(w io.Writer) {
	t := newTable(w)
	t.row("verdict", v.Verdict)
	if v.Reason != "" {
		t.row("reason", v.Reason)
	}
	for _, c := range v.Checks {
		t.row("  "+c.What, c.State, c.Detail)
	}
	row := func(name, value string) {
		if value != "" {
			t.row(name, value)
		}
	}
	row("key", v.KeyType)
	row("fingerprint", v.Fingerprint)
	row("Name in the TPM", v.Key)
	row("attestation key", v.AttestationKey)
	if v.KeyName != "" {
		row("claimed name", quoteName(v.KeyName)+" (the prover's word)")
	}
	row("claimed agent", v.AgentVersion)
	v.Certificate.print(row)
	if c := v.Clock; c != nil {
		safe := ""
		if !c.Safe {
			safe = ", which may have shown later times before"
		}
		row("TPM clock", fmt.Sprintf("%s, %s, %s%s", (time.Duration(c.Milliseconds)*time.Millisecond).Truncate(time.Second), //nolint:gosec // for people
			counted(uint64(c.Resets), "reset"), counted(uint64(c.Restarts), "restart"), safe))
		row("TPM firmware", c.Firmware)
	}
	for _, name := range slices.Sorted(maps.Keys(v.Facts)) {
		row(name, v.Facts[name])
	}
	t.flush()
}

func (c *certificateView) print(row func(name, value string)) {
	if c == nil {
		return
	}
	row("certificate", c.Subject)
	row("  issuer", c.Issuer)
	row("  serial", c.Serial)
	row("  valid", c.NotBefore+" to "+c.NotAfter)
	row("  TPM maker", c.Manufacturer)
	row("  TPM model", c.Model)
	row("  TPM version", c.Version)
}
