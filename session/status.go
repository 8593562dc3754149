package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
)

// State is how a session stands with its server.
type State uint8

// States.
const (
	// Offline: there is no connection, or nobody asked for one.
	Offline State = iota + 1
	// Connecting: a first connection is being made.
	Connecting
	// Online: the server's events arrive, and the certificates are those up to now.
	Online
	// Behind: the server's events arrive, but not the certificates that it announces.
	Behind
	// Revoked: the server says that the user is revoked.
	Revoked
	// Frozen: the server says that the user may not connect for now.
	Frozen
	// Expired: the server says that the organisation has expired.
	Expired
	// NotFound: the server says that it has no such organisation.
	NotFound
	// Unknown: the server says that it does not know the device, or its key.
	Unknown
	// MustAcceptTerms: there are new terms of service.
	MustAcceptTerms
	// RolledBack: the server does not have what it gave before.
	RolledBack
	// Refusing: the server serves certificates that are not valid.
	Refusing
	// ClockWrong: the clocks are too far apart.
	ClockWrong
	// Incompatible: the server speaks another version, or not this protocol.
	Incompatible
	// DiskFailed: certificates cannot be kept.
	DiskFailed
	// Locked: the device is locked.
	Locked
	// Closed: the session has ended.
	Closed
)

var stateNames = map[State]string{
	Offline: "offline", Connecting: "connecting", Online: "online", Behind: "behind", Revoked: "revoked", Frozen: "frozen", Expired: "expired", NotFound: "not_found",
	Unknown: "unknown", MustAcceptTerms: "must_accept_terms", RolledBack: "rolled_back", Refusing: "refusing", ClockWrong: "clock_wrong",
	Incompatible: "incompatible", DiskFailed: "disk_failed", Locked: "locked", Closed: "closed",
}

// String returns the name that is stable for programs.
func (s State) String() string { return stateNames[s] }

// Status is how a session stands.
type Status struct {
	State State
	// Since is when the state began.
	Since time.Time
	// Reason says why, and Remedy what to do; both are empty where all is well.
	Reason, Remedy string
	// Viewed is when the server last said that there is nothing newer: the age of the view. It is zero if that was never.
	Viewed time.Time
	// Clock says in words how the clocks differ, and is empty where they agree or nothing is known.
	Clock string
	// Offset is how far the server's clock is ahead, where it is known.
	Offset *cloud.ClockOffset
	// Err is what caused the state, nil for none.
	Err error
}

// Age returns how old the view is, false if there never was one.
func (s Status) Age(now time.Time) (time.Duration, bool) {
	return now.Sub(s.Viewed), !s.Viewed.IsZero()
}

// meaning is what an error means for the state.
type meaning struct {
	is     error
	state  State
	remedy string
	// again is how long to wait before the server is asked again, 0 for the usual waits.
	again time.Duration
}

const (
	slowly     = 10 * time.Minute
	verySlowly = time.Hour
)

// meanings are looked through in order.
var meanings = []meaning{
	{device.ErrLocked, Locked, "unlock the device: parsecctl device unlock", 0},
	{ErrRollback, RolledBack, "ask whoever runs the server whether it was restored from a backup; if so: parsecctl org accept-rollback", slowly},
	{ErrRefused, Refusing, "tell an administrator of the organisation: the server, or somebody who writes to it, is not to be trusted", slowly},
	{ErrStorage, DiskFailed, "see to the disk of the state directory; the log has the cause", 0},
	{ErrWithheld, Behind, "tell whoever runs the server; what is shown may be out of date", 0},
	{cloud.ErrUserRevoked, Revoked, "ask an administrator of the organisation: a user who is revoked has to be invited anew", verySlowly},
	{cloud.ErrUserFrozen, Frozen, "ask whoever runs the server; it is tried again by itself", 0},
	{cloud.ErrOrganizationExpired, Expired, "ask whoever runs the server to prolong the organisation", slowly},
	{cloud.ErrOrganizationNotFound, NotFound, "see whether the server's address is right, and ask whoever runs the server", slowly},
	{cloud.ErrMustAcceptTOS, MustAcceptTerms, "read the new terms of service of the server, and accept them: parsecctl org accept-terms", 0},
	{cloud.ErrTokenExpired, ClockWrong, "set the clock of this machine", slowly},
	{ErrClock, ClockWrong, "set the clock of this machine", slowly},
	{cloud.ErrCredentials, Unknown, "see whether the server's address is right, and ask an administrator of the organisation", verySlowly},
	{cloud.ErrUnsupportedAPI, Incompatible, "update the agent, or ask whoever runs the server to update it", verySlowly},
	{cloud.ErrCertificate, Offline, "see whether the server's address is right, and whether its certificate authority is among those of the system", 0},
	{cloud.ErrOffline, Offline, "see to the network; it is tried again by itself", 0},
	{cloud.ErrReply, Incompatible, "see whether the server's address is right, and whether a proxy answers in its place", 0},
	{cloud.ErrServer, Incompatible, "ask whoever runs the server", slowly},
}

// meaningOf says what an error means; one that nobody foresaw is a server that cannot be used.
func meaningOf(err error) meaning {
	for _, m := range meanings {
		if errors.Is(err, m.is) {
			return m
		}
	}
	if errors.As(err, new(*cloud.HTTPError)) {
		return meaning{state: Incompatible, remedy: "ask whoever runs the server", again: slowly}
	}
	return meaning{state: Offline, remedy: "see the log; it is tried again by itself"}
}

// clockWords says how clocks differ, if they do so noticeably.
func clockWords(o cloud.ClockOffset) string {
	const noticeable = 30 * time.Second
	off := o.Offset.Abs() - o.Uncertainty
	if off < noticeable {
		return ""
	}
	direction := "behind"
	if o.Offset < 0 {
		direction = "ahead of"
	}
	return fmt.Sprintf("the clock of this machine is %s %s the server's", durationWords(o.Offset.Abs()), direction)
}

func durationWords(d time.Duration) string {
	const day = 24 * time.Hour
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"day", day}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if d >= unit.size*2 || unit.size == time.Minute && d >= unit.size {
			return count(int64((d+unit.size/2)/unit.size), unit.name)
		}
	}
	return count(int64((d+time.Second/2)/time.Second), "second")
}

func count(n int64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
