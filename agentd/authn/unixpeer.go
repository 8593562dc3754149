package authn

import (
	"context"
	"strconv"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/peer"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// UnixPeer authenticates by Unix peer credentials: the field holds the caller's uid, four
// bytes little-endian, and must agree with the kernel. The application is the uid in
// decimal.
//
// Clients declare their real uid, the kernel reports the effective one at connect time:
// set-uid programs are refused, as the original does.
type UnixPeer struct{}

var _ Authenticator = UnixPeer{}

// Type returns wire.AuthUnixPeer.
func (UnixPeer) Type() wire.AuthType { return wire.AuthUnixPeer }

// Info returns the texts of the original.
func (UnixPeer) Info() Info {
	return Info{
		Type: wire.AuthUnixPeer,
		Description: "Uses Unix peer credentials to authenticate the client. Verifies that the self-declared Unix user " +
			"identifier (UID) in the request's authentication header matches that which is found from the peer credentials.",
		Minor: 1,
	}
}

// Authenticate compares the declared uid with the kernel's.
func (UnixPeer) Authenticate(_ context.Context, p *peer.Peer, field []byte) (string, error) {
	uid, ok := wire.ParseUID(field)
	switch {
	case !ok:
		return "", refuse("a uid is 4 bytes, not %d", len(field))
	case p == nil || uid == peer.NoID:
		return "", refuse("the connection has no peer credentials")
	case uid != p.UID:
		return "", refuse("the declared uid %d is not %d, the effective one of the calling process", uid, p.UID)
	}
	return strconv.FormatUint(uint64(uid), 10), nil
}
