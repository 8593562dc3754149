package works

import (
	"encoding/hex"

	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
)

// State says what a work is at.
type State string

// The states.
const (
	StateRunning   State = "running"
	StateAsking    State = "asking"
	StateWaiting   State = "waiting"
	StateDone      State = "done"
	StateFailed    State = "failed"
	StateCancelled State = "cancelled"
)

// Ended reports whether a work in this state has ended.
func (s State) Ended() bool { return s == StateDone || s == StateFailed || s == StateCancelled }

// state says what the work is at. The caller holds mu.
func (w *work) state() State {
	switch r := &w.record; {
	case r.Result != nil:
		return StateDone
	case r.Failure != nil && r.Failure.Cancelled:
		return StateCancelled
	case r.Failure != nil:
		return StateFailed
	case w.flow == nil:
		return StateWaiting
	case w.question != nil:
		return StateAsking
	default:
		return StateRunning
	}
}

// message describes the work as it is now. The caller holds mu.
func (w *work) message() *agentpb.Work {
	r := &w.record
	m := &agentpb.Work{
		WorkId: r.ID, Kind: string(r.Kind), State: string(w.state()), Subject: r.Subject, DeviceId: r.Device,
		BegunUnixMs: r.Begun, DeadlineUnixMs: r.Deadline, EndedUnixMs: r.Ended, Question: w.question, Result: r.Result.message(),
	}
	if n := len(w.notices); n > 0 {
		m.Notice = w.notices[n-1]
	}
	why := r.Failure
	if why == nil && w.flow == nil && !r.ended() {
		why = w.waits
	}
	if why != nil {
		m.Status = uint32(why.Status)
		m.Detail = &agentpb.ErrorDetail{Object: why.Object, Reason: why.Reason, Remedy: why.Remedy, Reference: why.Reference}
	}
	return m
}

func (r *Result) message() *agentpb.WorkResult {
	if r == nil {
		return nil
	}
	fingerprint, _ := hex.DecodeString(r.Fingerprint) // for people: one that cannot be read is not shown
	return &agentpb.WorkResult{
		Server: r.Server, Organization: r.Organization, Fingerprint: fingerprint, UserId: r.User, DeviceId: r.Device, ReplacedDeviceId: r.Replaced,
		Details: &agentpb.Details{Name: r.Name, Email: r.Email, Label: r.Label, Profile: r.Profile},
	}
}
