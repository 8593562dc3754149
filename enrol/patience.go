package enrol

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Bounds of attempts: each that reaches the codes is a guess for who stands in between.
const (
	// maxAutomatic is how often a flow begins anew by itself, because the other side did.
	maxAutomatic = 8
	// maxAgain is how often a person may begin anew.
	maxAgain = 5
)

// overNotice tells of an attempt that ended; over is nil where nobody cancelled it.
func overNotice(peer Peer, over *OverError, why error) Notice {
	n := Notice{Event: EventAttemptOver, Peer: peer, Err: why}
	if over != nil {
		n.Reason, n.By = over.Reason, over.By
	}
	return n
}

// patience counts attempts.
type patience struct{ automatic, asked int }

// again decides whether to make another attempt: by itself when the other side began anew, else the person does.
func (a *patience) again(ctx context.Context, p Person, peer Peer, over *OverError, why error) error {
	if over != nil && over.Reason == cloud.CancelledAutomaticallyCancelled && a.automatic < maxAutomatic {
		a.automatic++
		return nil
	}
	if a.asked >= maxAgain {
		return &wire.Error{Status: wire.StatusBadState, Reason: ErrAttempts.Error(), Err: errors.Join(ErrAttempts, why), Remedy: "ask for a new invitation, and talk over another line"}
	}
	a.asked++
	a.automatic = 0
	yes, err := confirm(ctx, p, Confirm{What: ConfirmAgain, Peer: peer, Reason: why.Error()})
	if err == nil && !yes {
		err = errors.Join(ErrCancelled, why)
	}
	return err
}
