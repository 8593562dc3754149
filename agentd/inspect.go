package agentd

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/inspect"
)

// decodeInspect says what objects of workspaces are. That one is nothing known, or refused, is a result, not an error.
func decodeInspect(r *request) (action, error) {
	m := &agentpb.Inspect{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(context.Context, *request) ([]byte, error) {
		q, err := inspection(m)
		if err != nil {
			return nil, err
		}
		found, err := inspect.Inspect(q)
		switch {
		case errors.Is(err, inspect.ErrLimit):
			return nil, wire.Errorf(wire.StatusBodySizeExceedsLimit, "%v", err)
		case err != nil:
			return nil, wire.Errorf(wire.StatusInvalidArgument, "%v", err)
		}
		return psa.Marshal(encodeInspection(found))
	}, nil
}

// inspection reads what the caller knows beside the objects.
func inspection(m *agentpb.Inspect) (inspect.Request, error) {
	q := inspect.Request{Inputs: m.GetInputs(), Key: m.GetKey(), Claims: m.GetClaims()}
	if len(q.Inputs) == 0 {
		return q, wire.Errorf(wire.StatusInvalidArgument, "nothing is to be inspected")
	}
	if text := m.GetRoot(); text != "" {
		root, err := inspect.ParseRoot(text)
		if err != nil {
			return q, wire.Errorf(wire.StatusInvalidArgument, "the root key: %v", err)
		}
		q.Root = &root
	}
	if text := m.GetUser(); text != "" {
		q.User = new(trust.UserID)
		if err := q.User.UnmarshalText([]byte(text)); err != nil {
			return q, wire.Errorf(wire.StatusInvalidArgument, "%v", err)
		}
	}
	return q, nil
}

func encodeInspection(r inspect.Result) *agentpb.InspectResult {
	m := &agentpb.InspectResult{}
	if r.User != nil {
		m.User = r.User.String()
	}
	for i := range r.Objects {
		o := &r.Objects[i]
		object := &agentpb.InspectResult_Object{
			Input: uint32(o.Input), Place: o.Place, Kind: o.Kind, Type: o.Type, State: string(o.State), Reason: o.Reason, //nolint:gosec // a number of inputs
			Size: uint64(o.Size), Fields: encodeFields(o.Fields), Claims: encodeFields(o.Claims), //nolint:gosec // a length
		}
		if o.Digest != nil {
			object.Digest = o.Digest[:]
		}
		m.Objects = append(m.Objects, object)
	}
	return m
}

func encodeFields(fields []inspect.Field) []*agentpb.InspectResult_Field {
	encoded := make([]*agentpb.InspectResult_Field, 0, len(fields))
	for _, f := range fields {
		encoded = append(encoded, &agentpb.InspectResult_Field{Name: f.Name, Value: f.Value})
	}
	return encoded
}
