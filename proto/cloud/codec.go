package cloud

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

//go:generate go run ../../trust/mpack/codecgen -alias -trust ../../trust .

// Request is a command.
type Request interface {
	// Command returns the name of the command on the wire.
	Command() string
	encode(w *mpack.Writer)
	decode(r *mpack.Reader)
}

// Reply is what a command is answered with.
type Reply interface {
	// Status returns the name of the status on the wire.
	Status() string
	encode(w *mpack.Writer)
}

// Command describes a command. What it has is empty, and not to be changed.
type Command struct {
	Name     string
	Families []Family
	Request  Request
	// Replies are all that are known, in the order of the specification.
	Replies []Reply
}

// Commands returns all commands by name.
func Commands() []Command { return commands }

// EncodeRequest returns the body of a request.
func EncodeRequest(req Request) ([]byte, error) { return encode("command "+req.Command(), req.encode) }

// EncodeReply returns the body of a reply.
func EncodeReply(rep Reply) ([]byte, error) { return encode("reply "+rep.Status(), rep.encode) }

// EncodeReplyInParts returns the body of a reply in parts that follow each other. They are in buf, which is grown where it must be and returned, and in the
// large byte strings of the reply: a block is not copied.
func EncodeReplyInParts(rep Reply, buf []byte) (parts [][]byte, grown []byte, err error) {
	w := mpack.InParts(buf)
	rep.encode(w)
	parts, grown, err = w.Parts()
	if err != nil {
		return nil, grown, fmt.Errorf("reply %s cannot be written: %w", rep.Status(), err)
	}
	return parts, grown, nil
}

func encode(what string, write func(*mpack.Writer)) ([]byte, error) {
	w := &mpack.Writer{}
	write(w)
	body, err := w.Result()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be written: %w", what, err)
	}
	return body, nil
}

// DecodeRequest reads a command of the family. What it returns has parts of the body.
func DecodeRequest(f Family, body []byte) (Request, error) {
	r := mpack.NewReader(body)
	name := r.Discriminant("cmd")
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("this is no command: %w", err)
	}
	req := newRequest(f, name)
	if req == nil {
		return nil, fmt.Errorf("%w: %q in family %s", ErrUnknownCommand, name, f)
	}
	req.decode(r)
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("command %s: %w", name, err)
	}
	return req, nil
}

func decodeReply[R Reply](body []byte, read func(*mpack.Reader) R) (R, error) {
	r := mpack.NewReader(body)
	rep := read(r)
	if err := r.End(); err != nil {
		return *new(R), fmt.Errorf("reply: %w", err)
	}
	return rep, nil
}

// UnknownStatus is a status that this version does not know.
type UnknownStatus struct {
	// Name is the status on the wire.
	Name string
	// Reason is what the server adds, for people; it is nil if the server adds nothing.
	Reason *string
}

// Status returns the name of the status on the wire.
func (u *UnknownStatus) Status() string { return u.Name }

var fieldsUnknownStatus = []mpack.Field{{Name: "status"}, {Name: "reason", Optional: true}}

func decodeUnknownStatus(r *mpack.Reader) *UnknownStatus {
	u := &UnknownStatus{}
	fields := r.Struct(fieldsUnknownStatus)
	for i := fields.Next(); i >= 0; i = fields.Next() {
		switch {
		case i == 0:
			u.Name = r.String(mpack.MaxName)
		case !r.Nil():
			reason := r.String(maxReason)
			u.Reason = &reason
		}
	}
	return u
}

func (u *UnknownStatus) encode(w *mpack.Writer) {
	n := 1
	if u.Reason != nil {
		n++
	}
	w.Map(n)
	w.String("status")
	w.String(u.Name)
	if u.Reason != nil {
		w.String("reason")
		w.String(*u.Reason)
	}
}
