package stream

import "net/http"

// Source is what a stream tells.
type Source interface {
	// Next takes the frame that is to be sent next, empty if none waits; over says that none will.
	Next() (frame string, over bool)
	// Notify has wake called from now on whenever Next has something new to say.
	Notify(wake func())
	// Close ends it.
	Close()
}

// Lasting is a writer around another that must know of a response that goes on after its handler has returned.
type Lasting interface {
	http.ResponseWriter
	// Last says that this one does, and returns what to call, once, when it has ended, with the bytes of its body.
	Last() (ended func(bytes int64))
}

// last tells all writers around a response that it goes on.
func last(w http.ResponseWriter) (ended []func(bytes int64)) {
	for {
		if l, ok := w.(Lasting); ok {
			ended = append(ended, l.Last())
		}
		around, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return ended
		}
		w = around.Unwrap()
	}
}
