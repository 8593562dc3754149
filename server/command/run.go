package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-73b3884f/parsec-agent/server/internal/observe"
	"github.com/seed-73b3884f/parsec-agent/server/internal/webhook"
)

func (p *Program) run() *cobra.Command {
	o := runOptions{}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Serve until interrupted",
		Long: `Serves organisations on --host and --port. Without any option it keeps everything in one
directory, makes an administration token at its first start and says where it is.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settle(cmd.Flags(), p.Getenv); err != nil {
				return err
			}
			if err := errors.Join(refuse(cmd.Flags()), o.unused()); err != nil {
				return err
			}
			o.develop(cmd.Flags())
			return p.serve(cmd.Context(), &o)
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

// develop gives what nobody chose the values of --dev.
func (o *runOptions) develop(f *pflag.FlagSet) {
	if !o.dev {
		return
	}
	o.debug = true
	for name, to := range map[string]*string{"db": &o.db, "email-host": &o.emailHost} {
		if !f.Changed(name) {
			*to = mocked
		}
	}
	if !f.Changed("administration-token") {
		o.token = "s3cr3t"
	}
	if !f.Changed("cors-allow-origins") {
		o.origins = []string{"*"}
	}
}

// serve opens everything and serves.
func (p *Program) serve(ctx context.Context, o *runOptions) (err error) {
	out, closeLog, err := p.logTo(o.logFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLog()) }()
	log, err := logger(out, o.logLevel, o.logFormat)
	if err != nil {
		return err
	}
	clean, err := o.place(p.Getenv)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clean()) }()
	made, err := o.options(log)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(o.host, strconv.Itoa(o.port)))
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	defer func() { _ = l.Close() }() // it was closed where it was served
	post, err := o.complete(made, l, log)
	if err != nil {
		return err
	}
	if post != nil {
		defer end(ctx, post)
	}
	hooks, err := webhook.New(webhook.Options{Bootstrap: o.bootstrapWebhook, Log: log})
	if err != nil {
		return usagef("--organization-bootstrap-webhook: %w", err)
	}
	defer end(ctx, hooks)
	made.Webhooks = hooks
	if o.metrics != "" {
		made.Observe.Metrics = observe.New(p.Version)
	}
	if o.accessLog {
		made.Observe.Access = log
	}
	countSent(made.Observe.Metrics, post, hooks)
	s, err := o.open(ctx, made, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	ended, err := o.serveMetrics(ctx, made.Observe.Metrics)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ended()) }()
	debug.FreeOSMemory() // of what only the start needed
	log.Info("the server is ready", "address", l.Addr().String(), "data_directory", o.dataDir)
	defer attend(ctx, s, l.Addr(), log)()
	return s.Serve(ctx, l)
}
