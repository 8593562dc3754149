package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/option"
	"github.com/seed-73b3884f/parsec-agent/server/internal/export"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func (p *Program) realmExport() *cobra.Command {
	w, at := &where{}, ""
	cmd := &cobra.Command{
		Use:   "export ORGANISATION REALM [FILE | DIRECTORY]",
		Short: "Write a realm to a file, for a sequester service",
		Long: `Writes what a realm had at a moment to a file of SQLite, in the form of the original server's export_realm: certificates, keys bundles,
all versions of its files and folders, blocks. They stay encrypted: the private key of a sequester service opens them, or a
member's keys. The server may run meanwhile. An export that was interrupted goes on when the same file is given.

Without a file, one in the current directory is written whose name has the organisation, the realm and the moment.`,
		Example: "  parsec-server realm export Acme 0123456789abcdef0123456789abcdef /var/tmp\n  parsec-server realm export Acme 0123456789abcdef0123456789abcdef --at 2026-01-01T00:00:00Z",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 || len(args) > 3 {
				return usagef("%d words are given: the form is %s ORGANISATION REALM [FILE | DIRECTORY]", len(args), cmd.CommandPath())
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "what it had at a `moment`, in RFC 3339; by default some minutes ago")
	return p.administers(cmd, w, func(ctx context.Context, args []string) error { return p.exportRealm(ctx, w, args, at) }, "blockstore")
}

func (p *Program) exportRealm(ctx context.Context, w *where, args []string, at string) (err error) {
	o := export.Options{}
	if o.Organization, err = trust.NewOrganizationID(args[0]); err != nil {
		return usagef("%q is no name of an organisation: %w", args[0], err)
	}
	if o.Realm, err = realmID(args[1]); err != nil {
		return err
	}
	clock := time.Now
	if p.Now != nil {
		clock = p.Now
	}
	if o.Now, err = trust.DateTimeOf(clock()); err != nil {
		return err
	}
	if at != "" {
		moment, err := trust.ParseDateTime(at)
		if err != nil {
			return usagef("--at %q: a moment such as 2026-01-01T00:00:00Z is expected", at)
		}
		o.At = &moment
	}
	o.Path = exportPath(args, &o)
	if err := p.look(w); err != nil {
		return err
	}
	kinds, err := option.Parse(w.blocks)
	if err != nil {
		return &usageError{err}
	}
	if o.Store, err = store.OpenToRead(ctx, store.Options{URL: w.db, MaxConnections: w.connections, Log: p.log()}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Store.Close()) }()
	if o.Blocks, err = kinds.Open(ctx, option.Resources{Pool: o.Store.Pool(), Log: p.log(), ReadOnly: true}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Blocks.Close()) }()
	o.Progress = p.exporting()
	moment, err := export.Realm(ctx, o)
	if err != nil {
		return err
	}
	result := struct {
		File string         `json:"file"`
		At   trust.DateTime `json:"at"`
	}{o.Path, moment}
	return p.emit(result, func(out io.Writer) { say(out, "The realm as of %s is in %s.", moment, o.Path) })
}

// exportPath is the file that is written.
func exportPath(args []string, o *export.Options) string {
	path := "."
	if len(args) > 2 {
		path = args[2]
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return path
	}
	at := export.Latest(o.Now)
	if o.At != nil {
		at = *o.At
	}
	return filepath.Join(path, fmt.Sprintf("parsec-export-%s-realm-%s-%s.sqlite", o.Organization, o.Realm, at.Time().Format("20060102T150405Z")))
}

// exporting says how far an export is, now and then.
func (p *Program) exporting() func(export.Progress) {
	const pause = time.Second
	last, step := time.Now(), ""
	return func(e export.Progress) {
		if p.json || e.Step == step && time.Since(last) < pause {
			return
		}
		last, step = time.Now(), e.Step
		if e.Total == 0 {
			say(p.Err, "%s", e.Step)
			return
		}
		say(p.Err, "%s: %s of %s", e.Step, size(e.Done), size(e.Total))
	}
}
