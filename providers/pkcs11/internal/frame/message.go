package frame

import "github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"

// Version is the version of the protocol; both sides must have the same.
const Version = 2

// Op is what the agent asks of the helper.
type Op uint16

// The operations; docs/formats/pkcs11-helper.md says which fields each uses.
const (
	OpLoad Op = iota + 1
	OpSlots
	OpMechanisms
	OpOpen
	OpLogin
	OpClose
	OpWatch
	OpRandom
	OpFind
	OpGenerateKeyPair
	OpGenerateKey
	OpCreate
	OpDestroy
	OpSign
	OpVerify
	OpEncrypt
	OpDecrypt
	OpDerive
	opEnd
)

var opNames = [...]string{
	OpLoad: "load", OpSlots: "slots", OpMechanisms: "mechanisms", OpOpen: "open", OpLogin: "log in", OpClose: "close", OpWatch: "watch",
	OpRandom: "random", OpFind: "find", OpGenerateKeyPair: "generate key pair", OpGenerateKey: "generate key",
	OpCreate: "create object", OpDestroy: "destroy objects", OpSign: "sign", OpVerify: "verify", OpEncrypt: "encrypt",
	OpDecrypt: "decrypt", OpDerive: "derive",
}

func (op Op) String() string {
	if op > 0 && op < opEnd {
		return opNames[op]
	}
	return "unknown operation"
}

// Kind is what an attribute's value is.
type Kind uint8

// The kinds. KindAbsent is an attribute that the object does not have or does not show.
const (
	KindAbsent Kind = iota
	KindBytes
	KindBool
	KindNumber
	KindNumbers
	kindEnd
)

// Attribute is a PKCS#11 attribute. Of the values only the one of the kind is set.
type Attribute struct {
	Type    uint64
	Kind    Kind
	Bytes   []byte
	Bool    bool
	Number  uint64
	Numbers []uint64
}

// Bytes returns an attribute with a byte string.
func Bytes(t uint64, b []byte) Attribute { return Attribute{Type: t, Kind: KindBytes, Bytes: b} }

// Bool returns a truth value.
func Bool(t uint64, v bool) Attribute { return Attribute{Type: t, Kind: KindBool, Bool: v} }

// Number returns a CK_ULONG.
func Number(t, n uint64) Attribute { return Attribute{Type: t, Kind: KindNumber, Number: n} }

// Numbers returns an array of CK_ULONG.
func Numbers(t uint64, n ...uint64) Attribute {
	return Attribute{Type: t, Kind: KindNumbers, Numbers: n}
}

// Ask names an attribute that OpFind shall return, with the kind to read it as.
func Ask(t uint64, k Kind) Attribute { return Attribute{Type: t, Kind: k} }

// Parameter is what kind of parameter a mechanism has.
type Parameter uint8

// The parameters of mechanisms.
const (
	ParameterNone Parameter = iota
	// ParameterBytes is Bytes as they are, such as an initialisation vector.
	ParameterBytes
	// ParameterPSS has Hash, MGF and Number, the length of the salt.
	ParameterPSS
	// ParameterOAEP has Hash, MGF and Bytes, the label.
	ParameterOAEP
	// ParameterECDH has Bytes, the peer's public point; no derivation function.
	ParameterECDH
	// ParameterGCM has Bytes, the nonce, Extra, the associated data, and Number, the
	// length of the tag in bits.
	ParameterGCM
	// ParameterCTR has Bytes, the first counter block, and Number, the counter's bits.
	ParameterCTR
	parameterEnd
)

// Mechanism is a mechanism with its parameter.
type Mechanism struct {
	Type         uint64
	Parameter    Parameter
	Hash, MGF    uint64
	Number       uint64
	Bytes, Extra []byte
}

// FlagExclusive opens a slot whose library cannot look for objects while it makes or removes
// some: the helper lets it do one or the other.
const FlagExclusive uint32 = 1

// FlagSingle loads a library that is not to lock: it gets one call at a time.
const FlagSingle uint32 = 2

// Request is one request of the agent. Fields that an operation does not use are zero.
type Request struct {
	ID        uint32
	Op        Op
	Slot      uint64
	Count     uint32
	Flags     uint32
	Mechanism Mechanism
	// Object selects objects: those with these attributes.
	Object []Attribute
	// Template describes what is made, or what is asked for; Private is the private half.
	Template, Private []Attribute
	Data, Signature   []byte
	// PIN is for an object that wants it for each use, empty for others.
	PIN []byte
}

// Slot is a slot with its token, as the library describes them, trimmed.
type Slot struct {
	ID          uint64
	Description string
	Present     bool
	Token       Token
	// Result says why a token that is present cannot be described, OK if it can.
	Result ck.RV
}

// Token describes a token.
type Token struct {
	Label, Manufacturer, Model, Serial string
	Flags                              uint64
	// MaxSessions is 0 where the library does not say, or sets no limit.
	MaxSessions, MaxRWSessions uint64
	MinPIN, MaxPIN             uint64
}

// MechanismInfo is a mechanism of a token, with its key sizes and flags.
type MechanismInfo struct {
	Type, Min, Max, Flags uint64
}

// Response answers a request, or is an event. Function and Result say which function of the
// library failed and how; Text is for a failure of the helper or the dynamic loader.
type Response struct {
	ID         uint32
	Function   string
	Result     ck.RV
	Text       string
	Count      uint32
	Data       []byte
	Slots      []Slot
	Mechanisms []MechanismInfo
	Objects    [][]Attribute
}

// Failed reports whether the request failed.
func (r *Response) Failed() bool { return r.Result != ck.RVOK || r.Text != "" }
