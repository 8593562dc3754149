package tpm

import (
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// parents are the templates of primary keys of the owner hierarchy below which other programs
// keep their keys, in the order of their numbers, which key ids hold: never change it.
var parents = []tpm2.TPMTPublic{
	eccParent(true, 0),   // tpm2-tss-engine, openssl_tpm2_engine, the kernel's trusted keys
	eccParent(true, 32),  // the TCG's provisioning guidance
	rsaParent(true, 0),   // the same programs, with an RSA parent
	rsaParent(true, 256), // the TCG's provisioning guidance
	rsaParent(false, 0),  // tpm2_createprimary of tpm2-tools
	eccParent(false, 0),  // the same with -G ecc
}

// parentAttributes are those of all parents; noDA says whether wrong authorizations count.
func parentAttributes(noDA bool) tpm2.TPMAObject {
	return tpm2.TPMAObject{
		FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, NoDA: noDA, Restricted: true, Decrypt: true,
	}
}

// eccParent is a P-256 storage key whose unique field has coordinates of n zero bytes.
func eccParent(noDA bool, n int) tpm2.TPMTPublic {
	return tpm2.TPMTPublic{
		Type: tpm2.TPMAlgECC, NameAlg: tpm2.TPMAlgSHA256, ObjectAttributes: parentAttributes(noDA),
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{Symmetric: aesCFB(128), CurveID: tpm2.TPMECCNistP256}),
		Unique: tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{
			X: tpm2.TPM2BECCParameter{Buffer: make([]byte, n)}, Y: tpm2.TPM2BECCParameter{Buffer: make([]byte, n)},
		}),
	}
}

// rsaParent is an RSA-2048 storage key whose unique field has n zero bytes.
func rsaParent(noDA bool, n int) tpm2.TPMTPublic {
	return tpm2.TPMTPublic{
		Type: tpm2.TPMAlgRSA, NameAlg: tpm2.TPMAlgSHA256, ObjectAttributes: parentAttributes(noDA),
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgRSA, &tpm2.TPMSRSAParms{Symmetric: aesCFB(128), KeyBits: 2048}),
		Unique:     tpm2.NewTPMUPublicID(tpm2.TPMAlgRSA, &tpm2.TPM2BPublicKeyRSA{Buffer: make([]byte, n)}),
	}
}

// readPublic returns the public area of a persistent object, nil when there is none.
func (c *call) readPublic(h tpm2.TPMHandle) (*tpm2.TPMTPublic, error) {
	rsp, err := run(c, command[tpm2.ReadPublicResponse](tpm2.ReadPublic{ObjectHandle: h}))
	if refused(err, tpm2.TPMRCHandle, tpm2.TPMRCReferenceH0) {
		return nil, nil //nolint:nilnil // no object; it must not look like a connection that was lost
	}
	if err != nil {
		return nil, err
	}
	public, err := rsp.OutPublic.Contents()
	if err != nil {
		return nil, wire.Errorf(wire.StatusCommunicationFailure, "TPM2_ReadPublic: %w", err)
	}
	return public, nil
}

// settle makes an adopted key usable and returns its handle. transient says that it was loaded.
func (c *call) settle(s *stored) (o object, transient bool, err error) {
	if o.name, err = nameOf(s.adopted.public); err != nil {
		return o, false, err
	}
	switch a := s.adopted; a.place {
	case persistent:
		c.makeRoom(1) // where the TPM brings it for the time of a command
		o.handle = a.handle
		return o, false, c.verifyPersistent(a.handle, o.name)
	case underStorage:
		o.handle, err = c.loadBelow(c.parent(), s)
	case underHandle:
		o.handle, err = c.loadBelowHandle(s)
	default:
		o.handle, err = c.loadBelowTemplate(s)
	}
	return o, true, err
}

// parentAndKey is how many places it takes to load a key below a parent that is not loaded.
const parentAndKey = 2

// makeRoom flushes keys until there are places beside our storage key.
func (c *call) makeRoom(places int) { c.cache.shrink(c, max(0, c.can.transient-1-places)) }

// verifyPersistent makes sure, once for each connection, that a handle is still that of the
// adopted key: another one could be used without the wrong authorization being noticed.
func (c *call) verifyPersistent(h tpm2.TPMHandle, name []byte) error {
	if c.seen[h] == string(name) {
		return nil
	}
	public, err := c.readPublic(h)
	if err != nil {
		return err
	}
	var now []byte
	if public != nil {
		if now, err = nameOf(public); err != nil {
			return err
		}
	}
	if string(now) == string(name) {
		if c.seen == nil {
			c.seen = map[tpm2.TPMHandle]string{}
		}
		c.seen[h] = string(name)
		return nil
	}
	e := &wire.Error{Status: wire.StatusDoesNotExist, Remedy: "give the name up: parsecctl key delete NAME"}
	e.Reason = fmt.Sprintf("the TPM has no object at the handle %08x any more", uint32(h))
	if public != nil {
		e.Reason = fmt.Sprintf("the TPM has another object at the handle %08x than the adopted key", uint32(h))
	}
	return e
}

// loadBelow loads a blob below a parent.
func (c *call) loadBelow(parent tpm2.AuthHandle, s *stored) (tpm2.TPMHandle, error) {
	rsp, err := run(c, command[tpm2.LoadResponse](tpm2.Load{
		ParentHandle: parent, InPrivate: tpm2.TPM2BPrivate{Buffer: s.private}, InPublic: tpm2.New2B(*s.adopted.public),
	}))
	if err != nil {
		return 0, err
	}
	return rsp.ObjectHandle, nil
}

func (c *call) loadBelowHandle(s *stored) (tpm2.TPMHandle, error) {
	parent, err := c.readPublic(s.adopted.handle)
	if err != nil {
		return 0, err
	}
	if parent == nil {
		return 0, wire.Errorf(wire.StatusDoesNotExist, "the TPM has no parent of the key at the handle %08x", uint32(s.adopted.handle))
	}
	name, err := nameOf(parent)
	if err != nil {
		return 0, err
	}
	c.makeRoom(parentAndKey)
	h, err := c.loadBelow(authorized(s.adopted.handle, name, c.session.with(nil, encryptBoth)), s)
	if refused(err, tpm2.TPMRCBadAuth, tpm2.TPMRCAuthFail) {
		return 0, wire.Errorf(wire.StatusNotSupported, "the parent of the key at the handle %08x has an authorisation value, which the agent cannot give", uint32(s.adopted.handle))
	}
	return h, err
}

// loadBelowTemplate makes the parent anew, for the time of loading.
func (c *call) loadBelowTemplate(s *stored) (tpm2.TPMHandle, error) {
	c.makeRoom(parentAndKey)
	parent, err := c.derive(c, parents[s.adopted.place-underTemplate])
	if err != nil {
		return 0, err
	}
	defer c.flush(parent.handle)
	defer clear(parent.auth)
	return c.loadBelow(authorized(parent.handle, parent.name, c.session.with(parent.auth, encryptBoth)), s)
}
