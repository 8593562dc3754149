package ctl

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/outfile"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
)

// sealOptions are the options of key seal.
type sealOptions struct {
	out string
	yes bool
}

// rootResult is the JSON result of key seal and key recover.
type rootResult struct {
	Done    bool   `json:"done"`
	RootKey string `json:"root_key"`
	Place   string `json:"place"`
}

func (p *Program) keySeal() *cobra.Command {
	var o sealOptions
	cmd := &cobra.Command{
		Use:   "seal",
		Short: "Seal the root key of the software keys to the TPM (administrators)",
		Long: `Seal the root key, under which software keys are encrypted, to the TPM that root_key_tpm
names in the configuration. From then on the disk alone gives no key away: the root key
opens on this TPM only, with root_key_pcrs only as this machine was started now.

First a recovery key is made and shown. Write it down: when the board dies or the PCR
change, it is the only way to the keys (parsecctl key recover). You are asked for parts of
it before anything changes. The plain root key is removed last. Done again, it makes a new
recovery key and seals anew; the recovery key before it is then of no use.

Without a person, --recovery-out writes the recovery key to a file, and --yes goes on at
once. Take the file to another place.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.yes && o.out == "" {
				return usagef("--yes needs --recovery-out FILE: without the recovery key the keys are lost with the board")
			}
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runSeal(cmd.Context(), c, o) })
		},
	}
	cmd.Flags().StringVar(&o.out, "recovery-out", "", "write the recovery key to a new `FILE` of mode 0600 as well")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask for parts of the recovery key")
	return cmd
}

func (p *Program) runSeal(ctx context.Context, c *client.Client, o sealOptions) error {
	secret, err := c.NewRecoveryKey(ctx, p.global.provider)
	if err != nil {
		return err
	}
	defer clear(secret)
	if o.out != "" {
		line := append(append(make([]byte, 0, len(secret)+1), secret...), '\n')
		defer clear(line)
		if err := outfile.Write(o.out, line, outfile.Options{Secret: true}); err != nil {
			return err
		}
	}
	if !o.yes {
		const introduction = "This is the recovery key. Write it down and keep it away from this machine."
		if err := terminal.Copied(ctx, introduction, secret); err != nil {
			return advise(fmt.Errorf("nothing was sealed: %w", err), "repeat the command, or give --yes and --recovery-out FILE")
		}
	}
	sealed, err := c.SealRoot(ctx, p.global.provider, secret)
	if err != nil {
		return err
	}
	p.say("the root key %s is in %s", sealed.ID, sealed.Place)
	if p.global.json {
		return p.emit(rootResult{true, sealed.ID, sealed.Place}, nil)
	}
	return nil
}

func (p *Program) keyRecover() *cobra.Command {
	var from secrets
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Open the software keys with the recovery key (administrators)",
		Long: `Open the software keys with the recovery key that parsecctl key seal showed: on a machine
to which the state directory was brought, after the board died, or when the PCR are not
what they were. The root key is then sealed to the TPM that the configuration names, or is
kept in a file with root_key = "file". A wrong recovery key changes nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			secret, err := from.ask(cmd.Context(), "Recovery key", false)
			if err != nil {
				return err
			}
			defer clear(secret)
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				kept, err := c.RecoverRoot(cmd.Context(), p.global.provider, secret)
				if err != nil {
					return err
				}
				p.say("the keys are open; the root key %s is in %s", kept.ID, kept.Place)
				if p.global.json {
					return p.emit(rootResult{true, kept.ID, kept.Place}, nil)
				}
				return nil
			})
		},
	}
	cmd.Flags().IntVar(&from.fd, "recovery-key-fd", -1, "read the recovery key from file `descriptor` N instead of the terminal")
	return cmd
}

// withAny connects to the service and runs fn, whose operation takes --provider itself.
func (p *Program) withAny(ctx context.Context, fn func(*client.Client) error) error {
	c, err := client.Dial(ctx, p.options())
	if err != nil {
		return err
	}
	defer c.Close()
	return fn(c)
}
