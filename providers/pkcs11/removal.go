package pkcs11

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/supervise"
)

// A card that is taken out fails in some libraries with a general error first, because
// nobody has noticed yet: pcscd looks at readers without an interrupt every 0.4 seconds. An
// error that may be of that kind is not believed before the token was looked at for a while.

const (
	// notice is how long a removal may stay unnoticed.
	notice = 600 * time.Millisecond
	// look is how often the slot is looked at meanwhile.
	look = 50 * time.Millisecond
)

// doubtful reports whether the result may be that of a token that was taken out.
func (p *profile) doubtful(err error) bool {
	switch rv := resultOf(err); rv {
	case ck.RVGeneralError, ck.RVDeviceError, ck.RVFunctionFailed:
		return p.vagueRemoval
	default:
		return rv.TokenLost()
	}
}

// removed reports whether the token of the connection was taken out, as far as that shows
// soon. The connection is lost then.
func (l *link) removed(ctx context.Context, c *connection) bool {
	return c.isLost() || l.watchFor(ctx, func() bool {
		out, err := call(ctx, c.helper, &frame.Request{Op: frame.OpSlots}, l.o.CallLimit)
		if err == nil {
			l.compare(c, out.Slots)
		}
		return c.isLost()
	})
}

// spend gives the library up where it does not find its way back to a token that was away,
// and reports whether it is one of that kind.
func (c *connection) spend() bool {
	if !c.profile.sticky {
		return false
	}
	c.unload()
	return true
}

// compare loses the connection when its token is not in its slot.
func (l *link) compare(c *connection, slots []frame.Slot) {
	for _, s := range slots {
		if s.ID == c.slot.ID && usable(s) && serialOf(s) == serialOf(c.slot) {
			return
		}
	}
	c.lose()
}

// absent returns why no token can be chosen, if that shows soon, nil if one can.
func (l *link) absent(ctx context.Context, h *supervise.Helper) error {
	var err error
	l.watchFor(ctx, func() bool {
		_, err = l.selectToken(ctx, h)
		return err != nil
	})
	return err
}

// watchFor looks until seen or the time of notice is over.
func (l *link) watchFor(ctx context.Context, seen func() bool) bool {
	deadline := time.Now().Add(notice)
	for tick := time.NewTicker(look); ; {
		if seen() {
			tick.Stop()
			return true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		case <-l.stop:
		}
		if ctx.Err() != nil || time.Now().After(deadline) || l.stopped() {
			tick.Stop()
			return false
		}
	}
}

func (l *link) stopped() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}
