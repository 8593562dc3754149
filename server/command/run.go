package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/option"
	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
	"github.com/seed-73b3884f/parsec-agent/server/internal/mail"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/texts"
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
	s, err := o.open(ctx, made, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	log.Info("the server is ready", "address", l.Addr().String(), "data_directory", o.dataDir)
	defer attend(ctx, s, l.Addr(), log)()
	return s.Serve(ctx, l)
}

// options are what the server is made of, as far as it does not depend on where it listens.
func (o *runOptions) options(log *slog.Logger) (*server.Options, error) {
	made := &server.Options{
		Store: o.db, MaxConnections: o.connections, MinConnections: o.minConnections, ExplicitMigrations: o.explicitMigrations, Log: log, Origins: o.origins,
	}
	if o.connections < 2 || o.minConnections < 0 || o.minConnections > o.connections {
		return nil, usagef("--db-max-connections %d, --db-min-connections %d: at least 2, and not less than the other, are expected", o.connections, o.minConnections)
	}
	where, err := option.Parse(o.blocks)
	if err != nil {
		return nil, &usageError{err}
	}
	made.Blocks = func(ctx context.Context, pool *pgxpool.Pool) (blocks.Store, error) {
		return where.Open(ctx, option.Resources{Pool: pool, Log: log})
	}
	if made.Trusted, err = guard.ParseTrusted(o.proxies); err != nil {
		return nil, &usageError{err}
	}
	if made.Limits, err = o.limits(); err != nil {
		return nil, err
	}
	if made.Rules, err = o.config(); err != nil {
		return nil, err
	}
	if made.Certificate, err = o.certificate(log); err != nil {
		return nil, err
	}
	if made.Texts, err = texts.Load(o.templates); err != nil {
		return nil, err
	}
	if made.Key, err = secrets.LoadFile(o.keyFile); err != nil {
		return nil, err
	}
	made.AdministrationToken, err = o.administrationToken(log)
	return made, err
}

// complete adds what depends on where the server listens, and returns what sends mails.
func (o *runOptions) complete(made *server.Options, l net.Listener, log *slog.Logger) (*mail.Post, error) {
	var err error
	if o.serverAddr != "" {
		if made.Address, err = o.address(l.Addr()); err != nil {
			return nil, err
		}
	}
	address, err := o.address(l.Addr())
	if err != nil {
		return nil, err
	}
	post, err := o.post(address, made.Texts, log)
	if post != nil {
		made.Mail = post
	}
	return post, err
}

// open opens the server, again and again for a while if the database cannot be reached.
func (o *runOptions) open(ctx context.Context, made *server.Options, log *slog.Logger) (*server.Server, error) {
	pause := time.Duration(max(0, o.retryPause) * float64(time.Second))
	for attempt := 1; ; attempt++ {
		s, err := server.Open(ctx, *made)
		if err == nil || !errors.Is(err, store.ErrUnavailable) || attempt >= o.attempts {
			return s, err
		}
		log.Warn("the database cannot be reached, and is tried again", "attempt", attempt, "pause", pause, "error", err)
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(pause):
		}
	}
}

// endTime is how long what is sent may take when the server ends.
const endTime = 5 * time.Second

// end waits for a while for what is being sent.
func end(ctx context.Context, sending interface{ Close(context.Context) }) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	sending.Close(ctx)
}

// config is what the rules need of the options.
func (o *runOptions) config() (rules.Config, error) {
	c := rules.Config{Debug: o.debug, KeepAlive: time.Duration(max(0, o.keepAlive) * float64(time.Second))}
	if o.account != string(cloud.AccountDisabled) {
		return c, usagef("--account-config %s: accounts are not supported, DISABLED is", o.account)
	}
	bao, err := o.openBao()
	if err != nil {
		return c, err
	}
	c.Server = cloud.ServerConfigOK{
		Account: cloud.AccountDisabled, AdvisoryDeviceFileProtection: append([]string{}, o.protections...),
		CryptPad: &cloud.CryptPadDisabled{}, OpenBao: bao, OrganizationBootstrap: cloud.BootstrapWithBootstrapToken,
	}
	if o.spontaneous {
		c.Server.OrganizationBootstrap = cloud.BootstrapSpontaneous
	}
	c.Initial, err = o.initial()
	return c, err
}
