package ctl

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/outfile"
)

// verifyAttestOptions are the options of key attest-verify.
type verifyAttestOptions struct {
	ca, intermediate, publicKey string
	nonce, attestationKey, piv  string
	challengeOut, answer        string
	force                       bool
}

func (p *Program) keyAttestVerify() *cobra.Command {
	var o verifyAttestOptions
	cmd := &cobra.Command{
		Use:   "attest-verify STATEMENT|--piv FILE --ca FILE",
		Short: "Judge an attestation statement",
		Long: `Judge what a TPM stated about one of its keys. The agent judges; it needs no TPM. --ca
holds the certificates of the TPM makers that you trust.

A statement alone cannot show that the key that signed it lies in the TPM of its
certificate. For that, --challenge-out makes a challenge, which the prover answers with
parsecctl key attest NAME --challenge FILE, and --answer judges the whole. A challenge is
for you and this statement only, is used up by the first answer, and ends with an hour or
with your agent. --attestation-key names one that answered before instead: the report shows
its Name.

With --piv the certificate that a PIV card (YubiKey, slot F9) made for one of its keys is
judged instead; the certificate of F9 follows it in the file, or is in --intermediate. It
has no nonce.

Exit status: 0 if everything is proven, or a challenge was made as you asked; 1 if
something is refused or not proven. The report says what.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (o.piv != "") {
				return usagef("name a statement, or give --piv, but not both")
			}
			if o.piv != "" && (o.challengeOut != "" || o.answer != "" || o.attestationKey != "") {
				return usagef("there is no challenge to a PIV card")
			}
			if o.ca == "" {
				return usagef("--ca is missing: whom do you trust to certify TPMs?")
			}
			if exclusive(o.challengeOut, o.answer, o.attestationKey) {
				return usagef("--challenge-out, --answer and --attestation-key exclude each other")
			}
			r, err := p.attestationRequest(oneStatement(args), o)
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), func(c *client.Client) error { return p.runAttestVerify(cmd.Context(), c, r, o) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.piv, "piv", "", "a `FILE` with the attestation certificate of a PIV card's key")
	f.StringVar(&o.ca, "ca", "", "a `FILE` with the certificates of authorities that are trusted")
	f.StringVar(&o.intermediate, "intermediate", "", "a `FILE` with certificates between those and the TPM's")
	f.StringVar(&o.nonce, "nonce", "", "the nonce that the statement must hold, in `hexadecimal` digits")
	f.StringVar(&o.publicKey, "public-key", "", "a `FILE` with the public key that the statement must be about")
	f.StringVar(&o.attestationKey, "attestation-key", "", "the `Name` of an attestation key that answered a challenge before")
	f.StringVar(&o.challengeOut, "challenge-out", "", "make a challenge for the prover and write it to `FILE`")
	f.StringVar(&o.answer, "answer", "", "a `FILE` with the prover's answer to the challenge")
	f.BoolVar(&o.force, "force", false, "replace an existing file")
	return cmd
}

// attestationRequest reads all files.
func (p *Program) attestationRequest(statement string, o verifyAttestOptions) (client.AttestationRequest, error) {
	r := client.AttestationRequest{Challenge: o.challengeOut != ""}
	var err error
	if r.Nonce, err = unhex("nonce", o.nonce); err != nil {
		return r, err
	}
	if r.AttestationKey, err = unhex("attestation-key", o.attestationKey); err != nil {
		return r, err
	}
	for _, f := range []struct {
		path string
		into *[]byte
	}{
		{statement, &r.Statement},
		{o.ca, &r.Authorities},
		{o.intermediate, &r.Intermediates},
		{o.publicKey, &r.PublicKey},
		{o.answer, &r.Answer},
		{o.piv, &r.PIV},
	} {
		if f.path == "" {
			continue
		}
		if *f.into, err = p.read(f.path, maxInput); err != nil {
			return r, err
		}
		if len(*f.into) == 0 {
			return r, fmt.Errorf("cannot use %s: it is empty", f.path)
		}
	}
	if block, _ := pem.Decode(r.PublicKey); block != nil && block.Type == "PUBLIC KEY" {
		r.PublicKey = block.Bytes
	}
	return r, nil
}

func (p *Program) runAttestVerify(ctx context.Context, c *client.Client, r client.AttestationRequest, o verifyAttestOptions) error {
	report, err := c.VerifyAttestation(ctx, r)
	if err != nil {
		return err
	}
	challenged := len(report.Challenge) > 0 && o.challengeOut != ""
	if challenged {
		if err := outfile.Write(o.challengeOut, report.Challenge, outfile.Options{Force: o.force}); err != nil {
			return err
		}
	}
	view := viewAttestation(report, challenged)
	if err := p.emit(view, func(w io.Writer) { view.print(w) }); err != nil {
		return err
	}
	if challenged {
		p.say("the challenge is in %s: nothing is verified before the prover's answer, within an hour", o.challengeOut)
	} else if report.Verdict != "verified" {
		return &answered{ExitFailed}
	}
	return nil
}

func oneStatement(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// exclusive reports whether more than one of the options is set.
func exclusive(options ...string) bool {
	set := 0
	for _, o := range options {
		if o != "" {
			set++
		}
	}
	return set > 1
}
