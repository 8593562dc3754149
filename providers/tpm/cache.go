package tpm

import (
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// object is a key that is loaded in the TPM.
type object struct {
	handle tpm2.TPMHandle
	name   []byte
	key    loadedKey
}

// loadedKey is what makes two loaded objects the same.
type loadedKey struct {
	id    [sha256.Size]byte
	attrs psa.Attributes
}

// cache holds the loaded keys, the last used at the end. A TPM has room for very few: the
// one that was not used for the longest time makes room.
type cache struct {
	objects []object
	room    int
}

// find returns the loaded object of a key.
func (c *cache) find(key loadedKey) (object, bool) {
	i := slices.IndexFunc(c.objects, func(o object) bool { return o.key == key })
	if i < 0 {
		return object{}, false
	}
	o := c.objects[i]
	c.objects = append(slices.Delete(c.objects, i, i+1), o)
	return o, true
}

// shrink flushes the longest unused objects until at most n are left.
func (c *cache) shrink(t *call, n int) {
	for len(c.objects) > n {
		t.flush(c.objects[0].handle)
		c.objects = slices.Delete(c.objects, 0, 1)
	}
}

func (c *cache) clear(t *call) { c.shrink(t, 0) }

// forget flushes one key, if it is loaded.
func (c *cache) forget(t *call, id providers.KeyID) {
	sum := sha256.Sum256(id)
	c.objects = slices.DeleteFunc(c.objects, func(o object) bool {
		if o.key.id != sum {
			return false
		}
		t.flush(o.handle)
		return true
	})
}

// keep is a use of a key: the decoded id with the object that is loaded for it.
type loaded struct {
	object
	*stored
	public *tpm2.TPMTPublic
}

// authorized names the key for a command.
func (l loaded) authorized(c *call, e encryption) tpm2.AuthHandle {
	return authorized(l.handle, l.name, c.session.with(l.auth, e))
}

// named names the key for a command that needs no authorization.
func (l loaded) named() tpm2.NamedHandle {
	return tpm2.NamedHandle{Handle: l.handle, Name: tpm2.TPM2BName{Buffer: l.name}}
}

// load returns the key loaded. It stays so until others need the room.
func (c *call) load(key providers.Key) (loaded, error) {
	s, err := decodeKey(key)
	if err != nil {
		return loaded{}, err
	}
	public, err := s.area(key.Attributes)
	if err != nil {
		return loaded{}, err
	}
	l := loaded{stored: s, public: public}
	which := loadedKey{sha256.Sum256(key.ID), key.Attributes}
	var hit bool
	if l.object, hit = c.cache.find(which); hit {
		return l, nil
	}
	if s.adopted != nil && s.adopted.place == persistent {
		l.object, _, err = c.settle(s)
		return l, err
	}
	c.cache.shrink(c, c.cache.room-1)
	l.object, err = c.place(s, public)
	for refused(err, tpm2.TPMRCObjectMemory) && len(c.cache.objects) > 0 {
		c.cache.room = max(1, len(c.cache.objects))
		c.cache.shrink(c, len(c.cache.objects)-1)
		l.object, err = c.place(s, public)
	}
	if err != nil {
		return loaded{}, foreign(err)
	}
	l.key = which
	c.cache.objects = append(c.cache.objects, l.object)
	return l, nil
}

// place loads a key into the TPM.
func (c *call) place(s *stored, public *tpm2.TPMTPublic) (object, error) {
	if s.adopted != nil {
		o, _, err := c.settle(s)
		return o, err
	}
	name, err := nameOf(public)
	if err != nil {
		return object{}, err
	}
	if len(s.private) == 0 {
		rsp, err := run(c, command[tpm2.LoadExternalResponse](tpm2.LoadExternal{
			InPublic: tpm2.New2B(*public), Hierarchy: tpm2.TPMRHOwner,
		}))
		if err != nil {
			return object{}, err
		}
		return object{handle: rsp.ObjectHandle, name: name}, nil
	}
	rsp, err := run(c, command[tpm2.LoadResponse](tpm2.Load{
		ParentHandle: c.parent(), InPrivate: tpm2.TPM2BPrivate{Buffer: s.private}, InPublic: tpm2.New2B(*public),
	}))
	if err != nil {
		return object{}, err
	}
	return object{handle: rsp.ObjectHandle, name: name}, nil
}

// foreign explains why a stored key does not load.
func foreign(err error) error {
	if !refused(err, tpm2.TPMRCIntegrity, tpm2.TPMRCSensitive, tpm2.TPMRCBinding, tpm2.TPMRCSize, tpm2.TPMRCValue) {
		return err
	}
	return &wire.Error{
		Status: wire.StatusDataCorrupt, Reason: "the TPM does not load the stored key: " + err.Error(),
		Remedy: "restore the key info manager from a backup; a key of another TPM cannot be used here", Err: err,
	}
}

// undecodable gives a key id that does not decode the original's status.
func undecodable(err error) error {
	status := wire.StatusInvalidEncoding
	if errors.Is(err, errLegacy) {
		status = wire.StatusNotSupported
	}
	return &wire.Error{Status: status, Reason: err.Error(), Err: err}
}

// decodeKey decodes the id of a key.
func decodeKey(key providers.Key) (*stored, error) {
	s, err := decode(key.ID)
	if err != nil {
		return nil, undecodable(err)
	}
	if s.adopted == nil && len(s.private) == 0 != key.Attributes.Type.Public() {
		return nil, wire.Errorf(wire.StatusDataCorrupt, "the stored key has the wrong parts for type %s", key.Attributes.Type)
	}
	return s, nil
}
