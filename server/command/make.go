package command

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

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
)

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
