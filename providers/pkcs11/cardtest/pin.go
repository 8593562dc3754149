package cardtest

import "bytes"

// reference is a PIN or PUK with its retry counter.
type reference struct {
	value       []byte
	tries, most int
}

const (
	pinSize      = 8
	pad          = 0xff
	refPIN  byte = 0x80
	refPUK  byte = 0x81
)

func newReference(value string, tries int) reference {
	return reference{value: padded(value), tries: tries, most: tries}
}

func padded(value string) []byte {
	b := bytes.Repeat([]byte{pad}, pinSize)
	copy(b, value)
	return b
}

// check compares and counts.
func (r *reference) check(value []byte) status {
	switch {
	case r.tries == 0:
		return swBlocked
	case !bytes.Equal(r.value, value):
		r.tries--
		if r.tries == 0 {
			return swBlocked
		}
		return swTries | status(r.tries)
	default:
		r.tries = r.most
		return swOK
	}
}

// set replaces the value, if it has the form of one: six to eight digits or letters, padded.
func (r *reference) set(value []byte) status {
	const shortest = 6
	said := bytes.TrimRight(value, string([]byte{pad}))
	if len(value) != pinSize || len(said) < shortest || bytes.IndexByte(said, pad) >= 0 {
		return swWrongData
	}
	r.value, r.tries = bytes.Clone(value), r.most
	return swOK
}

// verify is SP 800-73-4, part 2, 3.2.1.
func (c *Card) verify(cmd command) status {
	const forget = 0xff
	switch {
	case cmd.p2 != refPIN:
		return swNoReference
	case cmd.p1 == forget && len(cmd.data) == 0:
		c.verified = false
		return swOK
	case cmd.p1 != 0:
		return swWrongP1P2
	case len(cmd.data) == 0 && c.verified:
		return swOK
	case len(cmd.data) == 0 && c.pin.tries == 0:
		return swBlocked
	case len(cmd.data) == 0:
		return swTries | status(c.pin.tries)
	case len(cmd.data) != pinSize:
		return swWrongData
	}
	sw := c.checkPIN(cmd.data)
	c.verified, c.fresh = sw == swOK, sw == swOK
	return sw
}

func (c *Card) checkPIN(value []byte) status {
	sw := c.pin.check(value)
	if sw == swOK {
		c.counts.Verified++
	} else {
		c.counts.Refused++
	}
	return sw
}

// change is 3.2.2: the old value, the new one.
func (c *Card) change(cmd command) status {
	if cmd.p1 != 0 || len(cmd.data) != 2*pinSize {
		return swWrongData
	}
	before, after := cmd.data[:pinSize], cmd.data[pinSize:]
	switch cmd.p2 {
	case refPIN:
		if sw := c.checkPIN(before); sw != swOK {
			c.verified = false
			return sw
		}
		return c.pin.set(after)
	case refPUK:
		if sw := c.puk.check(before); sw != swOK {
			return sw
		}
		return c.puk.set(after)
	default:
		return swNoReference
	}
}

// resetRetry is 3.2.3: the PUK, the new PIN.
func (c *Card) resetRetry(cmd command) status {
	if cmd.p1 != 0 || cmd.p2 != refPIN {
		return swNoReference
	}
	if len(cmd.data) != 2*pinSize {
		return swWrongData
	}
	if sw := c.puk.check(cmd.data[:pinSize]); sw != swOK {
		return sw
	}
	return c.pin.set(cmd.data[pinSize:])
}

// ChangePIN replaces the PIN, as somebody does elsewhere.
func (c *Card) ChangePIN(value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pin.set(padded(value))
	c.verified = false
}
