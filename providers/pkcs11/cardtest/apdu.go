package cardtest

import "encoding/binary"

// status is the end of every answer.
type status uint16

const (
	swOK            status = 0x9000
	swMore          status = 0x6100 // with the number of bytes that are left
	swTries         status = 0x63c0 // with the number of tries that are left
	swWrongLength   status = 0x6700
	swNoSecurity    status = 0x6982
	swBlocked       status = 0x6983
	swNotSatisfied  status = 0x6985
	swWrongData     status = 0x6a80
	swNotFound      status = 0x6a82
	swNoMemory      status = 0x6a84
	swWrongP1P2     status = 0x6a86
	swNoReference   status = 0x6a88
	swNoInstruction status = 0x6d00
	swNoClass       status = 0x6e00
)

// command is a command APDU.
type command struct {
	class, ins, p1, p2 byte
	data               []byte
	// most is how many bytes the answer may have.
	most int
}

// chained is the bit of the class that says that more of the data follows.
const chained byte = 0x10

// parseCommand reads a command APDU of any case and length (ISO 7816-3, 12.1.3). One that
// names no length for the answer gets up to 256 bytes, as under T=1 real cards give them.
func parseCommand(b []byte) (c command, ok bool) {
	const header, short, extended = 4, 256, 65536
	if len(b) < header {
		return c, false
	}
	c = command{class: b[0], ins: b[1], p1: b[2], p2: b[3], most: short}
	b = b[header:]
	expected := func(n, all int) int {
		if n == 0 {
			return all
		}
		return n
	}
	switch n := len(b); {
	case n == 0:
		return c, true
	case n == 1:
		c.most = expected(int(b[0]), short)
		return c, true
	case b[0] != 0:
		lc := int(b[0])
		if n != 1+lc && n != 2+lc {
			return c, false
		}
		c.data = b[1 : 1+lc]
		if n == 2+lc {
			c.most = expected(int(b[n-1]), short)
		}
		return c, true
	case n == 3:
		c.most = expected(int(binary.BigEndian.Uint16(b[1:])), extended)
		return c, true
	case n > 3:
		lc := int(binary.BigEndian.Uint16(b[1:]))
		if n != 3+lc && n != 5+lc {
			return c, false
		}
		c.data, c.most = b[3:3+lc], extended
		if n == 5+lc {
			c.most = expected(int(binary.BigEndian.Uint16(b[n-2:])), extended)
		}
		return c, true
	default:
		return c, false
	}
}

// maxChain bounds the data of one command in all its pieces.
const maxChain = 64 << 10

// Transmit answers a command APDU.
func (c *Card) Transmit(b []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	cmd, ok := parseCommand(b)
	if !ok {
		return answer(nil, swWrongLength)
	}
	if cmd.class&^chained != 0 {
		return answer(nil, swNoClass)
	}
	if cmd.ins == insGetResponse {
		return c.rest(cmd.most)
	}
	c.pending = nil
	whole, sw := c.assemble(cmd)
	if whole == nil {
		return answer(nil, sw)
	}
	data, sw := c.execute(*whole)
	if sw != swOK {
		return answer(nil, sw)
	}
	c.pending = data
	return c.rest(cmd.most)
}

// assemble collects the pieces of a chained command; it returns the command when it is
// whole.
func (c *Card) assemble(cmd command) (*command, status) {
	head := [3]byte{cmd.ins, cmd.p1, cmd.p2}
	if len(c.chain) > 0 && c.chainHead != head {
		c.chain = nil // the other command was given up
	}
	if len(c.chain)+len(cmd.data) > maxChain {
		c.chain = nil
		return nil, swWrongLength
	}
	c.chainHead = head
	c.chain = append(c.chain, cmd.data...)
	if cmd.class&chained != 0 {
		return nil, swOK
	}
	cmd.data, c.chain = c.chain, nil
	return &cmd, swOK
}

// rest sends what is left of an answer, at most that many bytes.
func (c *Card) rest(most int) []byte {
	n := min(most, len(c.pending))
	out := c.pending[:n]
	c.pending = c.pending[n:]
	if left := len(c.pending); left > 0 {
		return answer(out, swMore|status(min(left, 0xff)))
	}
	c.pending = nil
	return answer(out, swOK)
}

func answer(data []byte, sw status) []byte {
	return binary.BigEndian.AppendUint16(append([]byte(nil), data...), uint16(sw))
}
