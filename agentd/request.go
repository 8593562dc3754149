package agentd

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/authn"
	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// request is one request on its way through the agent.
type request struct {
	wire.Request
	conn  *conn
	start time.Time

	// flagged says that the caller asked for a persistent connection, and so understands
	// what is ours: error details, extensions, agent operations.
	flagged bool
	// echo says that provider, session and opcode of the request are known to be valid
	// and are echoed in the answer, as the original does from that point on.
	echo bool

	backend  *backend
	who      authn.Identity // zero when unauthenticated
	instance *instance      // nil for the core provider
	ext      *agentpb.Extension
	key      psa.KeyName // for the audit record
	ref      string      // reference to the log, once there is one
}

// action is what a decoded request does. Its result is the body of the answer.
type action func(ctx context.Context, r *request) ([]byte, error)

// authenticated reports whether the caller has an application identity.
func (r *request) authenticated() bool { return r.who.Auth != wire.AuthNone }

// owner is whom the caller's keys belong to.
func (r *request) owner() kim.Owner { return kim.Owner{Auth: r.who.Auth, App: r.who.App} }

// about notes the key that the request is about.
func (r *request) about(name string) { r.key = psa.KeyName(name) }

// answer is the header of an answer. Errors that come before the request is understood
// carry the original's default header; callers that asked get their own values back.
func (r *request) answer(err error) wire.Header {
	h := wire.DefaultHeader(wire.StatusOf(err))
	if r.echo || r.flagged {
		h = wire.Header{Provider: r.Provider, Session: r.Session, Opcode: r.Opcode, Status: wire.StatusOf(err)}
	}
	if r.flagged {
		h.Flags = wire.FlagPersistent
	}
	return h
}

// stream sends a frame of a long answer; more follow.
func (r *request) stream(body []byte) error {
	h := r.answer(nil)
	h.Flags |= wire.FlagMore
	return r.conn.write(h, body)
}

// failure logs what the caller cannot mend and returns the body that tells a caller who
// asked what it can know.
func (r *request) failure(ctx context.Context, err error) []byte {
	status := wire.StatusOf(err)
	detail, ok := errors.AsType[*wire.Error](err)
	if !ok {
		detail = &wire.Error{Status: status, Err: err}
	}
	if internal(status) {
		r.ref = reference()
		r.conn.service.logFailure(ctx, r, detail)
	}
	if !r.flagged {
		return nil
	}
	m := &agentpb.ErrorDetail{Object: detail.Object, Reason: detail.Reason, Remedy: detail.Remedy, Reference: r.ref}
	if m.GetReason() == "" {
		m.Reason = status.Error()
	}
	body, _ := psa.Marshal(m) // an error without its detail is still an error
	return body
}

// logFailure writes the cause of an error that the caller cannot mend, under the
// reference that the caller gets. What it was about is named only where the
// configuration allows names in the log.
func (s *Service) logFailure(ctx context.Context, r *request, detail *wire.Error) {
	attrs := []slog.Attr{
		slog.String("reference", r.ref), slog.String("operation", agent.Name(r.Opcode)), slog.String("status", detail.Status.String()),
		slog.String("reason", detail.Reason), slog.Any("cause", detail.Err),
	}
	if s.config.Load().Core.LogErrorDetails {
		attrs = append(attrs, slog.String("object", detail.Object), slog.String("application", r.who.App))
	}
	s.log.LogAttrs(ctx, slog.LevelError, "request_failed", attrs...)
}

// internal reports whether a status tells of our own trouble rather than the caller's.
func internal(s wire.Status) bool {
	switch s {
	case wire.StatusGenericError, wire.StatusKeyInfoManagerError, wire.StatusInsufficientStorage, wire.StatusStorageFailure,
		wire.StatusHardwareFailure, wire.StatusCommunicationFailure, wire.StatusInsufficientEntropy, wire.StatusSerializingBody,
		wire.StatusCorruptionDetected, wire.StatusDataCorrupt, wire.StatusDataInvalid, wire.StatusInvalidHandle:
		return true
	default:
		return false
	}
}

// reference returns an id under which a caller's error is found in the log.
func reference() string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// about adds the object to an error that names none.
func about(object string, err error) error {
	if err == nil {
		return nil
	}
	detail, ok := errors.AsType[*wire.Error](err)
	if !ok {
		return &wire.Error{Status: wire.StatusOf(err), Object: object, Err: err}
	}
	if detail.Object != "" {
		return err
	}
	named := *detail
	named.Object = object
	return &named
}

// text makes what a device or a stranger says a valid string of the protocol, cut to a
// readable length.
func text(s string) string {
	const most = 1024
	return strings.ToValidUTF8(s[:min(len(s), most)], "\ufffd")
}
