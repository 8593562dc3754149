package stream

import (
	"context"
	"io"
	"net/http"
	"time"
)

// answer is a stream that its handler sends itself.
func answer(ctx context.Context, w http.ResponseWriter, s Source, o *Options) {
	woken := make(chan struct{}, 1)
	s.Notify(func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	control := http.NewResponseController(w)
	if !send(control, w, o.First...) {
		return
	}
	silence := make(<-chan time.Time)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if o.KeepAlive > 0 {
			timer.Reset(o.KeepAlive)
			silence = timer.C
		}
		frame, over := next(ctx, s, woken, silence, o.Alive)
		if over || !send(control, w, frame) {
			return
		}
	}
}

// next waits for a frame; over says that none comes.
func next(ctx context.Context, s Source, woken <-chan struct{}, silence <-chan time.Time, alive string) (frame string, over bool) {
	for {
		if frame, over = s.Next(); frame != "" || over {
			return frame, over
		}
		select {
		case <-woken:
		case <-silence:
			return alive, false
		case <-ctx.Done():
			return "", true
		}
	}
}

func send(control *http.ResponseController, w http.ResponseWriter, frames ...string) bool {
	_ = control.SetWriteDeadline(time.Now().Add(frameTime)) // a connection without deadlines is one of a test
	for _, f := range frames {
		if _, err := io.WriteString(w, f); err != nil {
			return false
		}
	}
	return control.Flush() == nil
}
