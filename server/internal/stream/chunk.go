package stream

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// lastChunk ends a response: without it the listener knows that something is missing.
const lastChunk = "0\r\n\r\n"

// maxKept is how large the memory of a chunk is at most that is kept for another.
const maxKept = 64 << 10

// chunks is memory of chunks that were sent.
var chunks = sync.Pool{New: func() any { return new([]byte) }}

func appendChunk(b []byte, content string) []byte {
	b = strconv.AppendUint(b, uint64(len(content)), 16)
	b = append(b, "\r\n"...)
	b = append(b, content...)
	return append(b, "\r\n"...)
}

// head is the head of a response in chunks, after which the connection is closed.
func head(h http.Header) string {
	b := strings.Builder{}
	b.WriteString("HTTP/1.1 200 OK\r\n")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	h.Set("Transfer-Encoding", "chunked")
	h.Set("Connection", "close")
	_ = h.Write(&b) // memory takes everything
	b.WriteString("\r\n")
	return b.String()
}
