package cardtest

// Slot is the reference of a private key on the card.
type Slot byte

// The slots of PIV. Retired returns the others.
const (
	Authentication     Slot = 0x9a
	Signature          Slot = 0x9c // wants the PIN before each use
	KeyManagement      Slot = 0x9d
	CardAuthentication Slot = 0x9e // works without a PIN

	Attestation Slot = 0xf9 // of YubiKeys: certifies what was made on the card

	firstRetired Slot = 0x82
	lastRetired  Slot = 0x95
	manager      Slot = 0x9b
)

// Retired returns the slot of a retired key, 1 to 20.
func Retired(n int) Slot { return firstRetired + Slot(n-1) }

func (s Slot) retired() bool { return s >= firstRetired && s <= lastRetired }

func (s Slot) known() bool {
	return s == Authentication || s == Signature || s == KeyManagement || s == CardAuthentication || s.retired()
}

// OpenSCID is the CKA_ID that OpenSC gives the objects of the slot: the decimal digits of ID.
func (s Slot) OpenSCID() byte { return s.ID()/10<<4 | s.ID()%10 }

// ID is the CKA_ID that ykcs11 gives the objects of the slot.
func (s Slot) ID() byte {
	switch s {
	case Authentication:
		return 1
	case Signature:
		return 2
	case KeyManagement:
		return 3
	case CardAuthentication:
		return 4
	case Attestation:
		return 25
	default:
		return 5 + byte(s-firstRetired)
	}
}

// certificate is the tag of the data object with the certificate.
func (s Slot) certificate() uint32 {
	switch s {
	case Authentication:
		return 0x5fc105
	case Signature:
		return 0x5fc10a
	case KeyManagement:
		return 0x5fc10b
	case CardAuthentication:
		return 0x5fc101
	case Attestation:
		return 0x5fff01
	default:
		return 0x5fc10d + uint32(s-firstRetired)
	}
}
