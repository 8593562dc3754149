package ctl

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/ctl/internal/describe"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
)

func (p *Program) inspect() *cobra.Command {
	var from secrets
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Say what a file is: key, certificate, request, archive",
		Long: `Say what a file holds: keys, certificates and certificate requests in PEM or DER, or an
archive of parsecctl backup. Nothing secret is printed. The passphrase of an encrypted key
is asked for only with --passphrase-fd. "-" reads standard input.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := from.apart(args[0]); err != nil {
				return err
			}
			data, err := p.head(args[0])
			if err != nil {
				return err
			}
			defer clear(data)
			var ask func() ([]byte, error)
			if from.fd >= 0 {
				ask = func() ([]byte, error) { return from.ask(cmd.Context(), "", false) }
			}
			items, err := describe.File(data, ask)
			if err != nil {
				return fmt.Errorf("cannot tell what %s is: %w", args[0], err)
			}
			return p.emit(map[string]any{"items": items}, func(w io.Writer) {
				for i, item := range items {
					if i > 0 {
						fmt.Fprintln(w)
					}
					t := newTable(w)
					t.row(item.Kind)
					for _, f := range item.Fields {
						t.row("  "+f.Name, f.Value)
					}
					t.flush()
				}
			})
		},
	}
	passphraseFlag(cmd, &from)
	return cmd
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
