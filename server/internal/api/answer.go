package api

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
)

// errGone ends a request whose client does not listen any more: it asks again.
var errGone = errors.New("the client has gone")

// maxAnswer is how large the memory of an answer is at most that is kept for another.
const maxAnswer = 1 << 20

// answers is memory of answers that were sent.
var answers = sync.Pool{New: func() any { return new([]byte) }}

// answer sends a reply. Memory is used again only when all of it went out: a connection that broke may still read from it.
func (a *API) answer(w http.ResponseWriter, c *rules.Call, rep cloud.Reply) error {
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
		if err := a.send(w, c, p); err != nil {
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

// send sends a part of a reply. When a block cannot be read to its end the client sees that the answer has ended too early.
func (a *API) send(w http.ResponseWriter, c *rules.Call, part []byte) (err error) {
	content := c.Sent(part)
	if content == nil {
		_, err = w.Write(part) //nolint:gosec // MessagePack, and said to be
		return err
	}
	if _, err = content.WriteTo(w); errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, unix.EIO) {
		a.Log.Error("a block cannot be read", "organization", c.Organization.String(), "error", err)
	}
	return err
}

// Values of headers that are always the same, which nobody changes.
var (
	versionHeader = []string{served.String()}
	msgpackHeader = []string{cloud.ContentMsgpack}
)
