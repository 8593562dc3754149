package enrol

import (
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

//go:generate go run ../trust/mpack/codecgen -trust ../trust .

func decodeEntryID(r *mpack.Reader, v *EntryID) { r.Fixed(v[:]) }
func encodeEntryID(w *mpack.Writer, v *EntryID) { w.Bytes(v[:]) }
