package command

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

func (p *Program) audit() *cobra.Command {
	w, limit, before := &where{}, 0, ""
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show what administrators did",
		Long: `Shows who changed what, or was refused, by the administration API or a command, the newest first. Records are kept for 400 days.
Who only looked is in the log of the server.`,
		Example: "  parsec-server audit\n  parsec-server audit --limit 1000 --before 2026-01-01T00:00:00Z --json",
		Args:    noArguments,
	}
	cmd.Flags().IntVar(&limit, "limit", 100, "how many records, up to 1000")
	cmd.Flags().StringVar(&before, "before", "", "those before a `moment`, in RFC 3339")
	return p.administers(cmd, w, func(ctx context.Context, _ []string) error {
		if limit < 1 || limit > 1000 {
			return usagef("--limit %d: 1 to 1000 is expected", limit)
		}
		query := "?limit=" + strconv.Itoa(limit)
		if before != "" {
			if _, err := trust.ParseDateTime(before); err != nil {
				return usagef("--before %q: a moment such as 2026-01-01T00:00:00Z is expected", before)
			}
			query += "&before=" + url.QueryEscape(before)
		}
		type record struct {
			DoneOn       string `json:"done_on"`
			Who          string `json:"who"`
			Action       string `json:"action"`
			Organization string `json:"organization_id"`
			Object       string `json:"object"`
			Result       string `json:"result"`
		}
		found, err := asking[struct {
			All []record `json:"records"`
		}](ctx, p, w, http.MethodGet, "/audit"+query, nil)
		if err != nil {
			return err
		}
		return p.emit(found, func(out io.Writer) {
			t := newTable(out, "WHEN", "WHO", "WHAT", "ORGANISATION", "OBJECT", "RESULT")
			for _, r := range found.All {
				t.row(r.DoneOn, r.Who, r.Action, r.Organization, r.Object, r.Result)
			}
			t.flush()
		})
	})
}
