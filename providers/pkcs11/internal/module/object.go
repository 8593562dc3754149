//go:build cgo

package module

import (
	"github.com/miekg/pkcs11"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// useObject does an operation with the object that the request selects. A remembered
// handle that the library no longer knows is looked up once more: the operation did not
// begin.
func (p *pool) useObject(s pkcs11.SessionHandle, r *frame.Request, out *frame.Response) error {
	b, err := (&frame.Request{Object: r.Object}).Append(nil)
	if err != nil {
		return err
	}
	selector := string(b)
	h, remembered := p.known(selector)
	for {
		if !remembered {
			if h, err = p.lookUp(s, r.Object, selector); err != nil {
				return err
			}
		}
		err = p.use(s, h, r, out)
		rv := resultOf(err)
		if !remembered || rv != ck.RVKeyHandleInvalid && rv != ck.RVObjectHandleInvalid {
			return err
		}
		remembered = false
	}
}

// lookUp finds the first object of a selector.
func (p *pool) lookUp(s pkcs11.SessionHandle, object []frame.Attribute, selector string) (pkcs11.ObjectHandle, error) {
	defer p.looking()()
	found, err := p.search(s, object, 1)
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		if err := p.forgotten(s); err != nil {
			return 0, err
		}
		return 0, &failure{"C_FindObjects", ck.RVObjectHandleInvalid}
	}
	p.remember(selector, found[0])
	return found[0], nil
}

// use operates, alone in the slot where the object wants the PIN for each use: cards take
// any other command for the end of that permission.
func (p *pool) use(s pkcs11.SessionHandle, h pkcs11.ObjectHandle, r *frame.Request, out *frame.Response) error {
	if len(r.PIN) > 0 {
		p.permitted.Lock()
		defer p.permitted.Unlock()
	} else {
		p.permitted.RLock()
		defer p.permitted.RUnlock()
	}
	return p.operate(s, h, r, out)
}

// permit gives the PIN for the operation that has begun.
func (p *pool) permit(s pkcs11.SessionHandle, r *frame.Request) error {
	if len(r.PIN) == 0 {
		return nil
	}
	return failed("C_Login", p.ctx.Login(s, pkcs11.CKU_CONTEXT_SPECIFIC, string(r.PIN)))
}

// operate runs a single-part operation: …Init, then the function itself.
func (p *pool) operate(s pkcs11.SessionHandle, h pkcs11.ObjectHandle, r *frame.Request, out *frame.Response) error {
	m, free, err := mechanism(r.Mechanism)
	if err != nil {
		return err
	}
	defer free()
	switch r.Op {
	case frame.OpSign:
		if err := failed("C_SignInit", p.ctx.SignInit(s, m, h)); err != nil {
			return err
		}
		if err := p.permit(s, r); err != nil {
			return err
		}
		out.Data, err = p.ctx.Sign(s, r.Data)
		return failed("C_Sign", err)
	case frame.OpVerify:
		if err := failed("C_VerifyInit", p.ctx.VerifyInit(s, m, h)); err != nil {
			return err
		}
		return failed("C_Verify", p.ctx.Verify(s, r.Data, r.Signature))
	case frame.OpEncrypt:
		if err := failed("C_EncryptInit", p.ctx.EncryptInit(s, m, h)); err != nil {
			return err
		}
		out.Data, err = p.ctx.Encrypt(s, r.Data)
		return failed("C_Encrypt", err)
	case frame.OpDecrypt:
		if err := failed("C_DecryptInit", p.ctx.DecryptInit(s, m, h)); err != nil {
			return err
		}
		if err := p.permit(s, r); err != nil {
			return err
		}
		out.Data, err = p.ctx.Decrypt(s, r.Data)
		return failed("C_Decrypt", err)
	default:
		return p.derive(s, m, h, r, out)
	}
}

// derive derives a session object, returns its value and removes it.
func (p *pool) derive(s pkcs11.SessionHandle, m []*pkcs11.Mechanism, h pkcs11.ObjectHandle, r *frame.Request, out *frame.Response) error {
	secret, err := p.ctx.DeriveKey(s, m, h, template(r.Template))
	if err != nil {
		return failed("C_DeriveKey", err)
	}
	values, err := p.ctx.GetAttributeValue(s, secret, []*pkcs11.Attribute{{Type: uint(ck.AttrValue)}})
	if err == nil {
		out.Data = values[0].Value
	}
	if gone := p.ctx.DestroyObject(s, secret); err == nil && gone != nil {
		return failed("C_DestroyObject", gone)
	}
	return failed("C_GetAttributeValue", err)
}
