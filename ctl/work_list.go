package ctl

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

func (p *Program) workGroup() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "work",
		Short: "See and go on with what asks you something: organisations and enrolments that are under way",
		Long: `See and go on with what asks you something: an organisation that is bootstrapped, an
invitation that is claimed, somebody who is greeted. A work goes on in the agent when its
command is ended, and waits for its answers; after a restart of the agent it goes on where
it ended, or says what became of it.

WORK is an id or the first digits of one; without it the only one that is not over.`,
	}
	cmd.AddCommand(p.workList(), p.workWatch(), p.workCancel())
	return cmd
}

func (p *Program) workList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List what is under way, and what ended in the last days",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runWorkList(cmd.Context(), c) })
		},
	}
}

func (p *Program) runWorkList(ctx context.Context, c *client.Client) error {
	all, err := c.ListWorks(ctx)
	if err != nil {
		return err
	}
	views := []workView{}
	for i := range all {
		views = append(views, viewWork(&all[i]))
	}
	return p.emit(map[string]any{"works": views}, func(w io.Writer) {
		t := newTable(w, "ID", "WORK", "ABOUT", "STATE", "BEGAN", "WHAT IS NEXT")
		for _, v := range views {
			t.row(shortID(v.ID), v.Kind, v.Subject, v.State, v.Begun.Local().Format(minutes), v.next())
		}
		t.flush()
	})
}

// minutes is how times are shown in tables.
const minutes = "2006-01-02 15:04"

// next says what a work waits for, or why it failed.
func (v *workView) next() string {
	switch {
	case v.Question != nil:
		return "parsecctl work watch " + shortID(v.ID)
	case v.Reason != "":
		return v.Reason
	default:
		return "-"
	}
}

func one(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func (p *Program) workWatch() *cobra.Command {
	var a answers
	cmd := &cobra.Command{
		Use:   "watch [WORK]",
		Short: "Go on with a work: see what happens and answer what it asks",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				return p.finishWork(cmd.Context(), c, client.Work{ID: one(args)}, &a)
			})
		},
	}
	a.flags(cmd)
	a.protectionFlags(cmd)
	return cmd
}

// finishWork attends a work and says what it has come to.
func (p *Program) finishWork(ctx context.Context, c *client.Client, w client.Work, a *answers) error {
	last, err := p.attend(ctx, c, w, a)
	if err != nil {
		return err
	}
	if r := last.Result; r != nil {
		p.sayResult(&last, r)
	}
	return nil
}

func (p *Program) sayResult(w *client.Work, r *client.WorkResult) {
	device := r.Organization + "/" + r.Details.Label
	switch w.Kind {
	case "greet":
		who := r.Details.Email
		if who == "" {
			who = "your device " + r.Details.Label
		}
		p.say("%s is a member of %q now, certified by your device", who, r.Organization)
	default:
		p.say("device %q is yours here; parsecctl device unlock --device %s opens it", device, shortID(r.Device))
	}
	if len(r.Fingerprint) > 0 {
		p.say("the root key of %q has the fingerprint %s", r.Organization, fingerprint(r.Fingerprint))
	}
	if r.Replaced != "" {
		p.say("device %s was certified before and nobody has it", shortID(r.Replaced))
	}
}

func (p *Program) workCancel() *cobra.Command {
	var forget bool
	cmd := &cobra.Command{
		Use:   "cancel [WORK]",
		Short: "End a work, and undo what can be undone",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				w, err := c.CancelWork(cmd.Context(), one(args), forget)
				if err != nil {
					return err
				}
				p.say("work %s is %s", shortID(w.ID), w.State)
				return p.emitJSON(map[string]any{"work": viewWork(&w)})
			})
		},
	}
	cmd.Flags().BoolVar(&forget, "forget", false, "forget it too, if it is over")
	return cmd
}

// ago says how long something has been.
func ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := max(time.Since(t).Round(time.Second), 0)
	switch {
	case d < 2*time.Minute:
		return d.String() + " ago"
	case d < 2*time.Hour:
		return counted(int(d/time.Minute), "minute") + " ago"
	case d < 48*time.Hour:
		return counted(int(d/time.Hour), "hour") + " ago"
	default:
		return counted(int(d/(24*time.Hour)), "day") + " ago"
	}
}
