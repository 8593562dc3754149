package command

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/internal/prometheus"
	"github.com/seed-73b3884f/parsec-agent/server/internal/mail"
	"github.com/seed-73b3884f/parsec-agent/server/internal/observe"
	"github.com/seed-73b3884f/parsec-agent/server/internal/outbox"
	"github.com/seed-73b3884f/parsec-agent/server/internal/webhook"
)

// listenMetrics opens where metrics are asked for, nil for nowhere.
func (o *runOptions) listenMetrics(ctx context.Context) (net.Listener, error) {
	network, address, _ := strings.Cut(o.metrics, ":")
	_, err := netip.ParseAddrPort(address)
	switch {
	case o.metrics == "":
		return nil, nil
	case network == "tcp" && err == nil:
	case network == "unix" && filepath.IsAbs(address):
		if err := leftover(address); err != nil {
			return nil, err
		}
	default:
		return nil, usagef("--metrics-address %q: unix:/PATH or tcp:IP:PORT is expected", o.metrics)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, network, address)
	if err == nil && network == "unix" {
		err = os.Chmod(address, 0o660) //nolint:gosec // the group may ask, as at the agent
	}
	if err != nil {
		return nil, fmt.Errorf("cannot serve metrics: %w", err)
	}
	return l, nil
}

// leftover removes the socket of a server that was killed, and nothing else.
func leftover(path string) error {
	info, err := os.Lstat(path)
	switch {
	case os.IsNotExist(err):
		return nil
	case err != nil:
		return fmt.Errorf("cannot serve metrics: %w", err)
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("cannot serve metrics: %s is there, and no socket", path)
	}
	if c, err := (&net.Dialer{}).Dial("unix", path); err == nil {
		_ = c.Close()
		return fmt.Errorf("cannot serve metrics: another program listens at %s", path)
	}
	return os.Remove(path)
}

// serveMetrics shows metrics until what it returns is called.
func (o *runOptions) serveMetrics(ctx context.Context, m *observe.Metrics) (func() error, error) {
	l, err := o.listenMetrics(ctx)
	if l == nil || err != nil {
		return func() error { return nil }, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- prometheus.Serve(ctx, l, m) }()
	return func() error {
		cancel()
		return <-ended
	}, nil
}

// countSent adds what became of mails and webhooks. The post may be nil.
func countSent(m *observe.Metrics, post *mail.Post, hooks *webhook.Client) {
	if m == nil {
		return
	}
	m.Add(func(t *prometheus.Text) {
		writeSent(t, "webhooks", "webhooks of bootstraps", hooks.Waiting(), hooks.Counts())
		if post == nil {
			return
		}
		counts, refused := post.Counts()
		writeSent(t, "mails", "mails", post.Waiting(), counts)
		t.Family("parsec_server_mail_recipients_refused_total", "counter", "Recipients that the relay, or the server itself, refused.")
		t.Sample("parsec_server_mail_recipients_refused_total", float64(refused))
	})
}

func writeSent(t *prometheus.Text, name, what string, waiting int, c outbox.Counts) {
	t.Family("parsec_server_"+name+"_waiting", "gauge", "How many "+what+" wait to be sent.")
	t.Sample("parsec_server_"+name+"_waiting", float64(waiting))
	t.Family("parsec_server_"+name+"_total", "counter", "Attempts to send "+what+", and those given up or not taken, by outcome.")
	for _, o := range []struct {
		outcome string
		n       uint64
	}{{"failed", c.Failed}, {"full", c.Refused}, {"given up", c.GivenUp}, {"sent", c.Done}} {
		t.Sample("parsec_server_"+name+"_total", float64(o.n), "outcome", o.outcome)
	}
}
