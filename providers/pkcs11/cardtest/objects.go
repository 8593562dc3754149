package cardtest

// The data objects (SP 800-73-4, part 1, table 3) that the card knows by name.
const (
	objectCHUID     uint32 = 0x5fc102
	objectCCC       uint32 = 0x5fc107
	objectHistory   uint32 = 0x5fc10c
	objectDiscovery uint32 = 0x7e
)

// maxObject bounds a data object, maxObjects their number.
const (
	maxObject  = 8 << 10
	maxObjects = 64
)

// format writes what every card has.
func (c *Card) format() {
	c.objects[objectCHUID] = wrap(0x53,
		item{0x30, fascN}, item{0x34, c.guid[:]}, item{0x35, []byte("20991231")}, item{0x3e, nil}, item{0xfe, nil})
	c.objects[objectCCC] = wrap(0x53,
		item{0xf0, append([]byte{0xa0, 0, 0, 1, 0x16, 0xff, 2}, c.guid[:14]...)}, item{0xf1, []byte{0x21}}, item{0xf2, []byte{0x21}},
		item{0xf3, nil}, item{0xf4, []byte{0}}, item{0xf5, []byte{0x10}}, item{0xf6, nil}, item{0xf7, nil}, item{0xfa, nil},
		item{0xfb, nil}, item{0xfc, nil}, item{0xfd, nil}, item{0xfe, nil})
	c.objects[objectDiscovery] = wrap(objectDiscovery, item{0x4f, aid}, item{0x5f2f, []byte{0x40, 0}}) // the PIN is the application's
	c.writeHistory()
}

// fascN is the FASC-N of cards outside of the government: the GUID counts.
var fascN = []byte{
	0xd4, 0xe7, 0x39, 0xda, 0x73, 0x9c, 0xed, 0x39, 0xce, 0x73, 0x9d, 0x83, 0x68,
	0x58, 0x21, 0x08, 0x42, 0x10, 0x84, 0x21, 0xc8, 0x42, 0x10, 0xc3, 0xeb,
}

// writeHistory says how many slots of retired keys libraries have to look at.
func (c *Card) writeHistory() {
	n := byte(0)
	for slot := range c.keys {
		if slot.retired() {
			n = max(n, byte(slot-firstRetired)+1)
		}
	}
	c.objects[objectHistory] = wrap(0x53, item{0xc1, []byte{n}}, item{0xc2, []byte{0}}, item{0xfe, nil})
}

// objectTag reads the tag list of GET DATA and PUT DATA.
func objectTag(data []byte) (tag uint32, ok bool) {
	if len(data) < 1 || len(data) > 3 {
		return 0, false
	}
	for _, b := range data {
		tag = tag<<8 | uint32(b)
	}
	return tag, true
}

const tagList = 0x5c

// getData is 3.1.2.
func (c *Card) getData(cmd command) ([]byte, status) {
	if cmd.p1 != 0x3f || cmd.p2 != 0xff {
		return nil, swWrongP1P2
	}
	items, ok := parse(cmd.data)
	name, named := find(items, tagList)
	tag, known := objectTag(name)
	if !ok || !named || !known {
		return nil, swWrongData
	}
	if protected[tag] && !c.verified {
		return nil, swNoSecurity
	}
	object, ok := c.objects[tag]
	if !ok {
		return nil, swNotFound
	}
	return object, swOK
}

// protected are the objects that are read with the PIN only: printed information,
// fingerprints, facial image, iris images.
var protected = map[uint32]bool{0x5fc109: true, 0x5fc103: true, 0x5fc108: true, 0x5fc121: true}

// putData is 3.3.2. An empty object is removed.
func (c *Card) putData(cmd command) status {
	if cmd.p1 != 0x3f || cmd.p2 != 0xff {
		return swWrongP1P2
	}
	if !c.managed {
		return swNoSecurity
	}
	if discovery := wrap(objectDiscovery); len(cmd.data) > 0 && cmd.data[0] == discovery[0] {
		return swNotSatisfied // it says what the card does, not what is wished
	}
	items, ok := parse(cmd.data)
	name, named := find(items, tagList)
	content, full := find(items, 0x53)
	tag, known := objectTag(name)
	switch {
	case !ok || !named || !full || !known:
		return swWrongData
	case len(content) > maxObject, len(c.objects) >= maxObjects && c.objects[tag] == nil:
		return swNoMemory
	case len(content) == 0:
		delete(c.objects, tag)
	default:
		c.objects[tag] = appendItem(nil, 0x53, content)
	}
	return swOK
}
