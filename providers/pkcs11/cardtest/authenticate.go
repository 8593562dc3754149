package cardtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/rand"
	"crypto/subtle"
)

// The tags of the dynamic authentication template.
const (
	tagTemplate  = 0x7c
	tagWitness   = 0x80
	tagChallenge = 0x81
	tagResponse  = 0x82
	tagPoint     = 0x85
)

// authenticate is GENERAL AUTHENTICATE, 3.2.4. Fresh says that the PIN was verified by the
// command before.
func (c *Card) authenticate(cmd command, fresh bool) ([]byte, status) {
	outer, ok := parse(cmd.data)
	template, found := find(outer, tagTemplate)
	inner, well := parse(template)
	if !ok || !found || !well {
		return nil, swWrongData
	}
	if Slot(cmd.p2) == manager {
		return c.manage(cmd.p1, inner)
	}
	k := c.keys[Slot(cmd.p2)]
	switch {
	case k == nil || !Slot(cmd.p2).known():
		return nil, swNoReference
	case k.algorithm != Algorithm(cmd.p1):
		return nil, swWrongP1P2
	case k.pin == pinAlways && !fresh, k.pin == pinOnce && !c.verified:
		return nil, swNoSecurity
	}
	out, sw := k.use(inner)
	if sw != swOK {
		return nil, sw
	}
	c.counts.Operations++
	return wrap(tagTemplate, item{tagResponse, out}), swOK
}

// use signs, decrypts or agrees, as the template asks.
func (k *key) use(template []item) ([]byte, status) {
	response, asked := find(template, tagResponse)
	block, given := find(template, tagChallenge)
	point, agrees := find(template, tagPoint)
	switch {
	case !asked || len(response) > 0:
		return nil, swWrongData
	case agrees && k.ec != nil:
		return k.agree(point)
	case given && k.rsa != nil:
		return k.power(block)
	case given && k.ec != nil:
		return k.sign(block)
	default:
		return nil, swWrongData
	}
}

// The algorithms of the management key.
const (
	alg3DES    byte = 0x03
	alg3DESToo byte = 0x00
	algAES128  byte = 0x08
	algAES192  byte = 0x0a
	algAES256  byte = 0x0c
)

// management is the management key, with what was sent to who authenticates with it.
type management struct {
	algorithm byte
	key       []byte
	// witness is what was sent encrypted, challenge what was sent in the clear.
	witness, challenge []byte
}

func aesAlgorithm(key []byte) byte {
	switch len(key) {
	case 16:
		return algAES128
	case 24:
		return algAES192
	default:
		return algAES256
	}
}

func (m *management) forget() { m.witness, m.challenge = nil, nil }

func (m *management) block() cipher.Block {
	var b cipher.Block
	var err error
	if m.algorithm == alg3DES {
		b, err = des.NewTripleDESCipher(m.key)
	} else {
		b, err = aes.NewCipher(m.key)
	}
	if err != nil {
		panic(err) // the test made a card with a key of no such length
	}
	return b
}

// manage authenticates with the management key: the card proves that it has it and then
// believes (mutual), or only believes (external).
func (c *Card) manage(algorithm byte, template []item) ([]byte, status) {
	m := &c.management
	if algorithm == alg3DESToo {
		algorithm = alg3DES
	}
	if algorithm != m.algorithm {
		return nil, swWrongP1P2
	}
	block := m.block()
	witness, hasWitness := find(template, tagWitness)
	challenge, hasChallenge := find(template, tagChallenge)
	response, hasResponse := find(template, tagResponse)
	sent := *m
	m.forget()
	switch size := block.BlockSize(); {
	case hasWitness && len(witness) == 0 && len(template) == 1:
		m.witness = random(size)
		return wrap(tagTemplate, item{tagWitness, encrypt(block, m.witness)}), swOK
	case hasChallenge && len(challenge) == 0 && len(template) == 1:
		m.challenge = random(size)
		return wrap(tagTemplate, item{tagChallenge, m.challenge}), swOK
	case hasWitness && hasChallenge && len(challenge) == size && sent.witness != nil:
		if subtle.ConstantTimeCompare(witness, sent.witness) != 1 {
			return nil, swNoSecurity
		}
		c.managed = true
		return wrap(tagTemplate, item{tagResponse, encrypt(block, challenge)}), swOK
	case hasResponse && sent.challenge != nil:
		if subtle.ConstantTimeCompare(response, encrypt(block, sent.challenge)) != 1 {
			return nil, swNoSecurity
		}
		c.managed = true
		return nil, swOK
	default:
		return nil, swWrongData
	}
}

// encrypt encrypts one block.
func encrypt(b cipher.Block, in []byte) []byte {
	out := make([]byte, len(in))
	b.Encrypt(out, in)
	return out
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// generate is GENERATE ASYMMETRIC KEY PAIR, 3.3.1. YubiKeys take the policies of PIN (0xaa)
// and touch (0xab) with it.
func (c *Card) generate(cmd command) ([]byte, status) {
	slot := Slot(cmd.p2)
	outer, ok := parse(cmd.data)
	template, found := find(outer, 0xac)
	inner, well := parse(template)
	alg, named := find(inner, 0x80)
	switch {
	case cmd.p1 != 0 || !slot.known():
		return nil, swWrongP1P2
	case !c.managed:
		return nil, swNoSecurity
	case !ok || !found || !well || !named || len(alg) != 1:
		return nil, swWrongData
	}
	pin := slot.policy()
	if wish, ok := find(inner, 0xaa); ok && c.o.YubiKey {
		if pin, ok = policyOf(wish, pin); !ok {
			return nil, swWrongData
		}
	}
	k, err := newKey(Algorithm(alg[0]), pin)
	if err != nil {
		return nil, swWrongData
	}
	c.keys[slot] = k
	c.writeHistory()
	return k.public(), swOK
}

func policyOf(wish []byte, usual pinPolicy) (pinPolicy, bool) {
	if len(wish) != 1 {
		return 0, false
	}
	switch wish[0] {
	case 0:
		return usual, true
	case 1:
		return pinNever, true
	case 2:
		return pinOnce, true
	case 3:
		return pinAlways, true
	default:
		return 0, false
	}
}
