package cardtest

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"testing"
	"time"
)

// The secrets of a new card, as YubiKeys have them when they are made.
const (
	PIN = "123456"
	PUK = "12345678"
)

// ManagementKey is the management key (9B) of a new card, for three-key Triple DES.
var ManagementKey = bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8}, 3)

// Options says what card is made.
type Options struct {
	// Tries is how often a wrong PIN or PUK may be said; 0 means 3.
	Tries int
	// YubiKey gives the card what Yubico's library asks of a YubiKey besides PIV.
	YubiKey bool
	// ManagementAES is the management key for AES, of 16, 24 or 32 bytes; nil means
	// ManagementKey for Triple DES.
	ManagementAES []byte
}

// Card is a PIV card.
type Card struct {
	o      Options
	guid   [16]byte
	serial [4]byte

	mu         sync.Mutex // guards the fields below
	pin, puk   reference
	management management
	objects    map[uint32][]byte
	keys       map[Slot]*key
	counts     Counts

	// Of the session, which a reset ends.
	powered           bool
	selected, managed bool
	verified          bool
	// fresh is set when the command before was a VERIFY that succeeded.
	fresh bool

	chain     []byte // data of a command that is not whole yet
	chainHead [3]byte
	pending   []byte // data of an answer that was not fetched yet
}

// Counts says what was asked of a card since it was made.
type Counts struct {
	// Verified and Refused are the PINs that were right, and wrong or not looked at.
	Verified, Refused int
	// Operations are the uses of private keys.
	Operations int
	// Resets are power-ups and resets.
	Resets int
}

// New makes a card without keys.
func New(o Options) *Card {
	if o.Tries == 0 {
		o.Tries = 3
	}
	c := &Card{o: o, objects: map[uint32][]byte{}, keys: map[Slot]*key{}}
	_, _ = rand.Read(c.guid[:])
	_, _ = rand.Read(c.serial[:])
	c.guid[6], c.guid[8] = c.guid[6]&0x0f|0x40, c.guid[8]&0x3f|0x80 // a random UUID
	c.serial[0] &= 0x3f
	c.pin = newReference(PIN, o.Tries)
	c.puk = newReference(PUK, o.Tries)
	c.management = management{algorithm: alg3DES, key: ManagementKey}
	if o.ManagementAES != nil {
		c.management = management{algorithm: aesAlgorithm(o.ManagementAES), key: o.ManagementAES}
	}
	c.format()
	if o.YubiKey {
		c.attestation()
	}
	return c
}

// Serial is the serial number that OpenSC gives the card: the end of its GUID.
func (c *Card) Serial() string { return hex.EncodeToString(c.guid[8:]) }

// Counts returns what was asked of the card.
func (c *Card) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

// Tries returns how often a wrong PIN may still be said.
func (c *Card) Tries() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pin.tries
}

// power turns power on, which begins a new session, or off, which ends it.
func (c *Card) power(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deselect()
	c.powered = on
	if on {
		c.counts.Resets++
	}
}

// Await waits until pcscd has found the card, which takes up to half a second after it was
// inserted.
func (c *Card) Await(tb testing.TB) {
	tb.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !c.hasPower() {
		if time.Now().After(deadline) {
			tb.Fatal("pcscd did not find the card in 20 s")
		}
		time.Sleep(5 * time.Millisecond) // between looks
	}
}

func (c *Card) hasPower() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.powered
}

func (c *Card) deselect() {
	c.selected, c.managed, c.verified, c.fresh = false, false, false, false
	c.management.forget()
	c.chain, c.pending = nil, nil
}

// atr is the answer to reset: direct convention, T=1, historical bytes that no library
// knows, check byte.
var atr = []byte{0x3b, 0x84, 0x01, 'c', 'a', 'r', 'd', 0x91}

// The instructions.
const (
	insVerify        byte = 0x20
	insChange        byte = 0x24
	insResetRetry    byte = 0x2c
	insGenerate      byte = 0x47
	insAuthenticate  byte = 0x87
	insSelect        byte = 0xa4
	insGetResponse   byte = 0xc0
	insGetData       byte = 0xcb
	insPutData       byte = 0xdb
	insAttest        byte = 0xf9
	insGetSerial     byte = 0xf8
	insGetVersion    byte = 0xfd
	insSetManagement byte = 0xff
)

// execute does a whole command. c.mu is held.
func (c *Card) execute(cmd command) ([]byte, status) {
	fresh := c.fresh
	c.fresh = false
	if cmd.ins == insSelect {
		return c.selectApplication(cmd)
	}
	if !c.selected {
		return nil, swNoInstruction
	}
	switch cmd.ins {
	case insVerify:
		return nil, c.verify(cmd)
	case insChange:
		return nil, c.change(cmd)
	case insResetRetry:
		return nil, c.resetRetry(cmd)
	case insGetData:
		return c.getData(cmd)
	case insPutData:
		return nil, c.putData(cmd)
	case insGenerate:
		return c.generate(cmd)
	case insAuthenticate:
		return c.authenticate(cmd, fresh)
	default:
		if c.o.YubiKey {
			return c.yubiKey(cmd)
		}
		return nil, swNoInstruction
	}
}

// aid is the identifier of the PIV application, of which callers may say the beginning.
var aid = []byte{0xa0, 0, 0, 3, 8, 0, 0, 0x10, 0, 1, 0}

const shortestAID = 5

func (c *Card) selectApplication(cmd command) ([]byte, status) {
	const byName = 4
	if cmd.p1 != byName {
		return nil, swWrongP1P2
	}
	if len(cmd.data) < shortestAID || !bytes.HasPrefix(aid, cmd.data) {
		return nil, swNotFound // and the application stays selected
	}
	if !c.selected {
		c.deselect()
		c.selected = true
	}
	return wrap(0x61,
		item{0x4f, aid[shortestAID:]},
		item{0x79, appendItem(nil, 0x4f, aid[:shortestAID])},
		item{0x50, []byte("virtual PIV card")},
	), swOK
}
