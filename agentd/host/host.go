package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd"
	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/agentd/internal/audit"
	"github.com/seed-73b3884f/parsec-agent/agentd/internal/journal"
	"github.com/seed-73b3884f/parsec-agent/agentd/internal/metrics"
	"github.com/seed-73b3884f/parsec-agent/internal/manager"
)

// Options are how the program was called.
type Options struct {
	// ConfigPath is the file to read; empty means the layout's, or the embedded defaults.
	ConfigPath string
	// UserMode is one person's own agent.
	UserMode bool
	// AllowRoot lets the process run with real uid 0, as core_settings.allow_root does.
	AllowRoot bool
	// Stderr gets the log.
	Stderr *os.File
	// Version is that of the program.
	Version string
}

// Modes of the socket. Every user may connect to the system's agent: who they are is what
// the authenticator decides.
const (
	systemSocketMode  = 0o666
	userSocketMode    = 0o600
	metricsSocketMode = 0o660
)

// closeLimit bounds how long the audit log may take at the end.
const closeLimit = 5 * time.Second

// host is a running agent.
type host struct {
	options Options
	layout  config.Layout
	// started is the configuration of the start, config that of now.
	started, config *config.Config
	hangups         chan os.Signal

	journal *journal.Log
	log     *slog.Logger
	notify  manager.Notifier
	audit   *audit.Logger
	socket  *socket
	service *agentd.Service
	metrics *metrics.Metrics

	// cleanup is run backwards at the end.
	cleanup []func() error
}

// Run runs the agent until ctx ends or a signal stops it; an orderly stop is no error.
func Run(ctx context.Context, o Options) error {
	// One place is enough: a reload begins after the signal, whatever came meanwhile.
	h := &host{options: o, hangups: make(chan os.Signal, 1)}
	// A closed standard error must not end the agent, and children must not inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signal.Notify(h.hangups, syscall.SIGHUP)
	defer signal.Stop(h.hangups)
	ctx, release := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer release()
	h.log = slog.New(slog.DiscardHandler)
	h.notify.Log = h.log
	err := h.start(ctx)
	switch {
	case err == nil:
		err = h.run(ctx)
	case ctx.Err() != nil:
		err = nil // stopped before it was ready
	default:
		h.notify.Failed(ctx, err)
	}
	return errors.Join(err, h.end())
}

// start does everything up to READY.
func (h *host) start(ctx context.Context) error {
	layout, err := h.options.layout()
	if err != nil {
		return err
	}
	h.layout = layout
	cfg, warnings, err := load(h.options.ConfigPath, layout)
	if err != nil {
		return err
	}
	h.started, h.config = cfg, cfg
	if err := checkRoot(os.Getuid(), cfg.Core.AllowRoot || h.options.AllowRoot); err != nil {
		return err
	}
	if err := harden(); err != nil {
		return err
	}
	tune(cfg.Core)
	h.openLog(ctx, warnings)
	if err := makeDirectories(layout); err != nil {
		return err
	}
	if err := h.openAudit(ctx); err != nil {
		return err
	}
	if err := h.openSocket(ctx); err != nil {
		return err
	}
	h.metrics = metrics.New(h.options.Version, func() metrics.Gauges { return h.service.Gauges() })
	h.service = agentd.New(agentd.Options{
		Logger: h.log, Audit: h.audit, Metrics: h.metrics, Version: h.options.Version, User: h.options.UserMode,
		ConfigPath: cfg.Path, SocketPath: h.socket.path,
	})
	h.cleanup = append(h.cleanup, h.service.Close)
	return h.service.Load(ctx, cfg)
}

// openLog begins to log, with what was odd in the configuration.
func (h *host) openLog(ctx context.Context, warnings []config.Warning) {
	format := h.config.Agent.LogFormat
	if format == config.LogAuto {
		format = journal.Detect(h.options.Stderr, os.Getenv)
	}
	h.journal = journal.New(journal.Options{Writer: h.options.Stderr, Format: format, Timestamp: h.config.Core.LogTimestamp})
	h.adjustLog(h.config)
	h.log = h.journal.Logger()
	h.notify.Log = h.log
	h.warn(ctx, warnings)
	checkFiles(ctx, h.log, h.config.Agent.Limits.Connections)
}

// adjustLog sets what a reload may change.
func (h *host) adjustLog(cfg *config.Config) {
	h.journal.SetLevel(journal.EffectiveLevel(cfg.Core.LogLevel, os.Getenv))
	h.journal.SetDetails(cfg.Core.LogErrorDetails)
}

func (h *host) warn(ctx context.Context, warnings []config.Warning) {
	for _, w := range warnings {
		h.log.LogAttrs(ctx, slog.LevelWarn, "configuration_warning", slog.String("warning", w.String()))
	}
}

// sink opens where a configuration wants the audit records.
func (h *host) sink(a config.Audit) (*audit.Sink, error) {
	switch a.Kind {
	case config.AuditOff:
		return audit.Off(), nil
	case config.AuditFile:
		return audit.OpenFile(a.Path)
	default:
		return audit.ToLog(h.journal, h.journal.AuditPrefix()), nil
	}
}

func (h *host) openAudit(ctx context.Context) error {
	sink, err := h.sink(h.config.Agent.Audit)
	if err != nil {
		return err
	}
	h.audit = audit.New(sink, h.log)
	h.cleanup = append(h.cleanup, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		return h.audit.Close(ctx)
	})
	return nil
}

func (h *host) openSocket(ctx context.Context) error {
	mode := os.FileMode(systemSocketMode)
	if h.options.UserMode {
		mode = userSocketMode
	}
	s, err := listen(ctx, h.config.Listener.SocketPath, mode)
	if err != nil {
		return err
	}
	h.socket = s
	h.cleanup = append(h.cleanup, s.release)
	return nil
}

// openMetrics listens for scrapers, when that is configured.
func (h *host) openMetrics(ctx context.Context) (net.Listener, error) {
	m := h.config.Agent.Metrics
	switch m.Network {
	case "unix":
		b, err := bind(ctx, m.Address, metricsSocketMode)
		if err != nil {
			return nil, fmt.Errorf("cannot serve metrics: %w", err)
		}
		h.cleanup = append(h.cleanup, b.remove)
		return b.listener, nil
	case "tcp":
		ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", m.Address)
		if err != nil {
			return nil, fmt.Errorf("cannot serve metrics: %w", err)
		}
		return ln, nil
	default:
		return nil, nil //nolint:nilnil // metrics are off
	}
}

// end gives everything up in the reverse order.
func (h *host) end() error {
	var errs []error
	for _, f := range slices.Backward(h.cleanup) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}
