package client

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Values that stand for zero fields of Options.
const (
	DefaultTimeout        = 60 * time.Second
	DefaultMaxResponse    = 16 << 20
	DefaultMaxConnections = 32
	DefaultMaxIdle        = 4
)

// Options say which service to call, and as whom. The zero value is right for most.
type Options struct {
	// Endpoint is the socket: a path or a URL such as unix:/run/parsec/parsec.sock. Empty
	// means the environment's PARSEC_SERVICE_ENDPOINT, else the user's own agent if one
	// listens, else the system's.
	Endpoint string

	// Provider is the provider of operations with keys; nil means the first that the
	// service lists.
	Provider *wire.ProviderID
	// Instance names one of several providers of a kind, on this agent only.
	Instance string

	// Application is the name to present to a service with the Direct authenticator.
	Application string
	// Token returns a JWT-SVID for the audience "parsec". It is asked for every request.
	Token func(context.Context) (string, error)
	// Anonymous sends no authentication: enough for lists of providers, random and hashes.
	Anonymous bool

	// Timeout bounds the wait for each frame of an answer. 0 means DefaultTimeout, below 0
	// means no bound but the context.
	Timeout time.Duration
	// MaxResponse bounds the body of an answer, in bytes.
	MaxResponse uint32
	// MaxConnections bounds the connections in use at once; further requests wait.
	MaxConnections int
	// MaxIdle bounds the connections kept between requests.
	MaxIdle int
	// OneShot never asks for persistent connections, as if the service were the original.
	OneShot bool
}

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxResponse == 0 {
		o.MaxResponse = DefaultMaxResponse
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = DefaultMaxConnections
	}
	if o.MaxIdle <= 0 {
		o.MaxIdle = DefaultMaxIdle
	}
	return o
}
