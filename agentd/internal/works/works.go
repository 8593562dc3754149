package works

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Kind says what a work does.
type Kind string

// The kinds.
const (
	KindBootstrap Kind = "bootstrap"
	KindClaim     Kind = "claim"
	KindGreet     Kind = "greet"
)

func (k Kind) known() bool { return k == KindBootstrap || k == KindClaim || k == KindGreet }

// What bounds the works of one uid.
const (
	// MaxOpen is how many may not have ended.
	MaxOpen = 16
	// maxRecords is how many are remembered; the oldest that ended go first.
	maxRecords = 64
	// MaxAge is how long one that ended is remembered.
	MaxAge = 7 * 24 * time.Hour
	// Patience is how long a work may take.
	Patience = 24 * time.Hour
)

// Options are what Works are made of.
type Options struct {
	// Dir has the records; it is made when the first work begins.
	Dir string
	// Cancelled is the cause with which the context of a cancelled flow ends.
	Cancelled error
	Logger    *slog.Logger
	// Changed, which may be nil, is told of works that are in another state or ask another question. It does not block, and
	// calls nothing here.
	Changed func(*agentpb.Work)
	// Patience is how long a work may take, 0 for the constant.
	Patience time.Duration
}

// Works are those of one uid.
type Works struct {
	options Options
	now     func() time.Time
	flows   sync.WaitGroup
	ctx     context.Context //nolint:containedctx // of the flows, which outlive the requests that begin them
	stop    context.CancelCauseFunc

	mu     sync.Mutex // guards the fields below, and those of every work
	loaded bool
	closed bool
	all    map[string]*work
}

// work is one of them. Its fields are guarded by the mu of its Works.
type work struct {
	record   record
	flow     *flow // while it runs
	waits    *failed
	step     uint32
	question *agentpb.Question
	take     func(Given) error
	answered chan struct{} // closed when the question is answered
	number   uint32
	notices  []*agentpb.Notice
	changed  chan struct{} // closed at the next change
	told     told
}

// told is of what Options.Changed was told last.
type told struct {
	state State
	step  uint32
}

// errStopping is with what a flow ends when the agent stops.
var errStopping = errors.New("the agent is stopping")

// New returns works. It reads and makes nothing yet.
func New(o Options) *Works {
	if o.Patience == 0 {
		o.Patience = Patience
	}
	w := &Works{options: o, now: time.Now, all: map[string]*work{}}
	w.ctx, w.stop = context.WithCancelCause(context.Background())
	return w
}

// Close ends all flows, which go on at the next start as far as they can, and waits for them.
func (w *Works) Close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.stop(errStopping)
	w.flows.Wait()
}

// load reads the records once. What cannot be read is left where it is. The caller holds mu.
func (w *Works) load() error {
	if w.loaded {
		return nil
	}
	dir, err := durable.Open(w.options.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		w.loaded = true
		return nil
	}
	if err != nil {
		return storage(err)
	}
	defer dir.Close()
	names, err := dir.Names()
	if err != nil {
		return storage(err)
	}
	slices.Sort(names)
	for _, name := range names {
		id, ours := strings.CutSuffix(name, suffix)
		if _, temporary := durable.Leftover(name); !ours || temporary || len(w.all) >= maxRecords+MaxOpen {
			continue
		}
		r, err := readRecord(dir, name)
		if err == nil && r.ID != id {
			err = fmt.Errorf("%w: it has the name of another", errRecord)
		}
		if err != nil {
			w.options.Logger.Warn("work_unreadable", "file", name, "error", err)
			continue
		}
		w.all[id] = &work{record: *r, changed: make(chan struct{}), waits: restarted()}
	}
	w.loaded = true
	w.sweep()
	return nil
}

// suffix ends the names of records.
const suffix = ".json"

func readRecord(dir *durable.Dir, name string) (*record, error) {
	f, err := dir.OpenFile(name)
	if err != nil {
		return nil, err
	}
	b, err := f.Read(maxRecord)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return decodeRecord(b)
}

func restarted() *failed {
	return &failed{
		Status: uint16(wire.StatusBadState), Reason: "the agent was started again meanwhile",
		Remedy: "repeat the command that began it, which goes on where it ended",
	}
}

func storage(err error) error {
	return &wire.Error{
		Status: wire.StatusStorageFailure, Reason: "the records of works cannot be read or written", Err: err,
		Remedy: "see to the disk of the state directory; the log has the cause",
	}
}

// store writes the record of a work. The caller holds mu.
func (w *Works) store(r *record) error {
	b, err := r.encode()
	if err != nil {
		return err
	}
	if err := durable.MakeAll(w.options.Dir); err != nil {
		return storage(err)
	}
	dir, err := durable.Open(w.options.Dir)
	if err != nil {
		return storage(err)
	}
	defer dir.Close()
	if err := dir.Replace(r.ID+suffix, b); err != nil {
		return storage(err)
	}
	return nil
}

// forget removes the record of a work. The caller holds mu.
func (w *Works) forget(id string) error {
	dir, err := durable.Open(w.options.Dir)
	if err != nil {
		return storage(err)
	}
	defer dir.Close()
	if err := dir.Remove(id + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storage(err)
	}
	if one := w.all[id]; one != nil {
		delete(w.all, id)
		w.changed(one)
	}
	return nil
}

// sweep forgets works that ended long ago, and ends those whose deadline has passed. The caller holds mu.
func (w *Works) sweep() {
	now := w.now()
	var ended []*work
	for _, one := range w.all {
		if !one.record.ended() && one.flow == nil && milliseconds(now) > one.record.Deadline {
			w.end(one, nil, expired(), false)
		}
		if one.record.ended() {
			ended = append(ended, one)
		}
	}
	slices.SortFunc(ended, func(a, b *work) int { return int(max(-1, min(1, b.record.Ended-a.record.Ended))) })
	for i, one := range ended {
		if i < maxRecords-MaxOpen && milliseconds(now)-one.record.Ended < MaxAge.Milliseconds() {
			continue
		}
		if err := w.forget(one.record.ID); err != nil {
			w.options.Logger.Warn("work_not_forgotten", "work", one.record.ID, "error", err)
		}
	}
}

func expired() error {
	return &wire.Error{Status: wire.StatusBadState, Reason: "its time was over before it came to an end", Remedy: "begin it again"}
}

func newID() string {
	var b [idSize]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// changed wakes who watches. The caller holds mu.
func (w *Works) changed(one *work) {
	close(one.changed)
	one.changed = make(chan struct{})
	now := told{one.state(), one.step}
	if one.told != now && w.options.Changed != nil {
		one.told = now
		w.options.Changed(one.message())
	}
}
