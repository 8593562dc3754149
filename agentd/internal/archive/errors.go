package archive

import (
	"errors"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// ErrPassphrase says that an archive was not encrypted to the passphrase given.
var ErrPassphrase error = &wire.Error{
	Status: wire.StatusNotPermitted, Object: objectArchive, Reason: "the passphrase is wrong",
}

const objectArchive = "archive"

// damaged returns an error about an archive that is refused for what it is.
func damaged(format string, args ...any) error {
	err := wire.Errorf(wire.StatusDataCorrupt, format, args...)
	err.Object = objectArchive
	return err
}

// ageError translates an error of age: about the passphrase, or about the file.
func ageError(err error) error {
	if no, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		if slices.Contains(no.StanzaTypes, "scrypt") {
			return ErrPassphrase
		}
		return damaged("it is not encrypted to a passphrase")
	}
	if own, ok := errors.AsType[*wire.Error](err); ok {
		return own
	}
	const most = 200
	reason := err.Error()
	if len(reason) > most {
		reason = reason[:most] + "…"
	}
	e := wire.Errorf(wire.StatusDataCorrupt, "it is damaged or no age file: %s", strings.ToValidUTF8(reason, "�"))
	e.Object, e.Err = objectArchive, err
	return e
}
