package client

import (
	"context"
	"os"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// call is one request.
type call struct {
	op       wire.Opcode
	provider wire.ProviderID
	anyone   bool   // carries no authentication
	optional bool   // carries authentication if there is one
	once     bool   // must not be repeated unless it is certain that it was not seen
	patient  bool   // its frames come when something happens: no bound on the wait but the context
	object   string // what it is about, for errors
	in       proto.Message
	ext      *agentpb.Extension
	needs    string   // what it needs this agent for; empty: the original will do
	pass     *os.File // goes beside the request
}

// do makes one request with an answer of one frame; out may be nil.
func (s *shared) do(ctx context.Context, q call, out proto.Message) error {
	p, err := s.prepare(ctx, q)
	if err != nil {
		return err
	}
	defer p.wipe()
	attempt := func(l *lease) error {
		answer, reply, err := l.ask(p)
		if err == nil && answer.Flags&wire.FlagMore != 0 {
			err = l.nonsense("an answer of one frame announces more")
		}
		if err != nil || out == nil {
			return err
		}
		if psa.Unmarshal(reply, out) != nil {
			return l.nonsense("the result of " + agent.Name(q.op) + " cannot be decoded")
		}
		return nil
	}
	again, err := s.lease(ctx, false, q, attempt)
	if again {
		_, err = s.lease(ctx, true, q, attempt)
	}
	return err
}

// prepared is a request ready to be sent.
type prepared struct {
	call
	header     wire.Header
	body, auth []byte
}

func (p *prepared) wipe() {
	clear(p.body)
	clear(p.auth)
}

func (s *shared) prepare(ctx context.Context, q call) (*prepared, error) {
	p := &prepared{call: q, header: wire.Header{Provider: q.provider, Opcode: q.op}}
	if !q.anyone {
		id, err := s.identity(ctx)
		if err != nil && !q.optional {
			return nil, err
		}
		if err == nil {
			p.header.AuthType = id.kind
		}
		if err == nil && id.field != nil {
			if p.auth, err = id.field(ctx); err != nil {
				return nil, err
			}
		}
	}
	if len(p.auth) > wire.MaxAuthLen {
		return nil, wire.Errorf(wire.StatusAuthenticationError,
			"the authentication field has %d bytes, the protocol allows %d", len(p.auth), wire.MaxAuthLen)
	}
	var err error
	p.body, err = q.marshal()
	return p, err
}

// marshal encodes the message and, behind it, the extension: fields of one body.
func (q *call) marshal() ([]byte, error) {
	var body []byte
	if q.in != nil {
		var err error
		if body, err = psa.Marshal(q.in); err != nil {
			return nil, err
		}
	}
	if q.ext == nil {
		return body, nil
	}
	ext, err := psa.Marshal(q.ext)
	if err != nil {
		return nil, err
	}
	whole := append(make([]byte, 0, len(body)+len(ext)), body...)
	clear(body)
	return append(whole, ext...), nil
}
