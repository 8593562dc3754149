package tpm

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

const (
	handlePrefix = "handle:"
	fileLocator  = "file"
	parentPrefix = "file/parent:"
)

// persistentHandles returns the handles of all persistent objects, within bounds.
func (c *call) persistentHandles() (all []tpm2.TPMHandle, more bool, err error) {
	const first, most = 0x81000000, 254
	for next := uint32(first); len(all) < providers.MaxFound; {
		rsp, err := run(c, command[tpm2.GetCapabilityResponse](tpm2.GetCapability{
			Capability: tpm2.TPMCapHandles, Property: next, PropertyCount: most,
		}))
		if err != nil {
			return nil, false, err
		}
		list, err := rsp.CapabilityData.Data.Handles()
		if err != nil {
			return nil, false, wire.Errorf(wire.StatusCommunicationFailure, "TPM2_GetCapability: %w", err)
		}
		for _, h := range list.Handle {
			if !isPersistent(h) || uint32(h) < next {
				return all, false, nil
			}
			all, next = append(all, h), uint32(h)+1
		}
		if !rsp.MoreData || len(list.Handle) == 0 {
			return all, false, nil
		}
	}
	return all[:providers.MaxFound], true, nil
}

// Unnamed lists the persistent objects that none of the known ids refers to.
func (p *Provider) Unnamed(ctx context.Context, known []providers.KeyID) (found []providers.Found, more bool, err error) {
	taken := handlesOf(known)
	err = p.do(ctx, func(c *call) error {
		found = nil
		handles, cut, err := c.persistentHandles()
		if err != nil {
			return err
		}
		more = cut
		for _, h := range handles {
			public, err := c.readPublic(h)
			if err != nil {
				return err
			}
			if public == nil {
				continue // it went meanwhile
			}
			name, err := nameOf(public)
			if err == nil && taken[h] == string(name) {
				continue
			}
			found = append(found, p.found(h, public))
		}
		return nil
	})
	return found, more, err
}

// handlesOf returns the handles that known ids refer to, with the Names of their keys.
func handlesOf(known []providers.KeyID) map[tpm2.TPMHandle]string {
	taken := map[tpm2.TPMHandle]string{}
	for _, id := range known {
		if s, err := decode(id); err == nil && s.adopted != nil && s.adopted.place == persistent {
			if name, err := nameOf(s.adopted.public); err == nil {
				taken[s.adopted.handle] = string(name)
			}
		}
	}
	return taken
}

// found describes a persistent object.
func (p *Provider) found(h tpm2.TPMHandle, public *tpm2.TPMTPublic) providers.Found {
	f := providers.Found{Locator: fmt.Sprintf("%s%08x", handlePrefix, uint32(h)), Kind: "persistent key"}
	k, err := examine(public)
	if err == nil {
		f.Attributes, err = p.policy(k, 0, psa.Algorithm{})
	}
	if err != nil {
		f.Problem, f.Attributes = err.Error(), psa.Attributes{}
	}
	return f
}

// AdoptKey returns the id of a persistent key, or of a key file that this TPM opens. The
// authorisation value is tried once.
func (p *Provider) AdoptKey(ctx context.Context, want providers.Adoption) (providers.KeyID, psa.Attributes, error) {
	var id providers.KeyID
	var attrs psa.Attributes
	err := p.do(ctx, func(c *call) error {
		s, err := c.locate(want)
		if err != nil {
			return err
		}
		k, err := examine(s.adopted.public)
		if err != nil {
			return &wire.Error{Status: wire.StatusNotSupported, Object: want.Locator, Reason: err.Error(), Remedy: "parsecctl key list --unnamed"}
		}
		if attrs, err = p.policy(k, want.Usage, want.Algorithm); err != nil {
			return &wire.Error{Status: wire.StatusOf(err), Object: want.Locator, Reason: err.Error(), Err: err}
		}
		id = s.encodeAdopted()
		return c.prove(s)
	})
	return id, attrs, err
}

// locate finds what a locator names.
func (c *call) locate(want providers.Adoption) (*stored, error) {
	s := &stored{auth: append([]byte{}, want.Auth...), adopted: &adopted{}}
	if len(want.Auth) > maxAuth {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "an authorisation value of %d bytes is too long", len(want.Auth))
	}
	digits, isHandle := strings.CutPrefix(want.Locator, handlePrefix)
	switch {
	case isHandle && len(want.Content) > 0:
		return nil, wire.Errorf(wire.StatusInvalidArgument, "a persistent key is adopted without a file")
	case isHandle:
		h, err := parseHandle(digits)
		if err != nil {
			return nil, err
		}
		s.adopted.place, s.adopted.handle = persistent, h
		return s, c.findPersistent(s, want.Known)
	case want.Locator == fileLocator || strings.HasPrefix(want.Locator, parentPrefix):
		return s, c.findParent(s, want)
	default:
		return nil, &wire.Error{
			Status: wire.StatusInvalidArgument, Remedy: "parsecctl key list --unnamed",
			Reason: fmt.Sprintf("%.64q is no locator of a TPM, such as handle:81000001, file or file/parent:81000001", want.Locator),
		}
	}
}

// parseHandle reads the handle of a persistent object.
func parseHandle(digits string) (tpm2.TPMHandle, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(digits, "0x"), 16, 32)
	if h := tpm2.TPMHandle(n); err == nil && isPersistent(h) {
		return h, nil
	}
	return 0, wire.Errorf(wire.StatusInvalidArgument, "a persistent handle lies between 81000000 and 81ffffff, not %.64q", digits)
}

func (c *call) findPersistent(s *stored, known []providers.KeyID) error {
	public, err := c.readPublic(s.adopted.handle)
	if err != nil {
		return err
	}
	if public == nil {
		return &wire.Error{
			Status: wire.StatusDoesNotExist, Reason: fmt.Sprintf("the TPM has no object at the handle %08x", uint32(s.adopted.handle)),
			Remedy: "parsecctl key list --unnamed",
		}
	}
	name, err := nameOf(public)
	if err != nil {
		return err
	}
	if handlesOf(known)[s.adopted.handle] == string(name) {
		return &wire.Error{Status: wire.StatusAlreadyExists, Reason: "the key has a name already", Remedy: "parsecctl key list --all"}
	}
	s.adopted.public = public
	return s.take(public)
}

// findParent reads a key file and finds the parent below which the TPM opens it.
func (c *call) findParent(s *stored, want providers.Adoption) error {
	f, err := parseKeyFile(want.Content)
	if err != nil {
		return &wire.Error{Status: wire.StatusInvalidArgument, Object: "key file", Reason: err.Error(), Err: err}
	}
	s.private, s.adopted.public = f.private, f.public
	if err := s.take(f.public); err != nil {
		return wire.Errorf(wire.StatusInvalidArgument, "the public area of the key file: %w", err)
	}
	if err := c.unknown(s, want.Known); err != nil {
		return err
	}
	parent := f.parent
	if digits, ok := strings.CutPrefix(want.Locator, parentPrefix); ok {
		if parent, err = parseHandle(digits); err != nil {
			return err
		}
	}
	if isPersistent(parent) {
		s.adopted.place, s.adopted.handle = underHandle, parent
		return c.opens(s)
	}
	if parent != 0 && parent != tpm2.TPMRHOwner {
		return wire.Errorf(wire.StatusNotSupported, "the parent of the key is in the hierarchy %#x; the provider uses that of the owner", uint32(parent))
	}
	for _, place := range candidates(parent) {
		s.adopted.place = place
		err := c.opens(s)
		if err == nil || !refused(err, tpm2.TPMRCIntegrity, tpm2.TPMRCSize, tpm2.TPMRCBinding, tpm2.TPMRCValue, tpm2.TPMRCHash) {
			return err
		}
	}
	return &wire.Error{
		Status: wire.StatusNotSupported, Object: "key file", Reason: "this TPM opens it below none of the usual parents",
		Remedy: "bring the TPM that it was made by; if its parent is persistent, say its handle: file/parent:81000001",
	}
}

// candidates are the parents that come into question, the likely ones first.
func candidates(parent tpm2.TPMHandle) (all []place) {
	if parent == 0 {
		all = append(all, underStorage)
	}
	for i := range parents {
		all = append(all, underTemplate+place(i))
	}
	return all
}

// unknown refuses a key file whose key has a name.
func (c *call) unknown(s *stored, known []providers.KeyID) error {
	name, err := nameOf(s.adopted.public)
	if err != nil {
		return err
	}
	for _, id := range known {
		other, err := decode(id)
		if err != nil || other.adopted == nil {
			continue
		}
		if there, err := nameOf(other.adopted.public); err == nil && string(there) == string(name) {
			return &wire.Error{Status: wire.StatusAlreadyExists, Reason: "the key has a name already", Remedy: "parsecctl key list --all"}
		}
	}
	return nil
}

// opens loads a key and flushes it again.
func (c *call) opens(s *stored) error {
	c.makeRoom(1)
	o, transient, err := c.settle(s)
	if err == nil && transient {
		c.flush(o.handle)
	}
	return err
}

// prove tries the authorisation value, once: TPM2_PolicySecret in a session of its own needs it,
// whatever the key is for. Later a wrong one would be counted with every use.
func (c *call) prove(s *stored) error {
	c.makeRoom(1)
	o, transient, err := c.settle(s)
	if err != nil {
		return err
	}
	if transient {
		defer c.flush(o.handle)
	}
	policy, _, err := tpm2.PolicySession(c, tpm2.TPMAlgSHA256, 16)
	if err != nil {
		return startError(err)
	}
	defer c.flush(policy.Handle())
	_, err = run(c, command[tpm2.PolicySecretResponse](tpm2.PolicySecret{
		AuthHandle:    authorized(o.handle, o.name, c.session.with(s.auth, encryptNone)),
		PolicySession: policy.Handle(), NonceTPM: policy.NonceTPM(),
	}))
	if !refused(err, tpm2.TPMRCBadAuth, tpm2.TPMRCAuthFail) {
		return err
	}
	e := &wire.Error{Status: wire.StatusNotPermitted, Reason: "the authorisation value is wrong: " + err.Error(), Remedy: "give the right one: parsecctl key adopt --auth"}
	if len(s.auth) == 0 {
		e.Reason = "the key has an authorisation value, and none was given: " + err.Error()
	}
	return e
}

// Locate says where an adopted key is; a key file is where its name is.
func (p *Provider) Locate(key providers.Key) string {
	s, err := decode(key.ID)
	switch {
	case err != nil || s.adopted == nil:
		return ""
	case s.adopted.place == persistent:
		return fmt.Sprintf("%s%08x", handlePrefix, uint32(s.adopted.handle))
	case s.adopted.place == underHandle:
		return fmt.Sprintf("%s%08x", parentPrefix, uint32(s.adopted.handle))
	default:
		return fileLocator
	}
}

// Remove removes a persistent key from the TPM. Of a key file there is nothing in the TPM: its
// copy goes with the name.
func (p *Provider) Remove(ctx context.Context, key providers.Key) ([]string, error) {
	s, err := decode(key.ID)
	if err != nil {
		return nil, undecodable(err)
	}
	if s.adopted == nil {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the key was not adopted")
	}
	var removed []string
	err = p.do(ctx, func(c *call) error {
		c.cache.forget(c, key.ID)
		if s.adopted.place != persistent {
			removed = []string{"the agent's copy of the key file"}
			return nil
		}
		delete(c.seen, s.adopted.handle)
		name, err := nameOf(s.adopted.public)
		if err == nil {
			err = c.verifyPersistent(s.adopted.handle, name)
		}
		if err != nil {
			return err
		}
		delete(c.seen, s.adopted.handle)
		removed = []string{"persistent key " + p.Locate(key)}
		return p.evict(c, s.adopted.handle, name)
	})
	return removed, err
}

// evict removes a persistent object, with the owner's authorisation.
func (p *Provider) evict(c *call, h tpm2.TPMHandle, name []byte) error {
	err := useSecret(p.options.OwnerAuth, func(auth []byte) error {
		_, err := run(c, command[tpm2.EvictControlResponse](tpm2.EvictControl{
			Auth:         tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: c.session.with(auth, encryptNone)},
			ObjectHandle: tpm2.NamedHandle{Handle: h, Name: tpm2.TPM2BName{Buffer: name}}, PersistentHandle: h,
		}))
		return err
	})
	if e, ok := errors.AsType[*wire.Error](err); ok && refused(err, tpm2.TPMRCBadAuth, tpm2.TPMRCAuthFail) {
		return &wire.Error{Status: e.Status, Reason: "owner_hierarchy_auth is not the TPM's: " + e.Reason, Remedy: "correct it in the configuration", Err: e.Err}
	}
	return err
}

// examineAdopted sees whether persistent keys are where they were adopted.
func (c *call) examineAdopted(known []providers.KeyID) (found []providers.Finding, err error) {
	for _, id := range known {
		s, err := decode(id)
		if err != nil || s.adopted == nil || s.adopted.place != persistent {
			continue
		}
		name, err := nameOf(s.adopted.public)
		if err != nil {
			return nil, err
		}
		err = c.verifyPersistent(s.adopted.handle, name)
		if e, ok := errors.AsType[*wire.Error](err); ok && e.Status == wire.StatusDoesNotExist {
			found = append(found, providers.Finding{Severity: "error", Object: "adopted key", Problem: e.Reason, Remedy: e.Remedy})
		} else if err != nil {
			return nil, err
		}
	}
	return found, nil
}
