package client

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
)

// Inspection asks what objects of workspaces are.
type Inspection struct {
	// Inputs are files, or addresses as texts.
	Inputs [][]byte
	// Root is the root key of an organisation in hexadecimal digits, or the organisation's address: certificates are judged.
	Root string
	// Key is the key of an author, of a device or in DER of a sequester authority: signatures are verified.
	Key []byte
	// User is whom certificates of shared recovery were given to.
	User string
	// Claims asks for everything that certificates claim which nobody could verify.
	Claims bool
}

// Inspected is one object of an input.
type Inspected struct {
	// Input is the index of the input, Place where in it the object is, empty if it is all of it.
	Input int
	Place string
	// Kind is for people, Type is what the type is called on the wire.
	Kind, Type string
	// State is "unsigned", "unverified", "signed", "verified", "refused" or "unknown"; Reason says why.
	State, Reason string
	Size          uint64
	// Digest is the SHA-256 of what is public.
	Digest []byte
	// Fields are as reliable as State says, Claims what an object that was not verified says of itself.
	Fields, Claims []InspectedField
}

// InspectedField is one fact about an object.
type InspectedField struct{ Name, Value string }

// Inspect has the agent say what objects are. It also returns as whom certificates of shared recovery were judged, if there were
// any. An object that is nothing known is a result, not an error.
func (c *Client) Inspect(ctx context.Context, r Inspection) (objects []Inspected, user string, err error) {
	q := call{op: agent.OpInspect, optional: true, needs: "inspection", in: &agentpb.Inspect{
		Inputs: r.Inputs, Root: r.Root, Key: r.Key, User: r.User, Claims: r.Claims,
	}}
	var m agentpb.InspectResult
	if err := c.do(ctx, q, &m); err != nil {
		return nil, "", err
	}
	for _, o := range m.GetObjects() {
		objects = append(objects, Inspected{
			Input: int(o.GetInput()), Place: o.GetPlace(), Kind: o.GetKind(), Type: o.GetType(), State: o.GetState(), Reason: o.GetReason(),
			Size: o.GetSize(), Digest: o.GetDigest(), Fields: inspectedFields(o.GetFields()), Claims: inspectedFields(o.GetClaims()),
		})
	}
	return objects, m.GetUser(), nil
}

func inspectedFields(all []*agentpb.InspectResult_Field) []InspectedField {
	var fields []InspectedField
	for _, f := range all {
		fields = append(fields, InspectedField{f.GetName(), f.GetValue()})
	}
	return fields
}
