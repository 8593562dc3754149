package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/seed-73b3884f/parsec-agent/session/internal/certlog"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// auditEvery is how often a running session compares everything.
const auditEvery = 24 * time.Hour

// Audit fetches all certificates and compares them with those that are kept. A server can leave one out that no other one needs, and so hide a revocation for instance; what it
// left out once is found here when it, or another one in its place, no longer does. Run does this every day. Errors are those of Refresh.
func (s *Session) Audit(ctx context.Context) error {
	return s.alone(ctx, func() error { return s.compare(ctx) })
}

// audit is Audit if it is due.
func (s *Session) audit(ctx context.Context) error {
	s.view.RLock()
	due := !s.closed && s.now().Sub(s.kept.Audited()) >= auditEvery
	s.view.RUnlock()
	if !due {
		return nil
	}
	return s.Audit(ctx)
}

func (s *Session) compare(ctx context.Context) error {
	if err := s.usable(); err != nil {
		return err
	}
	announced := s.heardOf()
	got, err := s.ask(ctx, requestAfter(nil, true))
	if err != nil {
		return err
	}
	whole := batchOf(got)
	told, err := s.reconcile(&whole)
	s.tell(told)
	if err != nil {
		return err
	}
	return s.complete(announced)
}

// reconcile makes what is kept be what the server has, as far as it is no less.
func (s *Session) reconcile(whole *trust.Batch) (told Accepted, err error) {
	s.view.Lock()
	defer s.view.Unlock()
	if s.closed {
		return told, ErrClosed
	}
	rest, same := s.beyond(whole)
	if same {
		err = s.accept(rest, &told)
	}
	if !same || errors.Is(err, errOtherForm) {
		told = Accepted{Anew: true}
		err = s.replace(whole, &told)
	}
	if err != nil {
		return told, err
	}
	if err := s.kept.SetAudited(s.now()); err != nil {
		return told, fmt.Errorf("%w: %w", ErrStorage, err)
	}
	return told, nil
}

// replace puts other certificates in the place of those that are kept.
func (s *Session) replace(whole *trust.Batch, told *Accepted) error {
	if err := s.replaceable(whole); err != nil {
		return err
	}
	s.log.Warn("certificates are others than those that were kept, all are taken anew", "device", s.id)
	if err := s.clear(); err != nil {
		return err
	}
	return s.accept(*whole, told)
}

// clear forgets all certificates.
func (s *Session) clear() error {
	gone := map[certlog.Place]bool{} // found out before: the store answers nothing while it is cleared
	for place := range s.kept.Marks() {
		gone[place] = s.gone(place)
	}
	s.kept.Gone = func(p certlog.Place) bool { return gone[p] }
	s.replacing = true
	defer func() { s.replacing = false }()
	wake(s.reconnect) // the profile may be another one
	if err := s.store.Clear(); err != nil {
		return fmt.Errorf("%w: %w", ErrStorage, err)
	}
	return nil
}

// beyond returns what comes after what is kept, if all lists begin with that.
func (s *Session) beyond(whole *trust.Batch) (rest trust.Batch, same bool) {
	rest = trust.Batch{Sequester: whole.Sequester, Common: whole.Common, Shamir: whole.Shamir, Realms: map[trust.RealmID][][]byte{}}
	maps.Copy(rest.Realms, whole.Realms)
	for place, mark := range s.kept.Marks() {
		l := list(whole, place)
		if len(l) == 0 && s.gone(place) {
			continue
		}
		if !mark.Begins(l) {
			return rest, false
		}
		setList(&rest, place, l[mark.Count:])
	}
	return rest, true
}

// collector is a keeper that shows what was accepted.
type collector struct{ entries []trust.Entry }

func (c *collector) Keep(entries []trust.Entry) error {
	c.entries = append(c.entries, entries...)
	return nil
}

func (c *collector) Clear() error {
	c.entries = nil
	return nil
}

// replaceable judges certificates that are others than those that are kept: they must be valid, and reach what is kept.
func (s *Session) replaceable(whole *trust.Batch) error {
	c := &collector{}
	other := trust.NewStore(s.root, s.user, c)
	if err := other.Add(*whole); err != nil {
		return err
	}
	must := s.kept.Marks()
	if isOutsider(other, s.user) != isOutsider(s.store, s.user) {
		if m, ok := must[certlog.Place{Topic: trust.TopicCommon}]; ok {
			m.Digests = nil // they come in their other form
			must[certlog.Place{Topic: trust.TopicCommon}] = m
		}
	}
	for place := range must {
		if s.gone(place) {
			delete(must, place)
		}
	}
	return certlog.Reach(c.entries, must)
}

func isOutsider(s *trust.Store, user trust.UserID) bool { return s.Profile(user) == trust.Outsider }

// usable reports why certificates cannot be fetched.
func (s *Session) usable() error {
	s.view.RLock()
	defer s.view.RUnlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.kept.Lost():
		return errLost
	}
	return nil
}

// alone runs what fetches certificates, one at a time, and makes of its result what the status says.
func (s *Session) alone(ctx context.Context, fetch func() error) error {
	select {
	case <-s.refreshing:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { s.refreshing <- struct{}{} }()
	return s.outcome(ctx, fetch())
}

// accept has the store accept a batch; the caller holds view.
func (s *Session) accept(batch trust.Batch, told *Accepted) error {
	before := s.store.Profile(s.user)
	err := s.store.Add(batch)
	switch {
	case err == nil:
	case errors.Is(err, errOtherForm), errors.As(err, new(*trust.RefusalError)), errors.As(err, new(*RollbackError)):
		return err
	default:
		return fmt.Errorf("%w: %w", ErrStorage, err)
	}
	if before != 0 && s.store.Profile(s.user) != before {
		wake(s.reconnect) // the server chooses the events by what the user was at the beginning of a stream
	}
	addTo(told, batch)
	return s.kept.Missing()
}
