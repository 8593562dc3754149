package ctl

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

// keptKey is an adopted key that lost its name and stays in its device.
type keptKey struct {
	Key      string `json:"key"`
	Provider string `json:"provider"`
	Adopted  string `json:"adopted"`
}

// deletion is one run of key delete.
type deletion struct {
	Done    bool      `json:"done"`
	Keys    []string  `json:"keys"`
	Kept    []keptKey `json:"kept,omitempty"`
	Removed []string  `json:"removed,omitempty"`

	destroy bool
	targets []target
}

// target is a key to be deleted, with a view of the client that reaches it.
type target struct {
	client.KeyInfo
	view *client.Client
}

func (p *Program) keyDelete() *cobra.Command {
	var yes bool
	var d deletion
	cmd := &cobra.Command{
		Use:   "delete NAME...",
		Short: "Destroy keys",
		Long: `Destroy keys, for good. On a terminal you are asked first.

An adopted key only loses its name and stays in its device as it was, unless --destroy is
said: then it is removed from the device (administrators).`,
		Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
			return p.completeKeys(cmd, nil, word)
		},
		RunE: p.service(func(ctx context.Context, c *client.Client, args []string) error {
			// All are looked up before the first is destroyed.
			d.Keys = args
			for _, name := range args {
				view, info, err := p.locate(ctx, c, name)
				if err != nil {
					return err
				}
				d.targets = append(d.targets, target{info, view})
			}
			if err := p.sure(ctx, yes, d.question()); err != nil {
				return err
			}
			return p.runDelete(ctx, d)
		}),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&d.destroy, "destroy", false, "remove adopted keys from their devices too (administrators)")
	return cmd
}

// keeps reports whether a key only loses its name.
func (d *deletion) keeps(t target) bool { return t.Locator != "" && !d.destroy }

func (d *deletion) question() string {
	kept := 0
	for _, t := range d.targets {
		if d.keeps(t) {
			kept++
		}
	}
	names := strings.Join(d.Keys, ", ")
	switch {
	case kept == len(d.targets):
		return fmt.Sprintf("Remove the name of %s, which stay in their devices (%s)?", counted(kept, "adopted key"), names)
	case kept > 0:
		return fmt.Sprintf("Destroy %s and remove the name of %s (%s)?", counted(len(d.targets)-kept, "key"), counted(kept, "adopted key"), names)
	default:
		return fmt.Sprintf("Destroy %s (%s)?", counted(len(d.targets), "key"), names)
	}
}

func (p *Program) runDelete(ctx context.Context, d deletion) error {
	for _, t := range d.targets {
		if err := p.deleteOne(ctx, &d, t); err != nil {
			return err
		}
	}
	if !p.global.json {
		return nil
	}
	d.Done = true
	return p.emit(d, nil)
}

func (p *Program) deleteOne(ctx context.Context, d *deletion, t target) error {
	name := t.Name
	switch {
	case d.keeps(t):
		if err := t.view.DestroyKey(ctx, name); err != nil {
			return err
		}
		d.Kept = append(d.Kept, keptKey{string(name), t.Instance, t.Locator})
		p.say("the name %q is removed; the key stays in provider %s at %s", name, t.Instance, t.Locator)
	case t.Locator != "":
		removed, err := t.view.DestroyAdopted(ctx, name)
		if err != nil {
			return err
		}
		d.Removed = append(d.Removed, removed...)
		p.say("key %q is destroyed; removed from provider %s: %s", name, t.Instance, strings.Join(removed, ", "))
	default:
		if err := t.view.DestroyKey(ctx, name); err != nil {
			return err
		}
		p.say("key %q is destroyed", name)
	}
	return nil
}
