package ctl

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func (p *Program) providerGroup() *cobra.Command {
	cmd := &cobra.Command{Use: "provider", Short: "Show where keys are kept: software, tokens, TPM"}
	cmd.AddCommand(p.providerList(), p.providerOpcodes(), p.providerUnlock(), p.providerLock())
	return cmd
}

// providerView is an entry of the JSON result of provider list.
type providerView struct {
	providerRef
	UUID        string `json:"uuid"`
	Description string `json:"description"`
	Vendor      string `json:"vendor"`
	Version     string `json:"version"`
	State       string `json:"state,omitempty"`
	Reason      string `json:"reason,omitempty"`
	Remedy      string `json:"remedy,omitempty"`
}

func (p *Program) providerList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the providers, the default first",
		Args:  cobra.NoArgs,
		RunE: p.service(func(ctx context.Context, c *client.Client, _ []string) error {
			found, err := c.ListProviders(ctx)
			if err != nil {
				return err
			}
			var states []client.ProviderState
			if c.Persistent() {
				info, err := c.Info(ctx)
				if err != nil {
					return err
				}
				states = info.Providers
			}
			views := []providerView{}
			for _, s := range found {
				views = append(views, providerView{refProvider(s.ID, ""), s.UUID, s.Description, s.Vendor, s.Version.String(), "", "", ""})
			}
			nameProviders(views, states)
			return p.emit(map[string]any{"providers": views}, func(w io.Writer) {
				t := newTable(w, "ID", "NAME", "KIND", "VERSION", "STATE", "DESCRIPTION")
				for _, v := range views {
					t.row(hexNumber(uint64(v.ID)), orDash(v.Name), v.Kind, v.Version, orDash(v.State), v.Description)
				}
				t.flush()
				for _, v := range views {
					explain(w, v.Name, v.Reason, v.Remedy)
				}
			})
		}),
	}
}

// explain says why a provider is not ready, and what to do about it.
func explain(w io.Writer, name, reason, remedy string) {
	if reason == "" {
		return
	}
	fmt.Fprintln(w, printable(name+": "+reason))
	if remedy != "" {
		fmt.Fprintln(w, printable("  try: "+remedy))
	}
}

// nameProviders adds the names and states that a parsec-agent tells, which lists its
// instances in the same order.
func nameProviders(views []providerView, states []client.ProviderState) {
	for i := range views {
		at := slices.IndexFunc(states, func(s client.ProviderState) bool { return uint8(s.ID) == views[i].ID })
		if at < 0 {
			continue
		}
		views[i].Name, views[i].State = states[at].Name, states[at].State
		views[i].Reason, views[i].Remedy = states[at].Reason, states[at].Remedy
		states = slices.Delete(slices.Clone(states), at, at+1)
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// opcodeView is an entry of the JSON result of provider opcodes.
type opcodeView struct {
	Opcode uint32 `json:"opcode"`
	Name   string `json:"name"`
}

func (p *Program) providerOpcodes() *cobra.Command {
	return &cobra.Command{
		Use:   "opcodes",
		Short: "List the operations of a provider: of --provider, or of the default",
		Args:  cobra.NoArgs,
		RunE: p.service(func(ctx context.Context, c *client.Client, _ []string) error {
			id, err := c.Provider(ctx)
			if err != nil {
				return err
			}
			found, err := c.ListOpcodes(ctx, id)
			if err != nil {
				return err
			}
			if id == wire.ProviderCore && c.Persistent() {
				ours, err := c.ListAgentOpcodes(ctx)
				if err != nil {
					return err
				}
				found = append(found, ours...)
			}
			slices.Sort(found)
			views := []opcodeView{}
			for _, op := range slices.Compact(found) {
				views = append(views, opcodeView{uint32(op), client.OperationName(op)})
			}
			return p.emit(map[string]any{"provider": refProvider(id, ""), "opcodes": views}, func(w io.Writer) {
				t := newTable(w, "OPCODE", "NAME")
				for _, v := range views {
					t.row(hexNumber(uint64(v.Opcode)), v.Name)
				}
				t.flush()
			})
		}),
	}
}
