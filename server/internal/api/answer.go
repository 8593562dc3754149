package api

import (
	"errors"
	"net/http"
	"strconv"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
)

// errGone ends a request whose client does not listen any more: it asks again.
var errGone = errors.New("the client has gone")

// maxAnswer is how large the memory of an answer is at most that is kept for another.
const maxAnswer = 1 << 20

// answers is memory of answers that were sent.
var answers = sync.Pool{New: func() any { return new([]byte) }}

// answer sends a reply. Memory is used again only when all of it went out: a connection that broke may still read from it.
func answer(w http.ResponseWriter, rep cloud.Reply) error {
	kept, ok := answers.Get().(*[]byte)
	if !ok {
		kept = new([]byte)
	}
	parts, buf, err := cloud.EncodeReplyInParts(rep, *kept)
	if err != nil {
		return err
	}
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	h := w.Header()
	h["Api-Version"] = versionHeader
	h["Content-Type"] = msgpackHeader
	h["Content-Length"] = []string{strconv.Itoa(size)}
	for _, p := range parts {
		if _, err := w.Write(p); err != nil { //nolint:gosec // MessagePack, and said to be
			return errGone
		}
	}
	clear(buf) // there are replies with secrets
	if cap(buf) <= maxAnswer {
		*kept = buf
		answers.Put(kept)
	}
	return nil
}

// Values of headers that are always the same, which nobody changes.
var (
	versionHeader = []string{served.String()}
	msgpackHeader = []string{cloud.ContentMsgpack}
)
