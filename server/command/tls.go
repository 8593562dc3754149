package command

import (
	"log/slog"

	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
)

// certificate is the one of TLS, nil for none.
func (o *runOptions) certificate(log *slog.Logger) (*guard.Certificate, error) {
	suites, err := o.cipherSuites()
	if err != nil {
		return nil, err
	}
	switch {
	case o.certFile == "" && o.tlsKeyFile == "":
		return nil, nil
	case o.certFile == "" || o.tlsKeyFile == "":
		return nil, usagef("--ssl-certfile and --ssl-keyfile are given together")
	}
	c, err := guard.NewCertificate(o.certFile, o.tlsKeyFile, log)
	if err == nil {
		c.CipherSuites = suites
	}
	return c, err
}
