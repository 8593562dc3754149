package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// tpmConn is a connection to a TPM, which does one command at a time.
type tpmConn struct {
	mu   sync.Mutex
	conn net.Conn
}

// Send sends a command as it is and returns the response.
func (c *tpmConn) Send(command []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.conn.Write(command); err != nil {
		return nil, err
	}
	header := make([]byte, 10, 512)
	if _, err := io.ReadFull(c.conn, header); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(header[2:])
	if n < 10 || n > 4096 {
		return nil, fmt.Errorf("the TPM announces %d bytes", n)
	}
	response := append(header, make([]byte, n-10)...)
	_, err := io.ReadFull(c.conn, response[10:])
	return response, err
}

// tpmSigner sends the same TPM2_Sign again and again: authorised by an empty password, with
// nothing to compute for the sender.
type tpmSigner struct {
	conn    *tpmConn
	command []byte
}

func (s *tpmSigner) once() error {
	response, err := s.conn.Send(s.command)
	if err != nil {
		return err
	}
	if rc := binary.BigEndian.Uint32(response[6:]); rc != 0 {
		return tpm2.TPMRC(rc)
	}
	return nil
}

func (s *tpmSigner) close() {}

// recorder keeps the last command that passes.
type recorder struct {
	*tpmConn
	last []byte
}

func (r *recorder) Send(command []byte) ([]byte, error) {
	r.last = append([]byte(nil), command...)
	return r.tpmConn.Send(command)
}

// bareTPM makes keys in the TPM, and the commands to sign with them.
func (b *bed) bareTPM(way tpm.TCTI, calls map[string]func() (requester, error)) error {
	conn, err := tpmtest.Dial(way)
	if err != nil {
		return err
	}
	b.undo = append(b.undo, conn.Close)
	c := &tpmConn{conn: conn}
	for work, area := range map[string]tpm2.TPMTPublic{tpmP256: ecArea, tpmRSA: rsaArea} {
		key, err := tpm2.CreatePrimary{
			PrimaryHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: tpm2.PasswordAuth(nil)}, InPublic: tpm2.New2B(area),
		}.Execute(c)
		if err != nil {
			return fmt.Errorf("TPM2_CreatePrimary: %w", err)
		}
		r := &recorder{tpmConn: c}
		sign := tpm2.Sign{
			KeyHandle:  tpm2.AuthHandle{Handle: key.ObjectHandle, Name: key.Name, Auth: tpm2.PasswordAuth(nil)},
			Digest:     tpm2.TPM2BDigest{Buffer: make([]byte, 32)},
			Validation: tpm2.TPMTTKHashCheck{Tag: tpm2.TPMSTHashCheck, Hierarchy: tpm2.TPMRHNull},
		}
		_, err = sign.Execute(r)
		for tries := 0; errors.Is(err, tpm2.TPMRCRetry) && tries < 100; tries++ { // it tests itself first
			_, err = sign.Execute(r)
		}
		if err != nil {
			return fmt.Errorf("TPM2_Sign: %w", err)
		}
		calls[work] = func() (requester, error) { return &tpmSigner{c, r.last}, nil }
	}
	return nil
}

// The public areas of keys that sign, P-256 and RSA-2048, as both services make them.
var (
	signingObject = tpm2.TPMAObject{FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, SignEncrypt: true}

	ecArea = tpm2.TPMTPublic{
		Type: tpm2.TPMAlgECC, NameAlg: tpm2.TPMAlgSHA256, ObjectAttributes: signingObject,
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{
			CurveID: tpm2.TPMECCNistP256,
			Scheme: tpm2.TPMTECCScheme{
				Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: tpm2.TPMAlgSHA256}),
			},
		}),
	}
	rsaArea = tpm2.TPMTPublic{
		Type: tpm2.TPMAlgRSA, NameAlg: tpm2.TPMAlgSHA256, ObjectAttributes: signingObject,
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgRSA, &tpm2.TPMSRSAParms{
			KeyBits: 2048,
			Scheme: tpm2.TPMTRSAScheme{
				Scheme: tpm2.TPMAlgRSASSA, Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgRSASSA, &tpm2.TPMSSigSchemeRSASSA{HashAlg: tpm2.TPMAlgSHA256}),
			},
		}),
	}
)
