package ctl

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func (p *Program) authenticatorGroup() *cobra.Command {
	cmd := &cobra.Command{Use: "authenticator", Short: "Show how callers prove who they are"}
	cmd.AddCommand(p.authenticatorList())
	return cmd
}

// authenticatorView is an entry of the JSON result of authenticator list.
type authenticatorView struct {
	ID          uint8  `json:"id"`
	Kind        string `json:"kind"`
	Description string `json:"description"`
	Version     string `json:"version"`
	InUse       bool   `json:"in_use"`
}

func (p *Program) authenticatorList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the authenticators of the service",
		Args:  cobra.NoArgs,
		RunE: p.service(func(ctx context.Context, c *client.Client, _ []string) error {
			found, err := c.ListAuthenticators(ctx)
			if err != nil {
				return err
			}
			mine, err := c.AuthType(ctx)
			if err != nil {
				mine = wire.AuthNone // the list is what was asked for
			}
			views := []authenticatorView{}
			for _, a := range found {
				views = append(views, authenticatorView{
					uint8(a.ID), a.ID.String(), a.Description, a.Version.String(), err == nil && a.ID == mine,
				})
			}
			return p.emit(map[string]any{"authenticators": views}, func(w io.Writer) {
				t := newTable(w, "ID", "KIND", "IN USE", "DESCRIPTION")
				for _, v := range views {
					use := "-"
					if v.InUse {
						use = "yes"
					}
					t.row(hexNumber(uint64(v.ID)), v.Kind, use, v.Description)
				}
				t.flush()
			})
		}),
	}
}
