// Package inspect says what an object of workspaces is, as far as anybody can read it: addresses, certificates, device files, payloads of
// an enrolment. It is for people who debug and for auditors.
//
// What it says of an object has a State, which tells what vouches for it. Fields are what is true of the bytes (unsigned), or was
// verified; Claims are what an object that nobody verified says of itself. Nothing is ever in both. Secrets are not shown: tokens
// only as present, what is encrypted by length and digest, and objects that hold keys in the clear only by their type. Texts are safe
// for a terminal.
//
// Input, the number of objects and the answer are bounded. All is pure and may be used by several goroutines at once.
package inspect

import (
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/internal/show"
)

// Bounds of one inspection.
const (
	// MaxInput is how many bytes are looked at.
	MaxInput = 1 << 20
	// MaxObjects is how many objects they may hold.
	MaxObjects = 4096
	// maxPlain bounds what all objects decompress to.
	maxPlain = trust.MaxSize
	// maxAnswer bounds the texts of the answer.
	maxAnswer = 8 << 20
)

// ErrLimit is what an input beyond the bounds gives.
var ErrLimit = errors.New("it is more than is inspected at once")

// Request is what is to be inspected, and what is known beside it.
type Request struct {
	// Inputs are files, or addresses.
	Inputs [][]byte
	// Root is the key that all trust in the organisation begins with: certificates are judged.
	Root *trust.VerifyKey
	// User is whom certificates of shared recovery were given to; without, whom the first of them says.
	User *trust.UserID
	// Key is the key of an author, who must have signed: the VerifyKey of a device, or the key of a sequester authority in DER.
	Key []byte
	// Claims asks for everything that certificates claim which nobody could verify.
	Claims bool
}

// State is what vouches for an object.
type State string

// States.
const (
	// Unsigned: nothing does. Anybody can have written it.
	Unsigned State = "unsigned"
	// Unverified: it is signed, and the signature was not looked at, for the key is not known.
	Unverified State = "unverified"
	// Signed: the signature is good under the key that was given. Whether its owner was allowed to was not looked at.
	Signed State = "signed"
	// Verified: it holds, from the root key on.
	Verified State = "verified"
	// Refused: it does not hold.
	Refused State = "refused"
	// Unknown: it is nothing that is known here.
	Unknown State = "unknown"
)

// Field is one fact.
type Field = show.Field

// Object is one object of an input.
type Object struct {
	// Input is the index of the input, Place where in it the object is, empty if it is all of it.
	Input int
	Place string
	// Kind says what it is, for people; Type is what the type is called on the wire.
	Kind, Type string
	State      State
	// Reason says why it is in this state.
	Reason string
	// Size is its length; Digest is there if it is public.
	Size   int
	Digest *trust.HashDigest
	// Fields can be relied on as far as State says; Claims are what an unverified object says.
	Fields, Claims []Field
}

// Result is what was found, in the order of the inputs.
type Result struct {
	Objects []Object
	// User is as whom certificates of shared recovery were judged, if there were any.
	User *trust.UserID
}

// Inspect looks at everything. An input that is nothing known is an object with the state Unknown, not an error.
func Inspect(r Request) (Result, error) {
	w := &work{claims: r.Claims}
	total := 0
	for _, input := range r.Inputs {
		if total += len(input); total > MaxInput {
			return Result{}, fmt.Errorf("%w: %d bytes", ErrLimit, MaxInput)
		}
	}
	for i, input := range r.Inputs {
		w.input = i
		w.open(input)
		if w.err != nil {
			return Result{}, w.err
		}
	}
	result := Result{User: r.User}
	if err := w.judge(r, &result); err != nil {
		return Result{}, err
	}
	result.Objects = w.objects
	return result, w.fits()
}

// work is one inspection.
type work struct {
	claims  bool
	input   int
	objects []Object
	// signed are the objects that wait for a verdict.
	signed []pending
	plain  int
	err    error
}

// pending is a certificate without a verdict: index is its place among the objects.
type pending struct {
	index  int
	data   []byte
	claims trust.Claims
}

// add adds an object, which is at work's input.
func (w *work) add(o Object) {
	o.Input = w.input
	if len(w.objects) == MaxObjects {
		w.fail("objects", MaxObjects)
		return
	}
	w.objects = append(w.objects, o)
}

func (w *work) fail(what string, limit int) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %d %s", ErrLimit, limit, what)
	}
}

// unpacked counts what an object decompressed to.
func (w *work) unpacked(size int) {
	if w.plain += size; w.plain > maxPlain {
		w.fail("bytes when decompressed", maxPlain)
	}
}

// fits compares the answer with its bound.
func (w *work) fits() error {
	size := 0
	for i := range w.objects {
		o := &w.objects[i]
		size += len(o.Reason) + len(o.Place) + len(o.Kind) + len(o.Type)
		for _, fields := range [][]Field{o.Fields, o.Claims} {
			for _, f := range fields {
				size += len(f.Name) + len(f.Value)
			}
		}
	}
	if size > maxAnswer {
		return fmt.Errorf("%w: an answer of %d bytes", ErrLimit, maxAnswer)
	}
	return nil
}
