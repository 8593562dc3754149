package pkcs11

import (
	"fmt"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// Selection says which token of a library is meant (docs/spec/parsec-service.md 6.3). The
// zero value means the only one.
type Selection struct {
	// Serial is the token's serial number; it counts more than the slot.
	Serial string
	// Slot is the slot's number, nil when not set.
	Slot *uint64
	// URI restricts the choice further; nil when not set.
	URI *URI
}

// choose returns the slot of the token that is meant, among slots that hold an initialised
// token. The warning is for a slot that the serial number overrules.
func (s Selection) choose(library string, slots []frame.Slot) (chosen frame.Slot, warning string, err error) {
	var tokens []frame.Slot
	for _, slot := range slots {
		if usable(slot) && s.URI.matches(slot) {
			tokens = append(tokens, slot)
		}
	}
	serial := strings.TrimSpace(s.Serial)
	for _, slot := range tokens {
		switch {
		case serial != "" && serialOf(slot) == serial:
			if s.Slot != nil && *s.Slot != slot.ID {
				warning = fmt.Sprintf("the token with serial number %q is in slot %d, not in %d as configured; the serial number counts", serial, slot.ID, *s.Slot)
			}
			return slot, warning, nil
		case serial == "" && s.Slot != nil && *s.Slot == slot.ID:
			return slot, "", nil
		case serial == "" && s.Slot == nil && len(tokens) == 1:
			return slot, "", nil
		}
	}
	return frame.Slot{}, "", s.refuse(library, slots, tokens)
}

func usable(s frame.Slot) bool {
	return s.Present && s.Result == ck.RVOK && s.Token.Flags&ck.FlagTokenInitialized != 0
}

func serialOf(s frame.Slot) string { return strings.TrimSpace(s.Token.Serial) }

// refuse says why no token was chosen, and what is there.
func (s Selection) refuse(library string, slots, tokens []frame.Slot) error {
	e := &wire.Error{Status: wire.StatusHardwareFailure}
	serial := strings.TrimSpace(s.Serial)
	there := describeAll(slots)
	switch {
	case len(slots) == 0:
		e.Reason = fmt.Sprintf("the PKCS#11 library %s has no slot", library)
		e.Remedy = "check that the reader is connected and pcscd runs, or, for a library with files, that the agent's user can read them"
	case serial != "":
		e.Reason = fmt.Sprintf("no token with serial number %q is present; %s has %s", serial, library, there)
		e.Remedy = "insert the token, or correct serial_number"
	case s.Slot != nil:
		e.Reason = fmt.Sprintf("no initialised token is in slot %d; %s has %s", *s.Slot, library, there)
		e.Remedy = "insert the token, or correct slot_number; serial_number is a better choice, for slots change their numbers"
	case s.URI != nil && len(tokens) == 0:
		e.Reason = fmt.Sprintf("no token matches the PKCS#11 URI %s; %s has %s", s.URI, library, there)
		e.Remedy = "insert the token, or correct the URI"
	case len(tokens) > 1:
		e.Reason = fmt.Sprintf("%d tokens are present and none is chosen; %s has %s", len(tokens), library, there)
		e.Remedy = "set serial_number to the one that is meant"
	case hasUninitialised(slots):
		e.Reason = fmt.Sprintf("no token is initialised; %s has %s", library, there)
		e.Remedy = "initialise the token with its vendor's tool, such as softhsm2-util --init-token --free --label NAME"
	default:
		e.Reason = fmt.Sprintf("no token is present; %s has %s", library, there)
		e.Remedy = "insert the token; if it is in its reader, check that pcscd runs"
	}
	return e
}

func hasUninitialised(slots []frame.Slot) bool {
	for _, s := range slots {
		if s.Present && s.Result == ck.RVOK && s.Token.Flags&ck.FlagTokenInitialized == 0 {
			return true
		}
	}
	return false
}

// describeAll lists slots for a message.
func describeAll(slots []frame.Slot) string {
	const most = 8
	var parts []string
	for _, s := range slots[:min(len(slots), most)] {
		parts = append(parts, fmt.Sprintf("slot %d: %s", s.ID, describeToken(s)))
	}
	if len(slots) > most {
		parts = append(parts, fmt.Sprintf("and %d more", len(slots)-most))
	}
	return strings.Join(parts, ", ")
}

func describeToken(s frame.Slot) string {
	switch {
	case !s.Present:
		return "empty"
	case s.Result != ck.RVOK:
		return "a token that cannot be read (" + s.Result.String() + ")"
	case s.Token.Flags&ck.FlagTokenInitialized == 0:
		return "a token that is not initialised"
	default:
		return fmt.Sprintf("token %q with serial number %q", cut(s.Token.Label), cut(serialOf(s)))
	}
}

// cut bounds what a library says in our messages.
func cut(s string) string { return s[:min(len(s), 64)] }
