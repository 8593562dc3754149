package spiffe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"time"

	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// maxAnswer bounds an answer of the Workload API, in bytes: identity and claims of
	// one token.
	maxAnswer = 1 << 20
	// buffer is the size of each of the two buffers of the connection, in bytes. Tokens
	// have about 1 KiB.
	buffer = 4 << 10
	// connectTimeout bounds one attempt to connect.
	connectTimeout = 2 * time.Second
	// maxBackoff bounds the pause between two attempts, and so how long authentication
	// stays refused after the endpoint is back.
	maxBackoff = 2 * time.Second
)

// checkEndpoint refuses addresses that are none, and such that leave the machine: the
// Workload API is not protected on its way.
func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return errors.New("the address is empty")
	}
	if err := workloadapi.ValidateAddress(endpoint); err != nil {
		return err
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	switch u.Scheme {
	case "unix":
		if u.Host != "" || !path.IsAbs(u.Path) {
			return errors.New("a socket is given by its absolute path, as unix:///run/spire/sockets/agent.sock")
		}
	case "tcp":
		ip, err := netip.ParseAddr(u.Hostname())
		if err != nil || !ip.IsLoopback() {
			return errors.New("the Workload API is not protected on its way: only the loopback is possible")
		}
	}
	return nil
}

// dial prepares a connection; it is made when first needed.
func dial(ctx context.Context, endpoint string) (*workloadapi.Client, error) {
	return workloadapi.New(ctx, workloadapi.WithAddr(endpoint), workloadapi.WithDialOptions(
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithReadBufferSize(buffer),
		grpc.WithWriteBufferSize(buffer),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxBackoff},
			MinConnectTimeout: connectTimeout,
		}),
	))
}

// probe is what no Workload API may accept.
const probe = "parsec-agent.start.probe"

// awaitAnswer waits until the endpoint answers as a Workload API does.
func (a *Authenticator) awaitAnswer(ctx context.Context, wait time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("it does not answer within %v", wait))
	defer cancel()
	const firstPause, maxPause = 20 * time.Millisecond, 500 * time.Millisecond
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		again, err := a.ask(ctx)
		if !again {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %v", context.Cause(ctx), err)
		case <-time.After(pause):
		}
	}
}

// ask sends the probe once and says whether to ask again.
func (a *Authenticator) ask(ctx context.Context) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	_, err = a.client.ValidateJWTSVID(ctx, probe, Audience)
	answer, ok := status.FromError(err)
	switch {
	case err == nil || !ok: // accepted: what failed is reading it as a token
		return false, errors.New("it accepts what is no token")
	case answer.Code() == codes.Unimplemented:
		return false, errors.New("what answers there is not a SPIFFE Workload API")
	case answer.Code() == codes.Unavailable || answer.Code() == codes.DeadlineExceeded || answer.Code() == codes.Canceled:
		return true, errors.New(cut(answer.Message()))
	default:
		return false, nil
	}
}
