package tpm

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// The bits of a response code.
const (
	rcLayer     uint32 = 0x00ff0000 // who answers, 0 for the TPM itself
	rcNumber    uint32 = 0x00000f00 // of a parameter, handle or session in format 1
	rcVendor    uint32 = 0x00000400 // in format 0
	rcFormat1   uint32 = 0x00000080
	rcParameter uint32 = 0x00000040 // in format 1
)

// position is what the number in a response code of format 1 points at; n is 0 where it
// points at nothing.
type position struct {
	kind string // "parameter", "handle" or "session"
	n    int
}

func (p position) String() string {
	if p.n == 0 {
		return ""
	}
	return fmt.Sprintf("%s %d", p.kind, p.n)
}

// canonical returns the code without layer and numbers, as codes has it, and what the
// number points at.
func canonical(rc tpm2.TPMRC) (tpm2.TPMRC, position) {
	bits := uint32(rc) &^ rcLayer
	if bits&rcFormat1 == 0 {
		return tpm2.TPMRC(bits), position{}
	}
	n := int(bits & rcNumber >> 8)
	bare := tpm2.TPMRC(bits &^ (rcNumber | rcParameter))
	switch {
	case bits&rcParameter != 0:
		return bare, position{"parameter", n}
	case n > 8:
		return bare, position{"session", n - 8}
	case n < 8:
		return bare, position{"handle", n}
	default:
		return bare, position{}
	}
}

// fault is a command that the TPM refused.
type fault struct {
	command tpm2.TPMCC
	rc      tpm2.TPMRC
	// part is the name of the parameter or handle that the code points at, if it does.
	part string
}

// refusal makes a fault of what the TPM answered to a command.
func refusal(cmd interface{ Command() tpm2.TPMCC }, rc tpm2.TPMRC) *fault {
	_, where := canonical(rc)
	return &fault{cmd.Command(), rc, where.name(cmd)}
}

// name returns what the specification calls that part of a command: the library's commands
// have its handles and parameters as fields, in order.
func (p position) name(cmd any) string {
	t := reflect.TypeOf(cmd)
	n := 0
	for f := range t.Fields() {
		if handle := strings.Contains(f.Tag.Get("gotpm"), "handle"); handle != (p.kind == "handle") || p.kind == "session" {
			continue
		}
		if n++; n == p.n {
			return strings.ToLower(f.Name[:1]) + f.Name[1:]
		}
	}
	return ""
}

func (f *fault) is(rc ...tpm2.TPMRC) bool {
	bare, _ := canonical(f.rc)
	return slices.Contains(rc, bare)
}

// known returns what we know of the fault's code.
func (f *fault) known() code {
	bare, _ := canonical(f.rc)
	if c, ok := codes[bare]; ok {
		return c
	}
	if bits := uint32(bare); bits&rcFormat1 == 0 && bits&rcVendor != 0 {
		return code{fmt.Sprintf("response code 0x%x", uint32(f.rc)), "an error of the TPM's vendor", wire.StatusHardwareFailure, "look the code up in the vendor's documents"}
	}
	return code{fmt.Sprintf("response code 0x%x", uint32(f.rc)), "an unknown error", wire.StatusCommunicationFailure, remedyReport}
}

// Error returns `TPM2_Sign: TPM_RC_SCHEME (parameter 2: inScheme): scheme not supported or not compatible`.
func (f *fault) Error() string {
	c := f.known()
	var notes []string
	if _, where := canonical(f.rc); where.n > 0 && f.part != "" {
		notes = append(notes, where.String()+": "+f.part)
	} else if where.n > 0 {
		notes = append(notes, where.String())
	}
	if uint32(f.rc)&rcLayer != 0 {
		notes = append(notes, "from the resource manager")
	}
	name := c.name
	if len(notes) > 0 {
		name += " (" + strings.Join(notes, ", ") + ")"
	}
	return fmt.Sprintf("%s: %s: %s", commandName(f.command), name, c.meaning)
}

// status returns the error for the caller.
func (f *fault) status() *wire.Error {
	c := f.known()
	return &wire.Error{Status: c.status, Reason: f.Error(), Remedy: c.remedy, Err: f}
}
