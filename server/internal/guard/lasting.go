package guard

import "net/http"

// lasting is the response of a stream, which may go on when its handler has returned.
type lasting struct {
	http.ResponseWriter

	leave func()
	lasts bool
}

// Unwrap lets deadlines and flushes reach the connection.
func (l *lasting) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// Last has the stream counted until it has ended.
func (l *lasting) Last() (ended func(bytes int64)) {
	l.lasts = true
	leave := l.leave
	return func(int64) { leave() }
}

// end is called when the handler has returned.
func (l *lasting) end() {
	if !l.lasts {
		l.leave()
	}
}
