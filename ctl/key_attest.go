package ctl

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
)

// attestOptions are the options of key attest.
type attestOptions struct {
	nonce, challenge string
	to               sink
}

// attestResult is the JSON result of key attest.
type attestResult struct {
	Key       string `json:"key"`
	Statement string `json:"statement,omitempty"` // base64
	Answer    string `json:"answer,omitempty"`    // base64
}

func (p *Program) keyAttest() *cobra.Command {
	var o attestOptions
	cmd := &cobra.Command{
		Use:   "attest NAME",
		Short: "Have the TPM state what a key is",
		Long: `Have the TPM that holds a key state what the key is: an attestation statement for a
verifier, who judges it with parsecctl key attest-verify. --nonce is the verifier's, and
shows that the statement is not an old one.

With --challenge the TPM answers the verifier's challenge instead, which shows that the
key that signed the statement lies in the TPM of the certificate.`,
		Example: `  parsecctl key attest web/tls --nonce 5f1c… -o web.statement       # prover
  parsecctl key attest-verify web.statement --ca maker.pem --nonce 5f1c… \
      --challenge-out web.challenge                                 # verifier
  parsecctl key attest web/tls --challenge web.challenge -o web.answer
  parsecctl key attest-verify web.statement --ca maker.pem --nonce 5f1c… \
      --answer web.answer`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeKeys,
		RunE: p.service(func(ctx context.Context, c *client.Client, args []string) error {
			if o.nonce != "" && o.challenge != "" {
				return usagef("--nonce and --challenge exclude each other")
			}
			if o.to.stdout() && terminal.Is(p.Out) && !p.global.json {
				return usagef("a statement is not for a terminal: name a file with --output")
			}
			view, info, err := p.locate(ctx, c, args[0])
			if err != nil {
				return err
			}
			return p.runAttest(ctx, view, info, o)
		}),
	}
	cmd.Flags().StringVar(&o.nonce, "nonce", "", "the verifier's nonce in `hexadecimal` digits, at most 64 bytes")
	cmd.Flags().StringVar(&o.challenge, "challenge", "", "answer the challenge in `FILE` instead")
	outputFlags(cmd, &o.to)
	return cmd
}

func (p *Program) runAttest(ctx context.Context, c *client.Client, info client.KeyInfo, o attestOptions) error {
	result := attestResult{Key: string(info.Name)}
	var data []byte
	if o.challenge != "" {
		challenge, err := p.read(o.challenge, maxInput)
		if err != nil {
			return err
		}
		if data, err = c.AnswerChallenge(ctx, info.Name, challenge); err != nil {
			return err
		}
		result.Answer = base64.StdEncoding.EncodeToString(data)
	} else {
		nonce, err := unhex("nonce", o.nonce)
		if err != nil {
			return err
		}
		if data, err = c.CertifyKey(ctx, info.Name, nonce); err != nil {
			return err
		}
		result.Statement = base64.StdEncoding.EncodeToString(data)
	}
	if p.global.json && o.to.stdout() {
		return p.emit(result, func(io.Writer) {})
	}
	return p.deliver(o.to, data, false)
}

// unhex reads an option in hexadecimal digits.
func unhex(option, digits string) ([]byte, error) {
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, usagef("--%s takes an even number of hexadecimal digits", option)
	}
	return b, nil
}
