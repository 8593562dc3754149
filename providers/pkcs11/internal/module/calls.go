//go:build cgo

package module

import (
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// do answers every request but those that concern the server itself.
func (l *library) do(r *frame.Request, out *frame.Response) error {
	defer l.turn()()
	switch r.Op {
	case frame.OpSlots:
		return l.slots(out)
	case frame.OpMechanisms:
		return l.mechanisms(r.Slot, out)
	case frame.OpOpen:
		return l.open(r.Slot, int(min(r.Count, maxCalls)), r.Flags&frame.FlagExclusive != 0)
	case frame.OpClose:
		l.close(r.Slot)
		return nil
	default:
		return l.inSession(r, out)
	}
}

// inSession answers what takes a session.
func (l *library) inSession(r *frame.Request, out *frame.Response) error {
	p, err := l.pool(r.Slot)
	if err != nil {
		return err
	}
	switch r.Op {
	case frame.OpGenerateKeyPair, frame.OpGenerateKey, frame.OpCreate, frame.OpRandom, frame.OpLogin, frame.OpFind, frame.OpDestroy:
		return p.with(func(s pkcs11.SessionHandle) error { return p.manage(s, r, out) })
	default:
		return p.with(func(s pkcs11.SessionHandle) error { return p.useObject(s, r, out) })
	}
}

// maxListed bounds the lists of slots and mechanisms; a frame takes no more than 8192 items.
const maxListed = 4096

// listed refuses a list that no library can mean.
func listed(function string, n int) error {
	if n > maxListed {
		return fmt.Errorf("%s answered %d items, more than %d are not believed", function, n, maxListed)
	}
	return nil
}

func (l *library) slots(out *frame.Response) error {
	ids, err := l.ctx.GetSlotList(false)
	if err != nil {
		return failed("C_GetSlotList", err)
	}
	if err := listed("C_GetSlotList", len(ids)); err != nil {
		return err
	}
	for _, id := range ids {
		slot, err := l.slot(id)
		if err != nil {
			slot.Result = resultOf(err)
		}
		out.Slots = append(out.Slots, slot)
	}
	return nil
}

func (l *library) mechanisms(slot uint64, out *frame.Response) error {
	list, err := l.ctx.GetMechanismList(uint(slot))
	if err != nil {
		return failed("C_GetMechanismList", err)
	}
	if err := listed("C_GetMechanismList", len(list)); err != nil {
		return err
	}
	for _, m := range list {
		info, err := l.ctx.GetMechanismInfo(uint(slot), []*pkcs11.Mechanism{m})
		if err != nil {
			continue // it is listed and unknown: not to be had
		}
		out.Mechanisms = append(out.Mechanisms, frame.MechanismInfo{
			Type: uint64(m.Mechanism), Min: uint64(info.MinKeySize), Max: uint64(info.MaxKeySize), Flags: uint64(info.Flags),
		})
	}
	return nil
}

// manage does what is not the use of one object.
func (p *pool) manage(s pkcs11.SessionHandle, r *frame.Request, out *frame.Response) error {
	switch r.Op {
	case frame.OpLogin:
		err := p.ctx.Login(s, pkcs11.CKU_USER, string(r.Data))
		if err == nil || errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)) {
			p.loggedIn()
			return nil
		}
		return failed("C_Login", err)
	case frame.OpRandom:
		b, err := p.ctx.GenerateRandom(s, int(min(r.Count, frame.MaxSize/2)))
		out.Data = b
		return failed("C_GenerateRandom", err)
	case frame.OpFind:
		defer p.looking()()
		return p.find(s, r, out)
	default:
		return p.change(s, r, out)
	}
}

// change makes or removes objects.
func (p *pool) change(s pkcs11.SessionHandle, r *frame.Request, out *frame.Response) error {
	defer p.changing()()
	switch r.Op {
	case frame.OpDestroy:
		return p.destroy(s, r, out)
	case frame.OpCreate:
		_, err := p.ctx.CreateObject(s, template(r.Template))
		return failed("C_CreateObject", err)
	default:
		return p.generate(s, r)
	}
}

func (p *pool) generate(s pkcs11.SessionHandle, r *frame.Request) error {
	m, free, err := mechanism(r.Mechanism)
	if err != nil {
		return err
	}
	defer free()
	if r.Op == frame.OpGenerateKey {
		_, err = p.ctx.GenerateKey(s, m, template(r.Template))
		return failed("C_GenerateKey", err)
	}
	_, _, err = p.ctx.GenerateKeyPair(s, m, template(r.Template), template(r.Private))
	return failed("C_GenerateKeyPair", err)
}

// search returns the objects that a selector names, at most that many.
func (p *pool) search(s pkcs11.SessionHandle, selector []frame.Attribute, most int) ([]pkcs11.ObjectHandle, error) {
	if err := p.ctx.FindObjectsInit(s, template(selector)); err != nil {
		return nil, failed("C_FindObjectsInit", err)
	}
	var all []pkcs11.ObjectHandle
	for len(all) < most {
		some, _, err := p.ctx.FindObjects(s, min(most-len(all), 256))
		if err != nil {
			_ = p.ctx.FindObjectsFinal(s) // the first error counts
			return nil, failed("C_FindObjects", err)
		}
		if len(some) == 0 {
			break
		}
		all = append(all, some...)
	}
	return all, failed("C_FindObjectsFinal", p.ctx.FindObjectsFinal(s))
}

// maxObjects bounds one search.
const maxObjects = 8192

func (p *pool) find(s pkcs11.SessionHandle, r *frame.Request, out *frame.Response) error {
	found, err := p.search(s, r.Object, int(min(r.Count, maxObjects)))
	if err == nil && len(found) == 0 {
		err = p.forgotten(s)
	}
	if err != nil {
		return err
	}
	for _, h := range found {
		attributes, err := p.read(s, h, r.Template)
		if rv := resultOf(err); rv == ck.RVObjectHandleInvalid {
			continue // somebody removed it meanwhile
		}
		if err != nil {
			return err
		}
		out.Objects = append(out.Objects, attributes)
	}
	return nil
}

// read reads attributes of an object, all at once if the object has them all, else one by
// one: what it does not have or show is absent.
func (p *pool) read(s pkcs11.SessionHandle, h pkcs11.ObjectHandle, ask []frame.Attribute) ([]frame.Attribute, error) {
	if len(ask) == 0 {
		return nil, nil
	}
	values, err := p.ctx.GetAttributeValue(s, h, bare(ask))
	out := make([]frame.Attribute, 0, len(ask))
	if err == nil {
		for i, v := range values {
			out = append(out, attribute(ask[i], v.Value))
		}
		return out, nil
	}
	for _, a := range ask {
		values, err := p.ctx.GetAttributeValue(s, h, bare([]frame.Attribute{a}))
		switch rv := resultOf(failed("C_GetAttributeValue", err)); {
		case err == nil:
			out = append(out, attribute(a, values[0].Value))
		case rv == ck.RVAttributeTypeInvalid || rv == ck.RVAttributeSensitive:
			out = append(out, frame.Attribute{Type: a.Type})
		default:
			return nil, failed("C_GetAttributeValue", err)
		}
	}
	return out, nil
}

func bare(ask []frame.Attribute) []*pkcs11.Attribute {
	out := make([]*pkcs11.Attribute, 0, len(ask))
	for _, a := range ask {
		out = append(out, &pkcs11.Attribute{Type: uint(a.Type)})
	}
	return out
}

// destroy removes the objects that the selector names, and counts them.
func (p *pool) destroy(s pkcs11.SessionHandle, r *frame.Request, out *frame.Response) error {
	found, err := p.search(s, r.Object, int(min(r.Count, maxObjects)))
	if err != nil {
		return err
	}
	defer p.forget()
	for _, h := range found {
		err := failed("C_DestroyObject", p.ctx.DestroyObject(s, h))
		if resultOf(err) == ck.RVObjectHandleInvalid {
			continue // it is gone, which is what was wanted
		}
		if err != nil {
			return err
		}
		out.Count++
	}
	return nil
}
