package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/option"
	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
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
			return p.serve(cmd.Context(), &o)
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

// serve opens everything and serves.
func (p *Program) serve(ctx context.Context, o *runOptions) (err error) {
	log, err := logger(p.Err, o.logLevel, o.logFormat)
	if err != nil {
		return err
	}
	if o.dev {
		o.debug, o.db, o.token = true, mocked, "s3cr3t"
	}
	clean, err := o.place(p.Getenv)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clean()) }()
	config, err := o.config()
	if err != nil {
		return err
	}
	where, err := option.Parse(o.blocks)
	if err != nil {
		return &usageError{err}
	}
	trusted, err := guard.ParseTrusted(o.proxies)
	if err != nil {
		return &usageError{err}
	}
	limits, err := o.limits()
	if err != nil {
		return err
	}
	certificate, err := o.certificate(log)
	if err != nil {
		return err
	}
	key, err := secrets.LoadFile(o.keyFile)
	if err != nil {
		return err
	}
	token, err := o.administrationToken(log)
	if err != nil {
		return err
	}
	s, err := server.Open(ctx, server.Options{
		Store: o.db, Blocks: func(ctx context.Context, pool *pgxpool.Pool) (blocks.Store, error) {
			return where.Open(ctx, option.Resources{Pool: pool, Log: log})
		}, MaxConnections: o.connections, Key: key, AdministrationToken: token, Rules: config, Log: log,
		Limits: limits, Trusted: trusted, Certificate: certificate,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(o.host, strconv.Itoa(o.port)))
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	log.Info("the server is ready", "address", l.Addr().String(), "data_directory", o.dataDir)
	defer attend(ctx, s, l.Addr(), log)()
	return s.Serve(ctx, l)
}

// config is what the rules need of the options.
func (o *runOptions) config() (rules.Config, error) {
	c := rules.Config{Debug: o.debug, KeepAlive: time.Duration(max(0, o.keepAlive) * float64(time.Second))}
	if o.account != string(cloud.AccountDisabled) {
		return c, usagef("--account-config %s: accounts are not supported, DISABLED is", o.account)
	}
	c.Server = cloud.ServerConfigOK{
		Account: cloud.AccountDisabled, AdvisoryDeviceFileProtection: append([]string{}, o.protections...),
		CryptPad: &cloud.CryptPadDisabled{}, OpenBao: o.openBao(), OrganizationBootstrap: cloud.BootstrapWithBootstrapToken,
	}
	if o.spontaneous {
		c.Server.OrganizationBootstrap = cloud.BootstrapSpontaneous
	}
	var err error
	c.Initial, err = o.initial()
	return c, err
}
