// Package webhook reaches the servers that an administrator named: the one that is told of new organisations, and those of sequester services,
// which are asked before something is stored.
//
// Nobody but administrators says which servers these are, so addresses of the own network are reached. Those that only lead to the machine's own
// provider (link-local ones), and those that are no servers, are not. Redirections are not followed, and what is answered is read up to a bound.
// Addresses may hold a secret: the log shows their host.
package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/outbox"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
)

// Bounds of one request.
const (
	askTime   = 10 * time.Second
	dialTime  = 5 * time.Second
	maxAnswer = 64 << 10
	maxHeader = 16 << 10
	maxReason = 1000
)

// maxAsked is how many requests wait for one service at once: a slow one must not hold up those of others.
const maxAsked = 32

// Options say whom to tell.
type Options struct {
	// Bootstrap is told of organisations, nobody if it is empty.
	Bootstrap string
	// Roots vouch for servers, those of the system if nil.
	Roots *x509.CertPool
	Log   *slog.Logger
}

// Client reaches servers. It may be used concurrently.
type Client struct {
	o    Options
	http *http.Client
	box  *outbox.Box

	mu    sync.Mutex // guards the field below
	asked map[string]int
}

// Check reports an address that cannot be one of a webhook.
func Check(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "" {
		return errors.New("an address of a webhook is expected: https://HOST/…")
	}
	return nil
}

// New prepares a client.
func New(o Options) (*Client, error) {
	if o.Bootstrap != "" {
		if err := Check(o.Bootstrap); err != nil {
			return nil, err
		}
	}
	dialer := &net.Dialer{Timeout: dialTime, ControlContext: reachable}
	return &Client{
		o: o, asked: map[string]int{},
		http: &http.Client{
			Timeout:       askTime,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots}, ForceAttemptHTTP2: true,
				TLSHandshakeTimeout: dialTime, MaxResponseHeaderBytes: maxHeader, MaxIdleConns: 64, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute,
				DisableCompression: true,
			},
		},
		box: outbox.New(outbox.Options{
			Most: 1000, Workers: 2, Time: askTime, Pauses: []time.Duration{10 * time.Second, time.Minute, 10 * time.Minute}, Log: o.Log,
		}),
	}, nil
}

// reachable refuses addresses that are of no server, or only of this machine's provider.
func reachable(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if a := ap.Addr().Unmap(); a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() {
		return fmt.Errorf("%s is no address for a webhook", a)
	}
	return nil
}

// Close waits for what is being told, until the context ends.
func (c *Client) Close(ctx context.Context) {
	c.box.Close(ctx)
	c.http.CloseIdleConnections()
}

// Waiting returns how many bootstraps were not told yet, for metrics; Counts says what became of others.
func (c *Client) Waiting() int { return c.box.Len() }

// Counts returns what became of attempts to tell.
func (c *Client) Counts() outbox.Counts { return c.box.Counts() }

// Bootstrapped tells of an organisation (5.6). What fails is tried again for a while.
func (c *Client) Bootstrapped(b rules.Bootstrapped) {
	if c.o.Bootstrap == "" {
		return
	}
	body, err := json.Marshal(b)
	if err == nil {
		_, err = c.box.Put(outbox.Job{Name: "webhook of the bootstrap of " + b.Organization.String(), Do: func(ctx context.Context) error {
			status, _, err := c.post(ctx, c.o.Bootstrap, nil, "application/json; charset=utf-8", body)
			if err == nil && (status < 200 || status > 299) {
				err = fmt.Errorf("the webhook answers status %d", status)
			}
			return err
		}})
	}
	if err != nil {
		c.o.Log.Warn("a bootstrap is not told", "organization", b.Organization.String(), "error", err)
	}
}

// Ask asks a sequester service (3.9).
func (c *Client) Ask(ctx context.Context, address string, q rules.Question) rules.Verdict {
	log := c.o.Log.With("organization", q.Organization.String(), "service", q.Service.String())
	if !c.enter(address) {
		log.Warn("too many requests wait for the sequester service")
		return rules.Verdict{Unavailable: true}
	}
	defer c.leave(address)
	status, body, err := c.post(ctx, address, q.Parameters, "application/octet-stream", q.Body)
	switch {
	case err != nil:
		log.Warn("the sequester service cannot be asked", "error", err)
	case status >= 200 && status <= 299:
		return rules.Verdict{}
	case status == http.StatusBadRequest:
		reason, err := readReason(body)
		if err != nil {
			log.Warn("the sequester service gives no reason that can be read", "error", err)
		}
		return rules.Verdict{Rejected: true, Reason: reason}
	default:
		log.Warn("the sequester service gives no verdict", "status", status)
	}
	return rules.Verdict{Unavailable: true}
}

// readReason reads {"reason": text or null}.
func readReason(body []byte) (*string, error) {
	answer := struct {
		Reason *string `json:"reason"`
	}{}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	if r := answer.Reason; r != nil && len(*r) > maxReason {
		return nil, fmt.Errorf("it has more than %d bytes", maxReason)
	}
	return answer.Reason, nil
}

func (c *Client) enter(address string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked[address] >= maxAsked {
		return false
	}
	c.asked[address]++
	return true
}

func (c *Client) leave(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked[address]--; c.asked[address] == 0 {
		delete(c.asked, address)
	}
}

// post sends a request and reads the answer. Its errors do not show the address, which may hold a secret.
func (c *Client) post(ctx context.Context, address string, parameters url.Values, kind string, body []byte) (int, []byte, error) {
	if err := Check(address); err != nil {
		return 0, nil, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return 0, nil, errors.New("the address cannot be read")
	}
	query := u.Query()
	maps.Copy(query, parameters)
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, errors.New("the address cannot be asked")
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("User-Agent", "parsec-server")
	a, err := c.http.Do(r)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return 0, nil, fmt.Errorf("%s: %w", u.Hostname(), err)
	}
	defer func() { _ = a.Body.Close() }() // it was read as far as it is looked at
	answer, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer))
	return a.StatusCode, answer, err
}
