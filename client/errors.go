package client

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// ErrClosed is the error of every use of a Client after Close.
var ErrClosed = errors.New("the client is closed")

// ConnectionError is a service that cannot be reached, or a connection that was lost or
// took too long.
type ConnectionError struct {
	// Endpoints are the sockets that were tried.
	Endpoints []Endpoint
	// Sent is true when the request may have reached the service, so that what it asks for
	// may have been done all the same.
	Sent bool
	Err  error
}

func (e *ConnectionError) Error() string {
	var paths []string
	for _, at := range e.Endpoints {
		paths = append(paths, at.Path)
	}
	where := strings.Join(paths, " nor ")
	switch {
	case !e.Sent && len(paths) > 1:
		return fmt.Sprintf("no key service answers, neither on %s: %v", where, e.Err)
	case !e.Sent:
		return fmt.Sprintf("the key service on %s cannot be reached: %v", where, e.Err)
	case errors.Is(e.Err, io.EOF):
		return fmt.Sprintf("the key service on %s closed the connection without an answer", where)
	default:
		return fmt.Sprintf("no answer of the key service on %s: %v", where, e.Err)
	}
}

// Unwrap returns the cause.
func (e *ConnectionError) Unwrap() error { return e.Err }

// ProtocolError is an answer that the protocol does not allow.
type ProtocolError struct {
	Endpoint Endpoint
	Reason   string
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("the answer of %s is not of the key-service protocol: %s", e.Endpoint.Path, e.Reason)
}

// maxObject bounds the name of a key in an error, in bytes.
const maxObject = 128

// keyObject names a key in errors.
func keyObject(name psa.KeyName) string {
	s := string(name)
	if len(s) > maxObject {
		cut := maxObject
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return "key " + strconv.Quote(s)
}

// refusal is the error for an answer with another status than success. granted says that
// its body is an ErrorDetail.
func refusal(status wire.Status, body []byte, granted bool, object string) error {
	e := &wire.Error{Status: status, Object: object}
	if !granted || len(body) == 0 {
		return e
	}
	detail := &agentpb.ErrorDetail{}
	if psa.Unmarshal(body, detail) != nil {
		return e // the status counts; a detail that cannot be read is none
	}
	if detail.GetObject() != "" {
		e.Object = detail.GetObject()
	}
	e.Reason, e.Remedy, e.Reference = detail.GetReason(), detail.GetRemedy(), detail.GetReference()
	return e
}

// oursOnly is the refusal of what the original service cannot do.
func (s *shared) oursOnly(object, what string) error {
	return &wire.Error{
		Status: wire.StatusNotSupported, Object: object,
		Reason: fmt.Sprintf("the service on %s is the original one, which lacks %s", s.endpoint.Path, what),
		Remedy: "name the socket of a parsec-agent with --socket or " + EndpointVariable,
	}
}
