package trust

import (
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// ArchivingState says whether a realm is in use.
type ArchivingState uint8

// States of a realm.
const (
	Available ArchivingState = iota + 1
	Archived
	DeletionPlanned
)

// ArchivingConfiguration is the state of a realm; DeletionDate counts if deletion is planned.
type ArchivingConfiguration struct {
	State        ArchivingState
	DeletionDate DateTime
}

var archivingNames = names{"AVAILABLE", "ARCHIVED", "DELETION_PLANNED"}

// String returns the state, and when a realm is to be deleted.
func (c ArchivingConfiguration) String() string {
	s := archivingNames.text(uint8(c.State))
	if c.State == DeletionPlanned {
		s += " " + c.DeletionDate.String()
	}
	return s
}

//codec:map AVAILABLE
type available struct{}

//codec:map ARCHIVED
type archived struct{}

//codec:map DELETION_PLANNED
type deletionPlanned struct {
	DeletionDate DateTime `mp:"deletion_date"`
}

func decodeArchivingConfiguration(r *mpack.Reader, v *ArchivingConfiguration) {
	switch kind := r.Discriminant("type"); kind {
	case "AVAILABLE":
		decodeAvailable(r, &available{})
		v.State = Available
	case "ARCHIVED":
		decodeArchived(r, &archived{})
		v.State = Archived
	case "DELETION_PLANNED":
		planned := deletionPlanned{}
		decodeDeletionPlanned(r, &planned)
		*v = ArchivingConfiguration{State: DeletionPlanned, DeletionDate: planned.DeletionDate}
	default:
		unknownVariant(r, "archiving configuration", kind)
	}
}

func encodeArchivingConfiguration(w *mpack.Writer, v *ArchivingConfiguration) {
	switch v.State {
	case Available:
		encodeAvailable(w, &available{})
	case Archived:
		encodeArchived(w, &archived{})
	case DeletionPlanned:
		encodeDeletionPlanned(w, &deletionPlanned{DeletionDate: v.DeletionDate})
	default:
		w.Fail(ErrName)
	}
}
