package ctl

import (
	"context"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/describe"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
)

// inspectOptions are the options of inspect.
type inspectOptions struct {
	from            secrets
	root, key, user string
	claims          bool
}

func (p *Program) inspect() *cobra.Command {
	var o inspectOptions
	cmd := &cobra.Command{
		Use:   "inspect FILE|ADDRESS|-...",
		Short: "Say what something is: key, certificate, archive, address, object of workspaces",
		Long: `Say what files and addresses hold. Nothing secret is printed. "-" reads standard input.

Keys, X.509 certificates and certificate requests in PEM or DER, and archives of parsecctl
backup, are read here. The passphrase of an encrypted key is asked for only with
--passphrase-fd.

Everything else is passed to the agent, which knows the objects of workspaces: addresses;
certificates of organisations, one in a file, in a list in MessagePack or in a server's
answer to certificate_get, armoured, or one in a line of hexadecimal digits or base64; device
and recovery files; what an asynchronous enrolment sends and keeps; items of an account's
vault. All of it together has at most 1 MiB. An address that holds a token is better given on
standard input, for others see the arguments of a command.

What is said of an object depends on its state:

  unsigned    nothing vouches for it, anybody can have written it
  unverified  it is signed, and nobody looked at the signature: its claims are shown
  signed      the key of --key signed it; whether its author was allowed to is not known
  verified    it holds, from the root key of --root on, with the others that are given
  refused     it does not hold; the reason says why

Claims are what an object that nobody verified says of itself: its type, author and
timestamp, and with --claims everything. That a certificate was withheld cannot be seen.

Exit status: 1 if something is refused, or nothing that is known.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.runInspect(cmd.Context(), args, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.root, "root", "", "judge certificates from this root `key` on: 64 hexadecimal digits, or the organisation's address")
	f.StringVar(&o.key, "key", "", "the `key` of a certificate's author: 64 hexadecimal digits, or a file with the public key of a sequester authority")
	f.StringVar(&o.user, "user", "", "the `id` of the user whose certificates of shared recovery these are")
	f.BoolVar(&o.claims, "claims", false, "show everything that certificates claim which nobody verified")
	passphraseFlag(cmd, &o.from)
	return cmd
}

func (p *Program) runInspect(ctx context.Context, args []string, o inspectOptions) error {
	in := &inspection{names: slices.Clone(args)}
	defer in.wipe()
	for i, arg := range args {
		if err := o.from.apart(arg); err != nil {
			return err
		}
		if strings.Contains(arg, "://") {
			in.names[i] = "the address"
			in.pass(i, []byte(arg))
			continue
		}
		if err := p.inspectFile(ctx, in, i, arg, o.from); err != nil {
			return err
		}
	}
	if err := p.askWhat(ctx, in, o); err != nil {
		return err
	}
	views := in.ordered()
	if err := p.emit(map[string]any{"items": views}, func(w io.Writer) { printInspected(w, views) }); err != nil {
		return err
	}
	return in.verdict()
}

// inspectFile describes a file that is read here, or notes it for the agent.
func (p *Program) inspectFile(ctx context.Context, in *inspection, arg int, path string, from secrets) error {
	data, err := p.head(path)
	if err != nil {
		return err
	}
	foreign, own := describe.Split(data)
	if len(foreign) > 0 {
		in.pass(arg, foreign)
	}
	if own == nil {
		return nil
	}
	defer clear(own)
	var ask func() ([]byte, error)
	if from.fd >= 0 {
		ask = func() ([]byte, error) { return from.ask(ctx, "", false) }
	}
	items, err := describe.File(own, ask)
	if err != nil {
		return fmt.Errorf("cannot tell what %s is: %w", path, err)
	}
	for _, item := range items {
		in.add(arg, inspectedView{Item: item})
	}
	return nil
}

// askWhat has the agent inspect what is not read here.
func (p *Program) askWhat(ctx context.Context, in *inspection, o inspectOptions) error {
	if len(in.inputs) == 0 {
		return nil
	}
	size := 0
	for _, input := range in.inputs {
		size += len(input)
	}
	if size > maxInput {
		return fmt.Errorf("cannot inspect more than %s at once", terminal.Bytes(maxInput))
	}
	key, err := p.authorKey(o.key)
	if err != nil {
		return err
	}
	r := client.Inspection{Inputs: in.inputs, Root: o.root, Key: key, User: o.user, Claims: o.claims}
	return p.with(ctx, func(c *client.Client) error {
		objects, _, err := c.Inspect(ctx, r)
		for i := range objects {
			in.found(&objects[i])
		}
		return err
	})
}

// authorKey reads --key.
func (p *Program) authorKey(key string) ([]byte, error) {
	const size = 32
	if key == "" {
		return nil, nil
	}
	if b, err := hex.DecodeString(key); err == nil && len(b) == size {
		return b, nil
	}
	data, err := p.read(key, keyfile.MaxSize)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(data); block != nil {
		if block.Type != "PUBLIC KEY" {
			return nil, fmt.Errorf("cannot use %s: it holds no public key", key)
		}
		data = block.Bytes
	}
	return data, nil
}

// head reads a file, or the beginning of an archive, which may be large.
func (p *Program) head(path string) ([]byte, error) {
	r, _, err := p.open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, keyfile.MaxSize+1))
	switch {
	case err != nil:
		return nil, readError(path, err)
	case len(data) > keyfile.MaxSize && !describe.IsArchive(data):
		return nil, fmt.Errorf("cannot tell what %s is: it has more than %s", path, terminal.Bytes(keyfile.MaxSize))
	}
	return data, nil
}
