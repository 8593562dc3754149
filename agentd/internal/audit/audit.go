// Package audit keeps one record of each request: who asked for what, on which key, with
// what result. The format is docs/audit-log.md. No record holds a secret, and text that a
// peer chose is quoted, made printable and cut.
//
// Record costs about a microsecond, allocates nothing in the usual case and never waits for
// the disk: records gather in memory and are written by one goroutine, at the latest
// flushDelay after the first of them. When nothing is recorded nothing runs.
//
// A sink that is slower than the requests slows them, by at most patience each. A sink that
// does not take anything does not stop the service: records are then dropped and counted,
// and the count is a record of its own as soon as the sink works again. Refusals
// (authentication and permission) have room of their own, and once that is full they are
// counted by uid and status. What a kill -9 or a power cut loses is the last flushDelay.
//
// A Logger may be used concurrently.
package audit

import (
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Record is one request. The zero values of texts are left out.
type Record struct {
	// Time is when the request arrived.
	Time time.Time
	// Application is the identity that AuthType established, empty for none.
	Application string
	AuthType    wire.AuthType
	// UID, GID and PID are the peer's by the kernel; Cgroup is its control group.
	UID, GID uint32
	PID      int32
	Cgroup   string
	// Operation is the operation's name, Provider the name of the instance, Key the
	// name of the key.
	Operation, Provider, Key string
	// Result is what the caller was answered.
	Result wire.Status
	// Reference is the id under which the log holds the cause, and which the caller got.
	Reference string
	Duration  time.Duration
}

// refused reports whether the record tells of an attempt to do what one must not.
func (r *Record) refused() bool {
	switch r.Result {
	case wire.StatusAuthenticationError, wire.StatusAuthenticatorDoesNotExist, wire.StatusAuthenticatorNotRegistered,
		wire.StatusNotAuthenticated, wire.StatusAdminOperation, wire.StatusNotPermitted:
		return true
	default:
		return false
	}
}
