package enrol

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// ask asks a person and wants an answer of one type.
func ask[A Answer](ctx context.Context, p Person, q Question) (A, error) {
	none := *new(A)
	a, err := p.Ask(ctx, q)
	if err != nil {
		if ctx.Err() != nil && !errors.Is(err, ErrCancelled) {
			err = context.Cause(ctx)
		}
		return none, err
	}
	own, ok := a.(A)
	if !ok {
		return none, &wire.Error{Status: wire.StatusInvalidArgument, Reason: fmt.Sprintf("%v: %s wants a %T", ErrAnswer, q.Kind(), none), Err: ErrAnswer}
	}
	return own, nil
}

// maxAsked bounds how often a question is asked again for an answer that does not do.
const maxAsked = 10

// chooseCode has a person choose the code that the other side says, while the attempt stays. It reports whether it was the right one.
func chooseCode(ctx context.Context, p Person, peer Peer, right trust.SASCode, stays func(context.Context) error) (bool, error) {
	codes, err := right.Candidates(candidates)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		cancel(stays(ctx)) // with why the attempt is over; where there is a cause already, that one stays
	}()
	heard, err := ask[Code](ctx, p, ChooseCode{Peer: peer, Codes: codes})
	cancel(errAnswered)
	<-over
	if err != nil {
		return false, err
	}
	return heard.Code.Equal(right), nil
}

// errAnswered ends what goes on while a person thinks.
var errAnswered = errors.New("the question is answered")

// sayCode has a person say a code until the other side has chosen it, which is what heard waits for.
func sayCode(ctx context.Context, p Person, peer Peer, code trust.SASCode, heard func(context.Context) error) error {
	waiting, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	asking, answered := context.WithCancelCause(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, err := ask[Said](asking, p, SayCode{Peer: peer, Code: code})
		if err != nil && asking.Err() == nil {
			stop(err)
		}
	}()
	err := heard(waiting)
	answered(ErrHeard)
	<-over
	return err
}

// confirm asks for a decision.
func confirm(ctx context.Context, p Person, q Confirm) (bool, error) {
	d, err := ask[Decision](ctx, p, q)
	return d.Yes, err
}

// cancelled reports whether a flow ends because the person wants that.
func cancelled(err error) bool { return errors.Is(err, ErrCancelled) }
