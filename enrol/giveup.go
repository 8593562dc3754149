package enrol

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/session"
)

// GiveUp ends an enrolment that is not to be continued. Of one who enrols the keys go: whoever certified them finds a user or device that nobody has.
// Of a greeter, a user who was certified is revoked; a device that was certified is kept in the list as left, for no device can be revoked, and goes from it when it is given up once more.
// Greeters need the session of the device that began it.
func (d *Desk) GiveUp(ctx context.Context, id EntryID, s *session.Session) error {
	f, err := d.journal.find(id)
	if err != nil {
		return err
	}
	release, err := d.journal.hold(id)
	if err != nil {
		return err
	}
	defer release()
	switch {
	case f.Claims():
		return d.drop(ctx, f.Holder, id)
	case f.Stage == StageLeft:
		return d.journal.remove(id)
	default:
		return d.giveUpGreeting(ctx, f, s)
	}
}

func (d *Desk) giveUpGreeting(ctx context.Context, f *file, s *session.Session) error {
	if s == nil {
		return needSession()
	}
	g := &greet{Desk: d, s: s, p: nobody{}, ctx: ctx}
	defer g.close()
	var err error
	if g.key, err = sealKeyOf(s); err != nil {
		return err
	}
	inner, err := f.open(g.key)
	if err != nil {
		return foreign(err)
	}
	g.entry, g.secrets = f.Entry, *inner
	return explain(g.abandon(ctx))
}

// nobody is asked nothing, and hears nothing.
type nobody struct{}

// Ask refuses.
func (nobody) Ask(context.Context, Question) (Answer, error) { return nil, ErrCancelled }

// Tell does nothing.
func (nobody) Tell(context.Context, Notice) {}
