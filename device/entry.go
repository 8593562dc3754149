package device

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// State is what a device is at.
type State string

// The states.
const (
	StateLocked   State = "locked"
	StateUnlocked State = "unlocked"
	// StateImporting waits for the program that had the device to give it up.
	StateImporting State = "importing"
	// StateExported belongs to another program now.
	StateExported State = "exported"
)

// Entry describes a device of a person. All but ID is for people to read: the files of the original client say it without
// proof, until the device is unlocked.
type Entry struct {
	ID           trust.DeviceID
	Organization trust.OrganizationID
	Server       trust.ServerAddress
	User         trust.UserID
	Human        trust.HumanHandle
	Label        trust.DeviceLabel
	// Created is when the device came to this machine, Protected when its protection was last changed.
	Created, Protected time.Time
	State              State
	Protection         Layers
	// Pending is the protection that waits for its confirmation, nil for none.
	Pending *Layers
	// InPlace says that the file is in the original client's directory.
	InPlace bool
}

// Layers says what opens a device file.
type Layers struct {
	Kind Kind
	// Code says that a one-time code is needed too.
	Code bool
	// Provider is the provider instance whose key takes part; empty for none.
	Provider string
}

func layersOf(p parsed) Layers {
	instance, _ := p.providerKey()
	return Layers{Kind: p.kind(), Code: p.code() != nil, Provider: instance}
}

// entry describes a record.
func (s *Store) entry(r *record) Entry {
	h := r.file.header()
	e := Entry{
		ID: h.DeviceID, Organization: h.OrganizationID, Server: h.Server, User: h.UserID, Human: h.HumanHandle, Label: h.DeviceLabel,
		Created: h.CreatedOn.Time(), Protected: h.ProtectedOn.Time(), State: StateLocked, Protection: layersOf(r.file), InPlace: r.place.original,
	}
	if r.pending != nil {
		l := layersOf(*r.pending)
		e.Pending = &l
	}
	switch {
	case r.stage == stageImporting:
		e.State = StateImporting
	case r.stage == stageExported:
		e.State = StateExported
	case s.unlocked(h.DeviceID) != nil:
		e.State = StateUnlocked
	}
	return e
}

// String names the device for people.
func (e *Entry) String() string { return e.Organization.String() + "/" + e.Label.String() }

// shortest is how many digits of an id are enough to try.
const shortest = 4

// Select finds the one device that a text means, as Fitting says. An empty text means the only device.
func Select(all []Entry, text string) (Entry, error) {
	found, err := Fitting(all, text)
	switch {
	case err != nil:
		return Entry{}, err
	case len(found) > 1:
		return Entry{}, ambiguous(text, found)
	default:
		return found[0], nil
	}
}

// Fitting returns the devices that a text fits, at least one: by id, else by organisation, label, both with a slash
// between, e-mail address or host of the server, else by the first digits of the id. An empty text fits all.
func Fitting(all []Entry, text string) ([]Entry, error) {
	fits := []func(*Entry) bool{
		func(e *Entry) bool { return text == e.ID.String() },
		func(e *Entry) bool {
			return slices.ContainsFunc([]string{
				e.Organization.String(), e.Label.String(), e.String(), e.Human.Email.String(), e.Server.Host(),
			}, func(name string) bool { return strings.EqualFold(name, text) })
		},
		func(e *Entry) bool {
			return len(text) >= shortest && strings.HasPrefix(e.ID.String(), strings.ToLower(text))
		},
	}
	if text == "" {
		fits = []func(*Entry) bool{func(*Entry) bool { return true }}
	}
	for _, fit := range fits {
		var found []Entry
		for i := range all {
			if fit(&all[i]) {
				found = append(found, all[i])
			}
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	if text == "" {
		return nil, &wire.Error{
			Status: wire.StatusDoesNotExist, Reason: "you have no device here", Err: ErrNotFound,
			Remedy: "parsecctl device import takes one of the original client",
		}
	}
	return nil, notFound(fmt.Sprintf("device %q", text))
}

func notFound(object string) error {
	return &wire.Error{Status: wire.StatusDoesNotExist, Object: object, Reason: ErrNotFound.Error(), Err: ErrNotFound, Remedy: "parsecctl device list"}
}

// ambiguous lists what fits.
func ambiguous(text string, found []Entry) error {
	const most = 10
	var named []string
	for i := range found[:min(len(found), most)] {
		named = append(named, fmt.Sprintf("%s (%s)", found[i].ID, found[i].String()))
	}
	if len(found) > most {
		named = append(named, fmt.Sprintf("and %d more", len(found)-most))
	}
	object := ""
	if text != "" {
		object = fmt.Sprintf("device %q", text)
	}
	return &wire.Error{
		Status: wire.StatusInvalidArgument, Object: object, Err: ErrAmbiguous,
		Reason: fmt.Sprintf("%d devices fit: %s", len(found), strings.Join(named, ", ")), Remedy: "name one by the first digits of its id, with --device",
	}
}
