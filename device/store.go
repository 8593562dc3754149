package device

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Options are what a Store is made of.
type Options struct {
	// Dir holds the devices of one person; it is made when the first one comes.
	Dir string
	// Original is the configuration directory of the original client, whose devices are used in place; empty for none.
	Original string
	// Keys are the provider keys. KeyPrefix begins the names of this person's.
	Keys      Keys
	KeyPrefix string
	// Certificates and Server open what only they can; nil for none.
	Certificates Certificates
	Server       Server
	// Budget is that of the process.
	Budget *Budget
	// Idle locks a device that nobody has used for so long; 0 for never.
	Idle   time.Duration
	Logger *slog.Logger
}

// Store has the devices of one person.
type Store struct {
	options  Options
	log      *slog.Logger
	places   []place
	attempts attempts
	opener   opener
	sealer   sealer
	now      func() time.Time
	open     func(dir string) (files, error)
	// turn is held by what writes files or tries secrets: one at a time, so that guesses do not run side by side.
	turn chan struct{}

	mu     sync.Mutex // guards the fields below
	inUse  map[trust.DeviceID]*Unlocked
	timer  *time.Timer
	closed bool
}

// New returns a store. It reads and makes nothing yet.
func New(o Options) *Store {
	s := &Store{
		options: o, log: o.Logger, places: []place{{root: o.Dir}}, now: time.Now, open: openFiles,
		turn: make(chan struct{}, 1), inUse: map[trust.DeviceID]*Unlocked{},
		opener: opener{o.Keys, o.Budget, o.Certificates, o.Server},
		sealer: sealer{o.Keys, o.Budget, trust.NewPasswordAlgorithm},
	}
	s.attempts.now = func() time.Time { return s.now() }
	if o.Original != "" {
		s.places = append(s.places, place{root: o.Original, original: true})
	}
	return s
}

// begin waits for the store's turn; the caller ends it.
func (s *Store) begin(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &wire.Error{Status: wire.StatusBadState, Reason: "another request about your devices is at work", Remedy: "repeat it", Err: ctx.Err()}
	}
}

func (s *Store) end() { <-s.turn }

// List describes the devices, in order of organisation and label, and the files that cannot be read.
func (s *Store) List() ([]Entry, []Damaged, error) {
	records, bad, err := s.scan()
	if err != nil {
		return nil, nil, err
	}
	all := make([]Entry, 0, len(records))
	for _, r := range records {
		all = append(all, s.entry(r))
	}
	slices.SortFunc(all, func(a, b Entry) int {
		if byName := compareText(a.String(), b.String()); byName != 0 {
			return byName
		}
		return compareText(a.ID.String(), b.ID.String())
	})
	return all, bad, nil
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// find returns the record of a device.
func (s *Store) find(id trust.DeviceID) (*record, error) {
	records, _, err := s.scan()
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		if r.id() == id {
			return r, nil
		}
	}
	return nil, notFound("device " + id.String())
}

// active is find for a device that may be used here.
func (s *Store) active(id trust.DeviceID) (*record, error) {
	r, err := s.find(id)
	if err != nil {
		return nil, err
	}
	switch r.stage {
	case stageImporting:
		return nil, about(r.file.header(), &wire.Error{
			Status: wire.StatusBadState, Reason: "it waits for the program that had it to give it up", Err: ErrInUse,
			Remedy: "repeat parsecctl device import, which goes on where it ended",
		})
	case stageExported:
		return nil, about(r.file.header(), &wire.Error{
			Status: wire.StatusBadState, Reason: "it was exported and belongs to another program", Err: ErrInUse,
			Remedy: "if nobody uses the exported file: parsecctl device export --undo",
		})
	default:
		return r, nil
	}
}

// unlocked returns an unlocked device, or nil.
func (s *Store) unlocked(id trust.DeviceID) *Unlocked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inUse[id]
}

// Get returns an unlocked device.
func (s *Store) Get(id trust.DeviceID) (*Unlocked, error) {
	if u := s.unlocked(id); u != nil {
		return u, nil
	}
	return nil, isLocked(id)
}

// Unlock opens a device and keeps it until it is locked. already says that it was unlocked before, and that the secret
// was not looked at. A new protection that opens is confirmed by that, and the old one ends.
func (s *Store) Unlock(ctx context.Context, id trust.DeviceID, with Secret) (u *Unlocked, already bool, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, false, err
	}
	defer s.end()
	if u := s.unlocked(id); u != nil {
		return u, true, nil
	}
	r, err := s.active(id)
	if err != nil {
		return nil, false, err
	}
	d, err := s.try(ctx, r, with)
	if err != nil {
		return nil, false, about(r.file.header(), err)
	}
	u, err = s.keep(d)
	if err != nil {
		d.Wipe()
		return nil, false, about(r.file.header(), err)
	}
	return u, false, nil
}

// try opens a device by its new protection, if one waits, else by the present one.
func (s *Store) try(ctx context.Context, r *record, with Secret) (*trust.LocalDevice, error) {
	if err := s.attempts.admit(); err != nil {
		return nil, err
	}
	var first error
	if r.pending != nil {
		d, err := s.opener.open(ctx, *r.pending, with)
		if err == nil {
			s.attempts.learn(nil)
			if err := s.promote(ctx, r); err != nil {
				s.log.LogAttrs(ctx, slog.LevelError, "device_protection_not_confirmed", slog.String("device", r.id().String()), slog.Any("error", err))
			}
			return d, nil
		}
		first = err
	}
	d, err := s.opener.open(ctx, r.file, with)
	if err != nil && first != nil && !errors.Is(err, ErrSecret) {
		err = first // the present protection cannot be tried: what is wrong with the new one counts
	}
	s.attempts.learn(err)
	return d, err
}

// keep takes the lock files and moves the secrets into locked memory.
func (s *Store) keep(d *trust.LocalDevice) (*Unlocked, error) {
	holds, err := s.hold(d.DeviceID)
	if err != nil {
		return nil, err
	}
	u, lockErr, err := unlock(d, holds, s.now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.closed {
		u.lock()
		return nil, &wire.Error{Status: wire.StatusBadState, Reason: "the agent is stopping", Err: ErrLocked}
	}
	if err != nil {
		for _, f := range holds {
			_ = f.Close()
		}
		return nil, fmt.Errorf("cannot map memory for a device: %w", err)
	}
	if lockErr != nil {
		s.log.Warn("an unlocked device is not locked in memory and may reach swap or a core dump; raise LimitMEMLOCK", "error", lockErr)
	}
	s.inUse[d.DeviceID] = u
	s.watch()
	return u, nil
}

// hold takes the lock files of a device in all places: in that of the original too for a device of our own, for it may
// still have a copy.
func (s *Store) hold(id trust.DeviceID) (held []*os.File, err error) {
	for _, p := range s.places {
		if _, err := os.Lstat(p.root); p.original && absent(err) {
			continue // the original was never here
		}
		f, e := p.hold(id)
		if errors.Is(e, unix.EWOULDBLOCK) {
			err = &wire.Error{
				Status: wire.StatusBadState, Reason: ErrInUse.Error(), Err: ErrInUse,
				Remedy: "end that program, or enrol a second device for it",
			}
			break
		}
		if e != nil {
			err = storage("the device's lock file cannot be taken", e)
			break
		}
		held = append(held, f)
	}
	if err != nil {
		for _, f := range held {
			_ = f.Close()
		}
		return nil, err
	}
	return held, nil
}

// Lock wipes an unlocked device when its uses have ended. It reports whether there was anything to wipe.
func (s *Store) Lock(id trust.DeviceID) bool {
	s.mu.Lock()
	u := s.inUse[id]
	delete(s.inUse, id)
	s.mu.Unlock()
	if u != nil {
		u.lock()
	}
	return u != nil
}

// LockAll wipes all unlocked devices, as at a log-out, and returns how many there were.
func (s *Store) LockAll() int {
	s.mu.Lock()
	all := s.inUse
	s.inUse = map[trust.DeviceID]*Unlocked{}
	s.mu.Unlock()
	for _, u := range all {
		u.lock()
	}
	return len(all)
}

// Close locks all devices for good.
func (s *Store) Close() {
	s.mu.Lock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	s.LockAll()
}

// watch sets the timer for the device that has been idle for longest. The caller holds mu.
func (s *Store) watch() {
	if s.options.Idle <= 0 || s.closed || len(s.inUse) == 0 {
		return
	}
	next := s.options.Idle
	for _, u := range s.inUse {
		next = min(next, s.options.Idle-u.idle())
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = time.AfterFunc(max(next, 0), s.lockIdle)
}

// lockIdle locks what nobody has used for too long.
func (s *Store) lockIdle() {
	s.mu.Lock()
	var idle []*Unlocked
	for id, u := range s.inUse {
		if u.idle() >= s.options.Idle {
			idle = append(idle, u)
			delete(s.inUse, id)
		}
	}
	s.watch()
	s.mu.Unlock()
	for _, u := range idle {
		u.lock()
		s.log.Info("device_locked_idle", "device", u.id.String())
	}
}
