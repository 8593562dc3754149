package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/option"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
)

// runOptions are the options of run, as they were given.
type runOptions struct {
	host, dataDir, db, keyFile, token   string
	port, connections                   int
	spontaneous, outsiders, debug, dev  bool
	limit                               string
	archivingPeriod                     int64
	tos                                 string
	keepAlive                           float64
	protections, blocks                 []string
	baoServer, baoSecret, baoTransit    string
	baoProConnect, baoHexagone, account string
	logLevel, logFormat                 string
}

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
	f := cmd.Flags()
	f.String("config", "", "a TOML `file` with options")
	f.StringVar(&o.host, "host", "127.0.0.1", "the `address` to listen on")
	f.IntVar(&o.port, "port", 6777, "the port to listen on, 0 for any")
	f.StringVar(&o.dataDir, "data-dir", "", "the `directory` with everything that has no place of its own")
	f.StringVar(&o.db, "db", "", "the database: sqlite:PATH, postgresql://…, or MOCKED for one that goes with the process")
	f.StringArrayVarP(&o.blocks, "blockstore", "b", nil, "where blocks are: directory:PATH, POSTGRESQL, s3:…, MOCKED, or several with RAID0:n:, RAID1:n:, RAID5:n: before them")
	f.IntVar(&o.connections, "db-max-connections", 7, "connections to PostgreSQL at most")
	f.StringVar(&o.keyFile, "key-file", "", "the `file` with the server's key, the same for all processes on one database")
	f.StringVar(&o.token, "administration-token", "", "the `token` of the administration API")
	f.BoolVar(&o.spontaneous, "spontaneous-organization-bootstrap", false, "let anybody make an organisation")
	f.BoolVar(&o.outsiders, "organization-initial-user-profile-outsider-allowed", true, "whether new organisations may have outsiders")
	f.StringVar(&o.limit, "organization-initial-active-users-limit", "", "how many users new organisations may have")
	f.Int64Var(&o.archivingPeriod, "organization-initial-realm-deletion-min-archiving-period", 2592000, "`seconds` that a workspace is kept before it is deleted")
	f.StringVar(&o.tos, "organization-initial-tos", "", "terms of service of new organisations: `locale:url,…`")
	f.Float64Var(&o.keepAlive, "sse-keepalive", 30, "`seconds` of silence after which a stream of events says that it lives, 0 for never")
	f.StringArrayVar(&o.protections, "advisory-device-file-protection", nil, "a `protection` of devices to recommend")
	f.StringVar(&o.account, "account-config", "DISABLED", "DISABLED: there are no accounts here")
	f.StringVar(&o.baoServer, "openbao-server-url", "", "the `URL` of an OpenBao server to announce")
	f.StringVar(&o.baoSecret, "openbao-secret-mount-path", "secret", "where that server keeps secrets")
	f.StringVar(&o.baoTransit, "openbao-transit-mount-path", "transit", "where that server signs")
	f.StringVar(&o.baoProConnect, "openbao-auth-pro-connect", "", "the mount `path` of ProConnect there")
	f.StringVar(&o.baoHexagone, "openbao-auth-hexagone", "", "the mount `path` of Hexagone there")
	f.StringVar(&o.logLevel, "log-level", "INFO", "DEBUG, INFO, WARNING or ERROR")
	f.StringVar(&o.logFormat, "log-format", "CONSOLE", "CONSOLE or JSON")
	f.BoolVar(&o.debug, "debug", false, "answer ping")
	f.BoolVar(&o.dev, "dev", false, "for trying out: debug, a database that goes with the process, token s3cr3t")
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
	return s.Serve(ctx, l)
}

// mocked is the database that goes with the process.
const mocked = "MOCKED"

// place decides where everything is, and returns what cleans up.
func (o *runOptions) place(getenv func(string) string) (func() error, error) {
	clean := func() error { return nil }
	if o.db == mocked {
		dir, err := os.MkdirTemp("", "parsec-server-")
		if err != nil {
			return nil, err
		}
		clean = func() error { return os.RemoveAll(dir) }
		o.dataDir, o.db = dir, ""
	}
	if o.dataDir == "" {
		o.dataDir = dataDir(os.Getuid(), getenv)
	}
	if err := os.MkdirAll(o.dataDir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data directory: %w", err)
	}
	if o.db == "" {
		o.db = "sqlite:" + filepath.Join(o.dataDir, "server.sqlite3")
	}
	if len(o.blocks) == 0 {
		o.blocks = []string{"directory:" + strings.ReplaceAll(filepath.Join(o.dataDir, "blocks"), ":", `\:`)}
	}
	if o.keyFile == "" {
		o.keyFile = filepath.Join(o.dataDir, "server.key")
	}
	return clean, nil
}

// dataDir is the service manager's, the system's for root, or the person's.
func dataDir(uid int, getenv func(string) string) string {
	if dir := getenv("STATE_DIRECTORY"); dir != "" {
		return dir
	}
	if uid == 0 {
		return "/var/lib/parsec-server"
	}
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "parsec-server")
	}
	return filepath.Join(getenv("HOME"), ".local/state/parsec-server")
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

func logger(w interface{ Write([]byte) (int, error) }, level, format string) (*slog.Logger, error) {
	levels := map[string]slog.Level{"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARNING": slog.LevelWarn, "ERROR": slog.LevelError}
	l, ok := levels[level]
	if !ok {
		return nil, usagef("--log-level %s: DEBUG, INFO, WARNING or ERROR is expected", level)
	}
	options := &slog.HandlerOptions{Level: l}
	switch format {
	case "CONSOLE":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "JSON":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, usagef("--log-format %s: CONSOLE or JSON is expected", format)
}
