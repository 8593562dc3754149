package ctl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

func (p *Program) events() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Show what happens: connections, invitations, people who wait, certificates, works",
		Long: `Show what happens to your unlocked devices and to your works, a line each, until the command
is ended: connections that come and go and why, invitations, people who wait to be greeted,
new certificates. It begins with how things stand. With --json each line is a JSON object.`,
		Args: cobra.NoArgs,
	}
	d := deviceFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runEvents(cmd.Context(), c, d.text) })
	}
	return cmd
}

// eventView is a line of JSON.
type eventView struct {
	Kind       string          `json:"kind"`
	Time       time.Time       `json:"time"`
	Device     string          `json:"device,omitempty"`
	Text       string          `json:"text"`
	Object     string          `json:"object,omitempty"`
	Work       string          `json:"work,omitempty"`
	Connection *connectionView `json:"connection,omitempty"`
	Lost       uint64          `json:"lost,omitempty"`
}

func (p *Program) runEvents(ctx context.Context, c *client.Client, device string) error {
	err := c.Events(ctx, device, func(e client.Event) error {
		if !p.global.json {
			if e.Lost > 0 {
				fmt.Fprintf(p.Out, "(%s were lost)\n", counted(e.Lost, "event"))
			}
			_, err := fmt.Fprintln(p.Out, printable(fmt.Sprintf("%s %s: %s", e.Time.Local().Format(time.TimeOnly), e.Kind, e.Text)))
			return err
		}
		v := eventView{Kind: e.Kind, Time: e.Time.UTC(), Device: e.Device, Text: e.Text, Object: e.Object, Work: e.Work, Lost: e.Lost}
		if e.Connection.State != "" {
			now := viewConnection(e.Connection)
			v.Connection = &now
		}
		return emitLine(p.Out, v)
	})
	if err != nil && errors.Is(err, context.Cause(ctx)) {
		return nil // the person has seen enough
	}
	return err
}
