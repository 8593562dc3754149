package ctl

import (
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/describe"
)

// inspectedView is the JSON form of one thing that inspect found, docs/formats/inspection.md. What the agent found has a state.
type inspectedView struct {
	describe.Item
	Source string           `json:"source,omitempty"` // of the arguments, if there are several
	Place  string           `json:"place,omitempty"`
	Type   string           `json:"type,omitempty"`
	State  string           `json:"state,omitempty"`
	Reason string           `json:"reason,omitempty"`
	Size   uint64           `json:"size,omitempty"`
	SHA256 string           `json:"sha256,omitempty"`
	Claims []describe.Field `json:"claims,omitempty"`
	arg    int
}

// inspection collects what is found.
type inspection struct {
	// names are what the arguments are called.
	names []string
	// inputs go to the agent; args are the arguments that they come from.
	inputs [][]byte
	args   []int
	views  []inspectedView
}

func (in *inspection) pass(arg int, input []byte) {
	in.inputs, in.args = append(in.inputs, input), append(in.args, arg)
}

func (in *inspection) wipe() {
	for _, input := range in.inputs {
		clear(input)
	}
}

func (in *inspection) add(arg int, v inspectedView) {
	v.arg = arg
	if len(in.names) > 1 {
		v.Source = in.names[arg]
	}
	if v.Fields == nil {
		v.Fields = []describe.Field{}
	}
	in.views = append(in.views, v)
}

// found adds what the agent says.
func (in *inspection) found(o *client.Inspected) {
	v := inspectedView{
		Item:  describe.Item{Kind: o.Kind, Fields: inspectedFields(o.Fields)},
		Place: o.Place, Type: o.Type, State: o.State, Reason: o.Reason, Size: o.Size, SHA256: hex.EncodeToString(o.Digest),
		Claims: inspectedFields(o.Claims),
	}
	if v.State == stateUnknown {
		v.Kind = stateUnknown
	}
	if o.Input < len(in.args) {
		in.add(in.args[o.Input], v)
	}
}

func inspectedFields(all []client.InspectedField) []describe.Field {
	var fields []describe.Field
	for _, f := range all {
		fields = append(fields, describe.Field(f))
	}
	return fields
}

// ordered returns everything in the order of the arguments.
func (in *inspection) ordered() []inspectedView {
	slices.SortStableFunc(in.views, func(a, b inspectedView) int { return a.arg - b.arg })
	return in.views
}

// States of objects that decide the exit status.
const (
	stateUnknown = "unknown"
	stateRefused = "refused"
)

// verdict is the error of what is not known, or the exit status of what is refused.
func (in *inspection) verdict() error {
	refused := false
	for i := range in.views {
		v := &in.views[i]
		if v.State == stateUnknown {
			return fmt.Errorf("cannot tell what %s is: %s", in.names[v.arg], v.Reason)
		}
		refused = refused || v.State == stateRefused
	}
	if refused {
		return &answered{ExitFailed}
	}
	return nil
}

func printInspected(w io.Writer, views []inspectedView) {
	for i := range views {
		if i > 0 {
			fmt.Fprintln(w)
		}
		views[i].print(w)
	}
}

func (v *inspectedView) print(w io.Writer) {
	t := newTable(w)
	t.row(v.Kind)
	for _, f := range v.facts() {
		t.row("  "+f.Name, f.Value)
	}
	for _, f := range v.Fields {
		t.row("  "+f.Name, f.Value)
	}
	// Each line says by itself that nobody verified it.
	for _, f := range v.Claims {
		t.row("  claims, not verified: "+f.Name, f.Value)
	}
	t.flush()
}

// facts are what is said about every object of workspaces.
func (v *inspectedView) facts() []describe.Field {
	size := ""
	if v.State != "" {
		size = fmt.Sprintf("%d bytes", v.Size)
	}
	all := []describe.Field{
		{Name: "source", Value: v.Source},
		{Name: "place", Value: v.Place},
		{Name: "type", Value: v.Type},
		{Name: "state", Value: v.State},
		{Name: "reason", Value: v.Reason},
		{Name: "size", Value: size},
		{Name: "sha256", Value: v.SHA256},
	}
	return slices.DeleteFunc(all, func(f describe.Field) bool { return f.Value == "" })
}
