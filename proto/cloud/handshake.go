package cloud

import (
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Headers and their values.
const (
	HeaderVersion           = "Api-Version"
	HeaderSupportedVersions = "Supported-Api-Versions"
	HeaderLastEventID       = "Last-Event-ID"
	ContentMsgpack          = "application/msgpack"
	ContentEvents           = "text/event-stream"
)

// Patterns of http.ServeMux besides those of the families.
const (
	PatternProbe    = "GET /anonymous/{organization_id}"
	PatternEvents   = "GET /authenticated/{organization_id}/events"
	PatternRedirect = "GET /redirect/{path...}"
)

const organizationID = "organization_id"

// Pattern returns where a server listens for the commands of the family, for http.ServeMux.
func (f Family) Pattern() string {
	switch f {
	case AnonymousServer, Account:
		return "POST /" + f.String()
	case TOS:
		return Authenticated.Pattern() + "/tos"
	default:
		return "POST /" + f.String() + "/{" + organizationID + "}"
	}
}

// path returns where a client sends the commands of the family, below the server's base.
func (f Family) path(organization trust.OrganizationID) string {
	switch f {
	case AnonymousServer, Account:
		return f.String()
	case TOS:
		return Authenticated.path(organization) + "/tos"
	default:
		return f.String() + "/" + url.PathEscape(organization.String())
	}
}

// Handshake is what the headers and the path of a request say. Of the authorisations only that of the route is there.
type Handshake struct {
	// Client is the version of the client, whose minor may be lower or higher than ours.
	Client       Version
	UserAgent    string
	Organization trust.OrganizationID
	Device       DeviceToken
	Account      AccountToken
	Invitation   trust.AccessToken
	// LastEvent is the event after which the client wants to go on.
	LastEvent *EventID
}

// maxUserAgent bounds what is kept of a header that everybody may fill.
const maxUserAgent = 256

// ReadHandshake looks at the headers of a command of the family, in the order of the specification (1.5). Its error is an [*HTTPError].
func ReadHandshake(r *http.Request, f Family) (*Handshake, error) {
	h, err := readPlace(r, f)
	if err != nil {
		return nil, err
	}
	if r.Header.Get("Content-Type") != ContentMsgpack {
		return nil, &HTTPError{Status: StatusBadContent}
	}
	return h, h.authorization(r, f)
}

// ReadEventsHandshake is ReadHandshake for the stream of events.
func ReadEventsHandshake(r *http.Request) (*Handshake, error) {
	h, err := readPlace(r, Authenticated)
	if err != nil {
		return nil, err
	}
	if r.Header.Get("Accept") != ContentEvents {
		return nil, &HTTPError{Status: StatusBadAccept}
	}
	if id, err := ParseEventID(r.Header.Get(HeaderLastEventID)); err == nil {
		h.LastEvent = &id
	}
	return h, h.authorization(r, Authenticated)
}

// readPlace reads version and organisation.
func readPlace(r *http.Request, f Family) (*Handshake, error) {
	h := &Handshake{UserAgent: "unknown"}
	var err error
	if h.Client, err = ParseVersion(r.Header.Get(HeaderVersion)); err != nil || !h.Client.Compatible(Current) {
		return nil, &HTTPError{Status: StatusUnsupportedAPI}
	}
	if agent := r.Header.Get("User-Agent"); agent != "" {
		h.UserAgent = agent[:min(len(agent), maxUserAgent)]
	}
	if f != AnonymousServer && f != Account {
		if h.Organization, err = trust.NewOrganizationID(r.PathValue(organizationID)); err != nil {
			return nil, &HTTPError{Status: StatusOrganizationNotFound}
		}
	}
	return h, nil
}

func (h *Handshake) authorization(r *http.Request, f Family) (err error) {
	header := r.Header.Get(headerAuthorization)
	switch f {
	case Authenticated, TOS:
		h.Device, err = ParseDeviceToken(header)
	case Account:
		h.Account, err = ParseAccountToken(header)
	case Invited:
		h.Invitation, err = ParseInvitationToken(header)
	case Anonymous, AnonymousServer:
	}
	if err != nil {
		return &HTTPError{Status: StatusNoAuthorization}
	}
	return nil
}

// ReadBody reads the body of a request within its bound, or the length that it announces. Its error is an [*HTTPError].
func ReadBody(r *http.Request) ([]byte, error) { return ReadBodyWith(r, nil) }

// ReadBodyWith is ReadBody with large memory from somewhere: room returns an empty slice with room for so many bytes.
func ReadBodyWith(r *http.Request, room func(int) []byte) ([]byte, error) {
	tooLarge := &HTTPError{Status: StatusTooLarge}
	if r.ContentLength > MaxRequest {
		return nil, tooLarge
	}
	body, err := readAll(r.Body, r.ContentLength, MaxRequest, room)
	if err != nil || r.ContentLength >= 0 && int64(len(body)) != r.ContentLength {
		return nil, tooLarge
	}
	return body, nil
}

var errLimit = errors.New("the body exceeds its limit")

// How much memory a body gets before its bytes have come, and how many times what has come it gets then, if so much is announced.
const (
	atFirst = 64 << 10
	more    = 16
)

// readAll reads at most limit bytes. Memory grows with what comes, not with what is announced; room makes it, if it is not nil, once there is more than little.
func readAll(from io.Reader, announced int64, limit int, room func(int) []byte) ([]byte, error) {
	if room == nil {
		room = func(n int) []byte { return make([]byte, 0, n) }
	}
	size := atFirst
	if announced >= 0 && announced < int64(size) {
		size = int(announced)
	}
	b := make([]byte, 0, size+1)
	for {
		n, err := from.Read(b[len(b):min(cap(b), limit+1)])
		b = b[:len(b)+n]
		switch {
		case len(b) > limit:
			return nil, errLimit
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return nil, err
		case len(b) == cap(b):
			next := 2 * cap(b)
			if announced > int64(next) {
				next = int(min(announced+1, int64(more*cap(b))))
			}
			b = append(room(min(next, limit+1)), b...)
		}
	}
}
