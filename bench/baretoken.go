//go:build cgo

package main

import (
	"errors"
	"os"

	"github.com/miekg/pkcs11"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

// tokenSigner signs with the library in this process, in a session of its own.
type tokenSigner struct {
	ctx       *pkcs11.Ctx
	session   pkcs11.SessionHandle
	key       pkcs11.ObjectHandle
	mechanism []*pkcs11.Mechanism
	data      []byte
}

func (s *tokenSigner) once() error {
	if err := s.ctx.SignInit(s.session, s.mechanism, s.key); err != nil {
		return err
	}
	_, err := s.ctx.Sign(s.session, s.data)
	return err
}

func (s *tokenSigner) close() { _ = s.ctx.CloseSession(s.session) } // the measurement is over

// bareToken loads the library and makes the keys.
func (b *bed) bareToken(h hardware, calls map[string]func() (requester, error)) error {
	if err := os.Setenv("SOFTHSM2_CONF", h.token); err != nil {
		return err
	}
	ctx := pkcs11.New(tokentest.Library)
	if ctx == nil {
		return errors.New("cannot load " + tokentest.Library + " (Debian package softhsm2)")
	}
	if err := ctx.Initialize(); err != nil {
		return err
	}
	b.undo = append(b.undo, func() error {
		defer ctx.Destroy()
		return ctx.Finalize()
	})
	slots, err := ctx.GetSlotList(true)
	if err != nil || len(slots) == 0 {
		return errors.Join(errors.New("SoftHSM2 has no token"), err)
	}
	session, err := ctx.OpenSession(slots[0], pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return err
	}
	if err := ctx.Login(session, pkcs11.CKU_USER, tokentest.PIN); err != nil {
		return err
	}
	ec, rsa, err := tokenKeys(ctx, session)
	if err != nil {
		return err
	}
	// A DigestInfo of SHA-256, which CKM_RSA_PKCS signs, has 51 bytes.
	for work, s := range map[string]tokenSigner{
		hsmP256: {key: ec, mechanism: []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_ECDSA, nil)}, data: make([]byte, 32)},
		hsmRSA:  {key: rsa, mechanism: []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS, nil)}, data: make([]byte, 51)},
	} {
		calls[work] = func() (requester, error) {
			own := s
			own.ctx = ctx
			own.session, err = ctx.OpenSession(slots[0], pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
			return &own, err
		}
	}
	return nil
}

// tokenKeys makes a P-256 and an RSA-2048 key as both services do, on the token.
func tokenKeys(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) (ec, rsa pkcs11.ObjectHandle, err error) {
	private := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_SIGN, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
	}
	public := func(more ...*pkcs11.Attribute) []*pkcs11.Attribute {
		return append(more, pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_VERIFY, true))
	}
	p256OID := []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}
	_, ec, err = ctx.GenerateKeyPair(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_EC_KEY_PAIR_GEN, nil)},
		public(pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, p256OID)), private)
	if err != nil {
		return 0, 0, err
	}
	_, rsa, err = ctx.GenerateKeyPair(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN, nil)},
		public(pkcs11.NewAttribute(pkcs11.CKA_MODULUS_BITS, 2048), pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1})), private)
	return ec, rsa, err
}
