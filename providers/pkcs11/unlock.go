package pkcs11

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// offer is what a person gives to log in with.
type offer struct {
	kept    *kept
	lastTry bool
}

// The pause after a PIN of a person that was refused: the first, and what it doubles up to.
const (
	firstCalm = time.Second
	maxCalm   = time.Minute
)

// Unlock logs in with the PIN of a person, which is kept for later logins to the same token
// until Lock, the end of its lifetime or of the provider. A PIN that the token refused before
// is not sent; one that it refuses now is not kept.
func (p *Provider) Unlock(ctx context.Context, o providers.UnlockOptions) (providers.Unlocked, error) {
	l := p.link
	switch {
	case !l.o.Prompt:
		return providers.Unlocked{}, l.notPrompted()
	case o.Pad == (len(o.PIN) > 0):
		return providers.Unlocked{}, wire.Errorf(wire.StatusInvalidArgument, "a token is unlocked with a PIN, or on its PIN pad")
	case len(o.PIN) > maxPIN:
		return providers.Unlocked{}, wire.Errorf(wire.StatusInvalidArgument, "a PIN of %d bytes, %d are the most", len(o.PIN), maxPIN)
	}
	k, err := keep(o.PIN)
	if err != nil {
		return providers.Unlocked{}, err
	}
	var out providers.Unlocked
	var failed error
	err = l.alone(ctx, func(free context.Context) (*connection, error) {
		if failed = errors.Join(ctx.Err(), l.calmDown()); failed != nil { // who asked may have gone: no try is made
			k.wipe()
			return l.unchanged()
		}
		var c *connection
		c, out, failed = l.unlock(free, &offer{k, o.LastTry})
		return c, l.stateAfter(failed)
	})
	switch {
	case ctx.Err() != nil:
		return providers.Unlocked{}, ctx.Err()
	case errors.Is(err, errClosed):
		return providers.Unlocked{}, err
	default:
		return out, failed
	}
}

// calmDown refuses a PIN that comes too soon after a wrong one.
func (l *link) calmDown() error {
	wait := time.Until(l.calm)
	if wait <= 0 {
		return nil
	}
	return &wire.Error{
		Status: wire.StatusBadState, Object: l.object(), Reason: "the PIN that was given last was wrong",
		Remedy: fmt.Sprintf("make sure of the PIN, and try again in %v", wait.Truncate(time.Second)+time.Second),
	}
}

// unlock is the attempt of Unlock.
func (l *link) unlock(ctx context.Context, o *offer) (*connection, providers.Unlocked, error) {
	if c := l.unlockedNow(); c != nil {
		o.kept.wipe()
		return c, providers.Unlocked{Token: c.describe(), Already: true, Until: l.until()}, nil
	}
	c, err := l.establish(ctx, o)
	if err != nil {
		o.kept.wipe()
		if providers.ConditionOf(err) == providers.Refused {
			l.calm = time.Now().Add(min(firstCalm<<min(l.refusals, 6), maxCalm))
			l.refusals++
		}
		return nil, providers.Unlocked{}, err
	}
	l.refusals, l.calm = 0, time.Time{}
	l.take(ctx, c, o.kept)
	l.log.LogAttrs(ctx, slog.LevelInfo, "pkcs11_unlocked", slog.String("provider", l.o.Name), slog.String("token", c.describe()))
	return c, providers.Unlocked{Token: c.describe(), Until: o.kept.until}, nil
}

// take keeps a PIN that was right.
func (l *link) take(ctx context.Context, c *connection, k *kept) {
	k.token = l.record.path(c.slot.Token)
	if k.lockErr != nil {
		l.log.LogAttrs(ctx, slog.LevelWarn, "pkcs11_pin_not_locked", slog.String("provider", l.o.Name), slog.Any("error", k.lockErr),
			slog.String("remedy", "raise LimitMEMLOCK: the PIN may reach swap or a core dump"))
	}
	if l.o.Lifetime > 0 {
		k.until = time.Now().Add(l.o.Lifetime)
		k.expiry = time.AfterFunc(l.o.Lifetime, func() { l.expire(context.WithoutCancel(ctx), k) })
	}
	l.mu.Lock()
	before := l.given
	l.given = k
	l.mu.Unlock()
	before.wipe()
}

// Lock forgets the PIN and logs out. Requests that run fail.
func (p *Provider) Lock(ctx context.Context) error {
	l := p.link
	if !l.o.Prompt {
		return l.notPrompted()
	}
	err := l.alone(ctx, func(free context.Context) (*connection, error) { return nil, l.lock(free, "") })
	if providers.ConditionOf(err) == providers.Locked {
		return nil
	}
	return err
}

// expire locks at the end of a PIN's lifetime, if it is still the one that is kept.
func (l *link) expire(ctx context.Context, k *kept) {
	_ = l.alone(ctx, func(ctx context.Context) (*connection, error) {
		l.mu.Lock()
		same := l.given == k
		l.mu.Unlock()
		if !same {
			return l.unchanged()
		}
		return nil, l.lock(ctx, "the PIN was forgotten at the end of its lifetime")
	})
}

// lock forgets the PIN, logs out and ends the helper, whose memory has the PIN too. It
// returns the error of requests from now on.
func (l *link) lock(ctx context.Context, why string) error {
	l.forget()
	l.mu.Lock()
	c := l.current
	l.current = nil
	l.mu.Unlock()
	if c != nil {
		const short = 5 * time.Second
		c.lose()
		_, _ = c.call(ctx, &frame.Request{Op: frame.OpClose}, min(short, l.o.CallLimit)) // the end of the helper does it too
	}
	if l.helper != nil {
		l.retire(false)
	}
	return l.lockedError(c, why)
}

// forget wipes the PIN of a person.
func (l *link) forget() {
	l.mu.Lock()
	k := l.given
	l.given = nil
	l.mu.Unlock()
	k.wipe()
}

// unlockedNow returns the connection if it is logged in.
func (l *link) unlockedNow() *connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.given == nil || l.current == nil || l.current.isLost() {
		return nil
	}
	return l.current
}

func (l *link) until() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.given == nil {
		return time.Time{}
	}
	return l.given.until
}

// mayUseGiven refuses a login without a person where it takes one: before the first PIN,
// for another token than the one that accepted it, and where the PIN is typed on a pad.
func (l *link) mayUseGiven(c *connection) error {
	l.mu.Lock()
	k := l.given
	l.mu.Unlock()
	switch {
	case k == nil:
		return l.lockedError(c, "")
	case k.token != l.record.path(c.slot.Token):
		return l.lockedError(c, "it is another token than the one that was unlocked")
	case k.pad:
		return l.lockedError(c, "its PIN must be typed on its PIN pad again")
	}
	return nil
}

// unchanged is the outcome of an attempt that did nothing.
func (l *link) unchanged() (*connection, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.current != nil:
		return l.current, nil
	case l.failed != nil:
		return nil, l.failed
	default:
		return nil, l.lockedError(nil, "")
	}
}

// stateAfter turns the failure of an unlock into the state of the provider: a wrong PIN
// leaves it as locked as it was.
func (l *link) stateAfter(err error) error {
	if providers.ConditionOf(err) == providers.Refused {
		return l.lockedError(nil, "")
	}
	return err
}

// lockedError is the answer while a person has to give the PIN; c may be nil.
func (l *link) lockedError(c *connection, why string) error {
	e := &wire.Error{Status: wire.StatusBadState, Object: l.object(), Reason: "it is locked until somebody gives its PIN", Remedy: l.unlockCommand()}
	if c != nil {
		e.Object = c.describe()
		if c.slot.Token.Flags&ck.FlagProtectedPath != 0 {
			e.Remedy += " --pin-pad"
		}
	}
	if why != "" {
		e.Reason += ": " + why
	}
	return providers.Unready(providers.Locked, e)
}

func (l *link) object() string { return fmt.Sprintf("provider %q", l.o.Name) }

func (l *link) unlockCommand() string { return "parsecctl provider unlock " + l.o.Name }

func (l *link) notPrompted() error {
	return &wire.Error{
		Status: wire.StatusNotSupported, Object: l.object(), Reason: "its PIN is not given by a person but by the configuration",
		Remedy: "set user_pin_prompt = true in its [[provider]] table, instead of user_pin, user_pin_file or user_pin_credential",
	}
}
