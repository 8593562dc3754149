package ctl

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

// pingResult is the JSON result of ping.
type pingResult struct {
	Protocol   string  `json:"protocol"`
	Socket     string  `json:"socket"`
	Origin     string  `json:"origin"`
	Persistent bool    `json:"persistent"`
	RoundTrip  float64 `json:"round_trip_ms"`
}

func (p *Program) ping() *cobra.Command {
	return &cobra.Command{
		Use:   "ping",
		Short: "See whether the service answers",
		Args:  cobra.NoArgs,
		RunE: p.service(func(ctx context.Context, c *client.Client, _ []string) error {
			begun := time.Now()
			v, err := c.Ping(ctx)
			if err != nil {
				return err
			}
			took := time.Since(begun)
			r := pingResult{
				Protocol: fmt.Sprintf("%d.%d", v.Major, v.Minor), Socket: c.Endpoint().Path, Origin: string(c.Endpoint().Origin),
				Persistent: c.Persistent(), RoundTrip: float64(took.Microseconds()) / 1000,
			}
			return p.emit(r, func(w io.Writer) {
				kind := "the original service"
				if r.Persistent {
					kind = "parsec-agent"
				}
				fmt.Fprintf(w, "%s answers on %s: protocol %s, %.3f ms\n", kind, printable(r.Socket), r.Protocol, r.RoundTrip)
			})
		}),
	}
}
