package spiffe

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"

	"github.com/seed-73b3884f/parsec-agent/agentd/authn"
	"github.com/seed-73b3884f/parsec-agent/agentd/internal/peer"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Audience is what a token must have been issued for.
const Audience = "parsec"

// The defaults of Options.
const (
	DefaultStartWait      = 10 * time.Second
	DefaultRequestTimeout = 5 * time.Second
)

// Options configures an Authenticator.
type Options struct {
	// Endpoint is the Workload API: unix:///PATH, or tcp://IP:PORT on the loopback.
	Endpoint string
	// StartWait is how long New waits for the endpoint to answer; 0 means
	// DefaultStartWait.
	StartWait time.Duration
	// RequestTimeout bounds one validation; 0 means DefaultRequestTimeout.
	RequestTimeout time.Duration
}

// Authenticator authenticates by JWT-SVID. It holds one connection to the Workload API and
// restores it when it breaks.
type Authenticator struct {
	client   *workloadapi.Client
	endpoint string
	timeout  time.Duration
}

var _ authn.Authenticator = (*Authenticator)(nil)

// New connects to the Workload API and makes sure that it answers, and that it refuses
// what is no token. Otherwise it fails, after opts.StartWait at the latest.
func New(ctx context.Context, opts Options) (*Authenticator, error) {
	if err := checkEndpoint(opts.Endpoint); err != nil {
		return nil, fmt.Errorf("cannot use workload endpoint %q: %w", opts.Endpoint, err)
	}
	client, err := dial(ctx, opts.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("cannot use workload endpoint %q: %w", opts.Endpoint, err)
	}
	a := &Authenticator{client: client, endpoint: opts.Endpoint, timeout: orDefault(opts.RequestTimeout, DefaultRequestTimeout)}
	if err := a.awaitAnswer(ctx, orDefault(opts.StartWait, DefaultStartWait)); err != nil {
		_ = client.Close()
		return nil, fmt.Errorf("cannot use workload endpoint %q: %w", opts.Endpoint, err)
	}
	return a, nil
}

// Type returns wire.AuthJWTSVID.
func (*Authenticator) Type() wire.AuthType { return wire.AuthJWTSVID }

// Info returns the texts of the original.
func (*Authenticator) Info() authn.Info {
	return authn.Info{
		Type:        wire.AuthJWTSVID,
		Description: "Authenticator validating a JWT SPIFFE Verifiable Identity Document",
		Minor:       1,
	}
}

// Authenticate has the token in field validated and returns its SPIFFE ID. A field that is
// not UTF-8 is refused with StatusInvalidEncoding, everything else, an endpoint that
// does not answer included, with StatusAuthenticationError.
func (a *Authenticator) Authenticate(ctx context.Context, _ *peer.Peer, field []byte) (string, error) {
	switch {
	case len(field) > wire.MaxAuthLen:
		return "", refuse("the token is longer than %d bytes", wire.MaxAuthLen)
	case !utf8.Valid(field):
		err := wire.Errorf(wire.StatusInvalidEncoding, "the token is not UTF-8")
		err.Object = object
		return "", err
	}
	if !compact(field) {
		return "", refuse("the token is not a JWT in compact serialisation")
	}
	token := string(field)
	claimed, err := jwtsvid.ParseInsecure(token, []string{Audience})
	if err != nil {
		return "", refuse("%s", describeToken(err))
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	svid, err := a.client.ValidateJWTSVID(ctx, token, Audience)
	if err != nil {
		return "", a.refusal(err, token)
	}
	if svid.ID != claimed.ID {
		return "", refuse("the token names two identities")
	}
	return svid.ID.String(), nil
}

// Close ends the connection to the Workload API. Validations under way fail.
func (a *Authenticator) Close() error { return a.client.Close() }

// compact reports whether a token consists of base64url and dots. Go's decoder also takes
// line ends, and no verdict should depend on whose decoder it is.
func compact(field []byte) bool {
	for _, c := range field {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return len(field) > 0
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
