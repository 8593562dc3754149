//go:build interop

package reference

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
)

// command is a command of the reference in a family, with the names of its classes: the request, and a reply for each status.
type command struct {
	Family  string   `json:"family"`
	Name    string   `json:"name"`
	Classes []string `json:"classes"`
}

// newer are commands that came after the reference.
var newer = []string{"authenticated_cmds cryptpad_register_session"}

// commands are the requests and replies of all commands in all their families; both sides must have the same.
func commands(t testing.TB, o *oracle) []subject {
	t.Helper()
	theirs := map[string][]string{}
	for _, c := range o.one(t, question{Op: "list_commands"}).List {
		theirs[c.Family+" "+c.Name] = c.Classes
	}
	all := []subject{}
	for _, c := range cloud.Commands() {
		for _, f := range c.Families {
			name := f.String() + "_cmds " + c.Name
			replies := slices.DeleteFunc(slices.Clone(theirs[name]), func(class string) bool { return class == "Req" })
			if len(replies) == 0 {
				if !slices.Contains(newer, name) {
					t.Errorf("the reference has no command %s", name)
				}
				continue
			}
			delete(theirs, name)
			all = append(all, requests(c, f, name), answers(c, f, name, replies))
		}
	}
	for name := range theirs {
		t.Errorf("only the reference has the command %s", name)
	}
	return all
}

// body is what requests and replies have in common: MessagePack alone.
func body(group, name string) subject {
	return subject{
		kind:    name,
		group:   group,
		bare:    true,
		sample:  sampleOf,
		written: bodyOf,
		mutate: func(d *draw, s sample) sample {
			s.data = d.mutateContent(s.data)
			s.content = s.data
			return s
		},
	}
}

// example is a value that a generator of rapid gives for a drawn seed.
func example[T any](d *draw, generate func(*rapid.T) T) T {
	return rapid.Custom(func(t *rapid.T) T {
		rapid.Bool().Draw(t, "something") // it wants something to be drawn, which a struct without fields does not
		return generate(t)
	}).Example(int(d.Uint32()))
}

func requests(c cloud.Command, f cloud.Family, name string) subject {
	s := body("requests of "+f.String(), name+" request")
	s.make = func(d *draw) sample {
		req := example(d, func(t *rapid.T) cloud.Request { return cloudtest.Request(t, c.Request) })
		return sample{data: must(cloud.EncodeRequest(req))}
	}
	s.made = func(seed uint64) question { return question{Op: "make_command", Kind: name, Class: "Req", Seed: seed} }
	s.read = func(in sample) ([]byte, error) {
		req, err := cloud.DecodeRequest(f, in.data)
		if err != nil {
			return nil, err
		}
		return canonical(must(cloud.EncodeRequest(req)))
	}
	s.ask = func(in sample) question { return in.question("read_request", name, nil) }
	return s
}

func answers(c cloud.Command, f cloud.Family, name string, classes []string) subject {
	s := body("replies of "+f.String(), name+" replies")
	s.least = max(len(classes), len(c.Replies))
	s.make = func(d *draw) sample {
		like := c.Replies[d.turn%len(c.Replies)]
		rep := example(d, func(t *rapid.T) cloud.Reply { return cloudtest.Reply(t, like) })
		return sample{data: must(cloud.EncodeReply(rep))}
	}
	s.made = func(seed uint64) question {
		return question{Op: "make_command", Kind: name, Class: classes[seed%uint64(len(classes))], Seed: seed}
	}
	decode := reflect.ValueOf(c.Request).MethodByName("DecodeReply")
	s.read = func(in sample) ([]byte, error) {
		out := decode.Call([]reflect.Value{reflect.ValueOf(in.data)})
		if err, ok := reflect.TypeAssert[error](out[1]); ok {
			return nil, err
		}
		rep, _ := reflect.TypeAssert[cloud.Reply](out[0])
		if u, ok := rep.(*cloud.UnknownStatus); ok {
			return unknown(u), nil
		}
		return canonical(must(cloud.EncodeReply(rep)))
	}
	s.written = func(a answer) ([]byte, error) {
		if a.Text != "" {
			return []byte(a.Text), nil
		}
		return bodyOf(a)
	}
	s.ask = func(in sample) question { return in.question("read_reply", name, nil) }
	return s
}

func bodyOf(a answer) ([]byte, error) {
	b, err := hex.DecodeString(a.Out)
	if err != nil {
		return nil, err
	}
	return canonical(b)
}

// unknown is a status that is not known, which the reference reads and does not write.
func unknown(u *cloud.UnknownStatus) []byte {
	reason := "nothing"
	if u.Reason != nil {
		reason = hex.EncodeToString([]byte(*u.Reason))
	}
	return fmt.Appendf(nil, "unknown status %x: %s", u.Name, reason)
}

// incomplete takes every field out of every class, one by one.
func (r *differential) incomplete(t *testing.T, s *subject) {
	t.Helper()
	samples, questions := []sample{}, []question{}
	for i := range max(1, s.least) {
		d := r.draw(s, uint64(i)<<40)
		d.turn = i
		content := s.make(d).data
		for _, less := range lessFields(content) {
			in := sample{data: less, content: less}
			samples, questions = append(samples, in), append(questions, s.ask(in))
		}
	}
	for i, a := range r.oracle.ask(t, questions...) {
		r.compare(t, s, samples[i], a, true)
	}
}

// lessFields returns a value without each of the fields of its structures.
func lessFields(content []byte) [][]byte {
	all := [][]byte{}
	root, _, err := parse(content)
	if err != nil {
		panic(err)
	}
	for _, n := range root.all() {
		for i := 0; n.isMap && i < len(n.kids); i += 2 {
			whole := n.kids
			n.kids = slices.Delete(slices.Clone(whole), i, i+2)
			all = append(all, root.write(nil))
			n.kids = whole
		}
	}
	return all
}
