//go:build cgo

package module

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

const (
	// maxCalls bounds the requests at work; more wait unread.
	maxCalls = 256
	// grace is how long calls may take to end when the agent is gone.
	grace = time.Second
)

// server serves one agent.
type server struct {
	conn io.ReadWriter
	done <-chan struct{} // ends the watchers

	write sync.Mutex // one frame at a time
	calls sync.WaitGroup
	slots chan struct{} // one token for each call at work

	mu       sync.Mutex // guards the fields below
	library  *library
	watching map[uint64]bool
}

// Serve answers the requests on conn until the agent closes it, which is the orderly end
// and returns nil.
func Serve(ctx context.Context, conn io.ReadWriter) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &server{conn: conn, done: ctx.Done(), slots: make(chan struct{}, maxCalls), watching: map[uint64]bool{}}
	ended := make(chan error, 1)
	go s.read(bufio.NewReader(conn), ended)
	err := <-ended
	cancel()
	s.end()
	return err
}

// read takes a request and does its call itself, while another goroutine reads on: handing
// the request over instead would cost a switch for each.
func (s *server) read(in *bufio.Reader, ended chan<- error) {
	b, err := frame.Read(in)
	if errors.Is(err, io.EOF) {
		ended <- nil
		return
	}
	var r *frame.Request
	if err == nil {
		r, err = frame.DecodeRequest(b)
	}
	if err != nil {
		ended <- fmt.Errorf("cannot read a request: %w", err)
		return
	}
	s.slots <- struct{}{}
	s.calls.Add(1)
	go s.read(in, ended)
	defer s.calls.Done()
	s.answer(r, s.call(r))
	clear(b)
	<-s.slots
}

// end waits for calls a little and finalizes the library. With a call that does not end,
// finalizing is not safe; the process ends anyway.
func (s *server) end() {
	ended := make(chan struct{})
	go func() {
		s.calls.Wait()
		if l := s.loaded(); l != nil {
			l.finalize()
		}
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(grace):
	}
}

func (s *server) loaded() *library {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.library
}

// answer sends a response. When the agent is gone, read finds out.
func (s *server) answer(r *frame.Request, out *frame.Response) {
	out.ID = r.ID
	b, err := out.Append(nil)
	if err != nil {
		b, _ = (&frame.Response{ID: r.ID, Text: err.Error()}).Append(nil)
	}
	clear(out.Data)
	s.send(b)
	clear(b)
}

func (s *server) send(b []byte) {
	s.write.Lock()
	defer s.write.Unlock()
	_, _ = s.conn.Write(b)
}

// call does what a request asks and describes what went wrong.
func (s *server) call(r *frame.Request) *frame.Response {
	out := &frame.Response{}
	if err := s.do(r, out); err != nil {
		return describe(err)
	}
	return out
}

// describe returns the response that tells an error. One without result and text would be
// a success.
func describe(err error) *frame.Response {
	if f, ok := errors.AsType[*failure](err); ok && f.result != ck.RVOK {
		return &frame.Response{Function: f.function, Result: f.result}
	}
	text := err.Error()
	if text == "" {
		text = "an error without a text"
	}
	return &frame.Response{Text: text}
}

func (s *server) do(r *frame.Request, out *frame.Response) error {
	if r.Op == frame.OpLoad {
		return s.load(r, out)
	}
	l := s.loaded()
	if l == nil {
		return &failure{"C_Initialize", ck.RVCryptokiNotInitialized}
	}
	if r.Op == frame.OpWatch {
		s.watch(l, r.Slot)
		return nil
	}
	return l.do(r, out)
}

var errVersion = errors.New("agent and parsec-pkcs11-helper are of different builds")

// load loads the library, once.
func (s *server) load(r *frame.Request, out *frame.Response) error {
	if out.Count = frame.Version; r.Count != frame.Version {
		return errVersion
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.library != nil {
		return &failure{"C_Initialize", ck.RVCryptokiAlreadyInitialized}
	}
	l, err := load(string(r.Data), r.Flags&frame.FlagSingle != 0)
	if err != nil {
		return err
	}
	s.library = l
	info, err := l.ctx.GetInfo()
	out.Data = fmt.Appendf(nil, "%s (%s) %d.%d", info.LibraryDescription, info.ManufacturerID, info.LibraryVersion.Major, info.LibraryVersion.Minor)
	return failed("C_GetInfo", err)
}

// poll is how often a watched slot is looked at.
const poll = 500 * time.Millisecond

// look returns the slot as it is now. Some libraries look at their readers only when the
// list of slots is asked for.
func (l *library) look(slot uint64) frame.Slot {
	defer l.turn()()
	_, _ = l.ctx.GetSlotList(false)
	now, _ := l.slot(uint(slot)) // what fails is told by the slot
	return now
}

// watch sends an event when the token of a slot comes, goes or changes.
func (s *server) watch(l *library, slot uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watching[slot] {
		return
	}
	s.watching[slot] = true
	go func() {
		tick := time.NewTicker(poll)
		defer tick.Stop()
		last := l.look(slot)
		for {
			select {
			case <-s.done:
				return
			case <-tick.C:
			}
			if now := l.look(slot); now != last {
				last = now
				if b, err := (&frame.Response{Slots: []frame.Slot{now}}).Append(nil); err == nil {
					s.send(b)
				}
			}
		}
	}()
}
