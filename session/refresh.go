package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/session/internal/certlog"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Refresh fetches the certificates up to now. Those that are there are asked for once more, as far as they are the last of their topic: so a server that is behind shows.
// Errors of the server are those of proto/cloud; ErrRollback, ErrRefused, ErrWithheld and ErrStorage say what else can be wrong.
func (s *Session) Refresh(ctx context.Context) error { return s.refresh(ctx, true) }

// refresh asks for the last certificates of all realms only if it is to be thorough.
func (s *Session) refresh(ctx context.Context, thorough bool) error {
	return s.alone(ctx, func() error { return s.fetchNew(ctx, thorough) })
}

// outcome makes of a result what the status says.
func (s *Session) outcome(ctx context.Context, err error) error {
	err = classify(err)
	switch {
	case errors.Is(err, ErrClosed) || ctx.Err() != nil && err != nil:
		return err
	case s.isLocked():
		err = errors.Join(device.ErrLocked, err)
	}
	s.set(func(st *standing) {
		if err == nil || !errors.Is(st.trouble, ErrRollback) || errors.Is(err, ErrRollback) {
			st.trouble = err // a rollback stays one while nothing can be asked
		}
		if err == nil {
			st.fresh, st.status.Viewed = true, s.now()
		}
	})
	if err == nil {
		err = s.rememberViewed()
	}
	return err
}

func (s *Session) rememberViewed() error {
	s.view.Lock()
	defer s.view.Unlock()
	if s.closed || s.now().Sub(s.kept.Viewed()) < viewedEvery {
		return nil
	}
	if err := s.saveViewed(); err != nil {
		return fmt.Errorf("%w: %w", ErrStorage, err)
	}
	return nil
}

// fetchNew asks for what is new. Where that shows that the own profile changed, so that users and devices come in their other form (4.7), everything is asked for and compared; whether it is
// so, say certificates that are valid.
func (s *Session) fetchNew(ctx context.Context, thorough bool) error {
	if err := s.usable(); err != nil {
		return err
	}
	s.view.RLock()
	marks := s.kept.Marks()
	s.view.RUnlock()
	announced := s.heardOf()
	got, err := s.ask(ctx, requestAfter(marks, thorough))
	if err != nil {
		return err
	}
	told := Accepted{}
	batch, err := s.cut(marks, got, thorough)
	if err == nil {
		err = s.add(batch, &told, len(marks) == 0)
	}
	if behind := (*RollbackError)(nil); errors.Is(err, errOtherForm) || errors.As(err, &behind) && behind.Topic == trust.TopicCommon && behind.Has == behind.Had {
		return s.compare(ctx)
	}
	s.tell(told)
	if err != nil {
		return err
	}
	return s.complete(announced)
}

// tell says what was accepted.
func (s *Session) tell(told Accepted) {
	if len(told.Topics) > 0 {
		s.watchers.tell(told)
	}
}

// heardOf returns what the server has announced up to now.
func (s *Session) heardOf() map[certlog.Place]trust.DateTime {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.announced)
}

// requestAfter asks for what comes after the marks, and for the certificates at them.
func requestAfter(marks certlog.Marks, thorough bool) *cloud.CertificateGetReq {
	req := &cloud.CertificateGetReq{RealmAfter: map[trust.RealmID]trust.DateTime{}}
	for place, mark := range marks {
		after := mark.At
		if overlaps(place, thorough) {
			after = after.Add(-time.Microsecond)
		}
		switch place.Topic {
		case trust.TopicSequester:
			req.SequesterAfter = &after
		case trust.TopicCommon:
			req.CommonAfter = &after
		case trust.TopicShamir:
			req.ShamirRecoveryAfter = &after
		case trust.TopicRealm:
			req.RealmAfter[place.Realm] = after
		}
	}
	return req
}

// overlaps reports whether the last certificate of a list is asked for once more. There may be thousands of realms.
func overlaps(place certlog.Place, thorough bool) bool {
	return thorough || place.Topic != trust.TopicRealm
}

func (s *Session) ask(ctx context.Context, req *cloud.CertificateGetReq) (*cloud.CertificateGetOK, error) {
	rep, err := cloud.Do(ctx, s.inner, req)
	if err != nil {
		return nil, err
	}
	got, ok := rep.(*cloud.CertificateGetOK)
	if !ok {
		return nil, fmt.Errorf("%w: certificate_get: status %.64q", cloud.ErrReply, rep.Status())
	}
	return got, nil
}

// cut takes off what is there already. It is a *RollbackError if the server does not have it.
func (s *Session) cut(marks certlog.Marks, got *cloud.CertificateGetOK, thorough bool) (trust.Batch, error) {
	batch := batchOf(got)
	for _, place := range marks.Places() {
		mark := marks[place]
		if !overlaps(place, thorough) {
			continue
		}
		list := list(&batch, place)
		if len(list) == 0 && s.mayBeGone(place) {
			continue
		}
		rest, err := cutList(place, mark, list)
		if err != nil {
			return trust.Batch{}, err
		}
		setList(&batch, place, rest)
	}
	return batch, nil
}

func batchOf(got *cloud.CertificateGetOK) trust.Batch {
	b := trust.Batch{
		Sequester: got.SequesterCertificates, Common: got.CommonCertificates, Shamir: got.ShamirRecoveryCertificates, Realms: got.RealmCertificates,
	}
	if b.Realms == nil {
		b.Realms = map[trust.RealmID][][]byte{}
	}
	return b
}

func list(b *trust.Batch, place certlog.Place) [][]byte {
	switch place.Topic {
	case trust.TopicSequester:
		return b.Sequester
	case trust.TopicCommon:
		return b.Common
	case trust.TopicShamir:
		return b.Shamir
	case trust.TopicRealm:
		return b.Realms[place.Realm]
	}
	return nil
}

func setList(b *trust.Batch, place certlog.Place, l [][]byte) {
	switch place.Topic {
	case trust.TopicSequester:
		b.Sequester = l
	case trust.TopicCommon:
		b.Common = l
	case trust.TopicShamir:
		b.Shamir = l
	case trust.TopicRealm:
		b.Realms[place.Realm] = l
		if len(l) == 0 {
			delete(b.Realms, place.Realm)
		}
	}
}

// mayBeGone reports whether a realm's deletion was due.
func (s *Session) mayBeGone(place certlog.Place) bool {
	s.view.RLock()
	defer s.view.RUnlock()
	return s.gone(place)
}

// gone is mayBeGone for who holds view.
func (s *Session) gone(place certlog.Place) bool {
	if place.Topic != trust.TopicRealm {
		return false
	}
	now, err := trust.DateTimeOf(s.now())
	c := s.store.Archiving(place.Realm)
	return err == nil && c.State == trust.DeletionPlanned && c.DeletionDate.Before(now)
}

// cutList takes the certificates at a mark off a list.
func cutList(place certlog.Place, mark certlog.Mark, list [][]byte) ([][]byte, error) {
	same := len(list) >= len(mark.Digests)
	for i := 0; same && i < len(mark.Digests); i++ {
		same = trust.Digest(list[i]) == mark.Digests[i]
	}
	if same {
		return list[len(mark.Digests):], nil
	}
	e := &RollbackError{Place: place, Had: mark.At}
	if len(list) > 0 {
		e.Has = mark.At
		if claim, err := trust.Look(list[0]); err == nil {
			e.Has = claim.Timestamp
		}
	}
	return nil, e
}

// add has the store accept a batch; whole says that it is all that the server has.
func (s *Session) add(batch trust.Batch, told *Accepted, whole bool) error {
	s.view.Lock()
	defer s.view.Unlock()
	if s.closed {
		return ErrClosed
	}
	if err := s.accept(batch, told); err != nil || !whole {
		return err
	}
	if err := s.kept.SetAudited(s.now()); err != nil {
		return fmt.Errorf("%w: %w", ErrStorage, err)
	}
	return nil
}

func addTo(told *Accepted, b trust.Batch) {
	for topic, n := range map[trust.Topic]int{
		trust.TopicSequester: len(b.Sequester), trust.TopicCommon: len(b.Common), trust.TopicRealm: len(b.Realms), trust.TopicShamir: len(b.Shamir),
	} {
		if n > 0 && !slices.Contains(told.Topics, topic) {
			told.Topics = append(told.Topics, topic)
		}
	}
	slices.Sort(told.Topics)
	told.Realms = append(told.Realms, trust.SortedIDs(b.Realms)...)
}

// complete finds out whether the server keeps something back that it has spoken of, or this very device.
func (s *Session) complete(announced map[certlog.Place]trust.DateTime) error {
	s.view.RLock()
	defer s.view.RUnlock()
	marks := s.kept.Marks()
	for place, at := range announced {
		if mark, ok := marks[place]; !ok || mark.At.Before(at) {
			return fmt.Errorf("%w: topic %v, of %v", ErrWithheld, place, at)
		}
	}
	if !s.store.Knows(s.id) {
		return fmt.Errorf("%w: those of this very device", ErrWithheld)
	}
	return nil
}

// wake gives a signal that waits if nobody takes it at once.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
