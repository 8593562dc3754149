package guard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Certificate is a certificate chain and its key in two files that may be replaced while
// the server runs. A pair that cannot be used changes nothing, which the log says.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	// CipherSuites are those of TLS 1.2, nil for the default ones.
	CipherSuites []uint16
	current      atomic.Pointer[tls.Certificate]

	mu   sync.Mutex // guards the field below: one look at a time
	seen [2]stamp   // of the files that were last tried
}

// stamp tells a file from the one that replaces it.
type stamp struct {
	modified time.Time
	size     int64
	inode    os.FileInfo
}

// interval is how often the files are looked at.
const interval = 10 * time.Second

// NewCertificate loads the pair.
func NewCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	if _, err := c.look(); err != nil {
		return nil, err
	}
	return c, nil
}

// HTTP2 reports whether HTTP/2 can be spoken: it wants certain suites.
func (c *Certificate) HTTP2() bool {
	return c.CipherSuites == nil || slices.Contains(c.CipherSuites, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256) ||
		slices.Contains(c.CipherSuites, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
}

// Config returns what a TLS listener uses: TLS 1.2 at least, HTTP/2 where it can be spoken, and HTTP/1.1.
func (c *Certificate) Config() *tls.Config {
	protocols := []string{"http/1.1"}
	if c.HTTP2() {
		protocols = []string{"h2", "http/1.1"}
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, CipherSuites: c.CipherSuites, NextProtos: protocols,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}

// Run takes up replaced files until the context ends.
func (c *Certificate) Run(ctx context.Context) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			c.Reload(ctx)
		}
	}
}

// Reload takes up replaced files now.
func (c *Certificate) Reload(ctx context.Context) {
	changed, err := c.look()
	switch {
	case err != nil:
		c.log.ErrorContext(ctx, "certificate not changed", "error", err)
	case changed:
		c.log.InfoContext(ctx, "certificate changed", "file", c.certFile, "not_after", c.current.Load().Leaf.NotAfter)
	}
}

// look loads the pair if a file is another than at the last look. A pair that does not
// fit, as between the replacements of two files, is looked at again when one changes.
func (c *Certificate) look() (changed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := [2]stamp{}
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return false, fmt.Errorf("cannot look at the certificate: %w", err)
		}
		now[i] = stamp{info.ModTime(), info.Size(), info}
	}
	if c.same(now) {
		return false, nil
	}
	c.seen = now
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return false, fmt.Errorf("cannot load certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	if pair.Leaf == nil {
		return false, errors.New("the certificate was not parsed")
	}
	if time.Now().After(pair.Leaf.NotAfter) {
		return false, fmt.Errorf("certificate %s has expired on %s", c.certFile, pair.Leaf.NotAfter.Format(time.DateTime))
	}
	c.current.Store(&pair)
	return true, nil
}

func (c *Certificate) same(now [2]stamp) bool {
	for i, s := range now {
		old := c.seen[i]
		if old.inode == nil || !os.SameFile(old.inode, s.inode) || !old.modified.Equal(s.modified) || old.size != s.size {
			return false
		}
	}
	return true
}
