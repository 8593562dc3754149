package tpm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// conn is a connection to the TPM with what was loaded through it. It lives until the way
// breaks or the TPM forgets.
type conn struct {
	link    link
	can     *capabilities
	primary *primary
	session *session
	cache   cache
	// derive makes a primary key of the owner hierarchy, for parents of adopted keys.
	derive func(c *call, template tpm2.TPMTPublic) (*primary, error)
	// seen are the persistent objects that were looked at, with their Names.
	seen map[tpm2.TPMHandle]string
	// identity is nil until somebody asked for it.
	identity *identity
}

// primary is the storage key under which all keys are.
type primary struct {
	handle tpm2.TPMHandle
	name   []byte
	auth   []byte
	public tpm2.TPMTPublic
}

func (p *primary) named() tpm2.NamedHandle {
	return tpm2.NamedHandle{Handle: p.handle, Name: tpm2.TPM2BName{Buffer: p.name}}
}

// authorized names an object for a command that the session authorizes.
func authorized(handle tpm2.TPMHandle, name []byte, s tpm2.Session) tpm2.AuthHandle {
	return tpm2.AuthHandle{Handle: handle, Name: tpm2.TPM2BName{Buffer: name}, Auth: s}
}

// parent names the storage key for a command that works below it.
func (c *conn) parent() tpm2.AuthHandle {
	return authorized(c.primary.handle, c.primary.name, c.session.with(c.primary.auth, encryptBoth))
}

// connect opens the way and makes the TPM ready: capabilities, the storage key, the check
// of its Name, the session.
func (p *Provider) connect(ctx context.Context) (*conn, error) {
	l, err := dial(ctx, p.options.TCTI)
	if err != nil {
		return nil, err
	}
	c := &call{&conn{link: l, derive: p.createPrimary}, ctx}
	if err := p.prepare(c); err != nil {
		c.close()
		return nil, err
	}
	return c.conn, nil
}

func (p *Provider) prepare(c *call) error {
	var err error
	c.can, err = readCapabilities(c)
	if refused(err, tpm2.TPMRCInitialize) { // no firmware started it, as behind a simulator
		if _, err = run(c, command[tpm2.StartupResponse](tpm2.Startup{StartupType: tpm2.TPMSUClear})); err == nil {
			c.can, err = readCapabilities(c)
		}
	}
	if err != nil {
		return err
	}
	if err := clearLeftovers(c); err != nil {
		return err
	}
	if err := p.openRoot(c); err != nil {
		return err
	}
	c.cache.room = max(1, c.can.transient-1)
	c.session, err = startSession(c, c.can.cipherBits, c.primary)
	return startError(err)
}

// startError gives what startSession returns a status.
func startError(err error) error {
	if rc, ok := errors.AsType[tpm2.TPMRC](err); ok {
		return refusal(tpm2.StartAuthSession{}, rc).status()
	}
	return err
}

// clearLeftovers flushes what a program that ended without order left in the TPM. We are
// its only user: a device has one, and a resource manager shows each its own.
func clearLeftovers(c *call) error {
	for _, first := range []tpm2.TPMHandle{0x80000000, 0x02000000} { // transient objects, loaded sessions
		rsp, err := run(c, command[tpm2.GetCapabilityResponse](tpm2.GetCapability{
			Capability: tpm2.TPMCapHandles, Property: uint32(first), PropertyCount: 64,
		}))
		if err != nil {
			return err
		}
		handles, err := rsp.CapabilityData.Data.Handles()
		if err != nil {
			return err
		}
		for _, h := range handles.Handle {
			c.flush(h)
		}
	}
	return nil
}

// createPrimary makes the storage key with a session of its own, which no key salts yet.
// What protects it from a changed response is the check of its Name.
func (p *Provider) createPrimary(c *call, template tpm2.TPMTPublic) (*primary, error) {
	key := &primary{auth: make([]byte, authSize)}
	_, _ = rand.Read(key.auth) // never fails
	rsp, err := p.inHierarchy(c, tpm2.TPMRHOwner, p.options.OwnerAuth, func(s *session) (*tpm2.CreatePrimaryResponse, error) {
		return run(c, command[tpm2.CreatePrimaryResponse](tpm2.CreatePrimary{
			PrimaryHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: s},
			InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{
				UserAuth: tpm2.TPM2BAuth{Buffer: key.auth},
			}},
			InPublic: tpm2.New2B(template),
		}))
	})
	if err != nil {
		return nil, err
	}
	public, err := rsp.OutPublic.Contents()
	if err == nil {
		key.handle, key.public = rsp.ObjectHandle, *public
		key.name, err = nameOf(public)
	}
	if err != nil {
		c.flush(rsp.ObjectHandle)
		return nil, &wire.Error{Status: wire.StatusCommunicationFailure, Reason: fmt.Sprintf("TPM2_CreatePrimary: %v", err), Err: err}
	}
	return key, nil
}

// inHierarchy calls f with a session that knows a hierarchy's authorisation value.
func (p *Provider) inHierarchy(
	c *call, hierarchy tpm2.TPMHandle, secret Secret, f func(*session) (*tpm2.CreatePrimaryResponse, error),
) (*tpm2.CreatePrimaryResponse, error) {
	s, err := startSession(c, c.can.cipherBits, c.primary)
	if err != nil {
		return nil, startError(err)
	}
	defer c.flush(s.handle)
	defer s.wipe()
	var rsp *tpm2.CreatePrimaryResponse
	err = useSecret(secret, func(auth []byte) (err error) {
		rsp, err = f(s.with(auth, encryptBoth))
		return err
	})
	if refused(err, tpm2.TPMRCBadAuth, tpm2.TPMRCAuthFail) {
		setting := "owner_hierarchy_auth"
		if hierarchy == tpm2.TPMRHEndorsement {
			setting = "endorsement_hierarchy_auth"
		}
		e, _ := errors.AsType[*wire.Error](err)
		err = providers.Unready(providers.Refused, &wire.Error{
			Status: e.Status, Reason: fmt.Sprintf("%s is not the TPM's: %s", setting, e.Reason), Remedy: "correct " + setting + " in the configuration", Err: e.Err,
		})
	}
	return rsp, err
}

// nameOf returns the Name of an object.
func nameOf(public *tpm2.TPMTPublic) ([]byte, error) {
	n, err := tpm2.ObjectName(public)
	if err != nil {
		return nil, fmt.Errorf("the public area has no Name: %w", err)
	}
	return n.Buffer, nil
}

// close flushes what was loaded, for a device without resource manager keeps it, and
// closes the way.
func (c *call) close() {
	c.cache.clear(c)
	if c.primary != nil {
		c.flush(c.primary.handle)
		clear(c.primary.auth)
	}
	if c.session != nil {
		c.flush(c.session.handle)
		c.session.wipe()
	}
	_ = c.link.Close() // the TPM has nothing more to tell
}
