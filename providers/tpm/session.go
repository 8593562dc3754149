package tpm

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// session is one HMAC session that lives as long as the connection and serves one command
// after the other, each with the authorisation value of its object. It implements
// tpm2.Session because the library's own sessions cut an authorisation value at its first
// zero byte and belong to one value only.
//
// Part 1 of the TPM specification, "Session-based authorizations" and "Session-based
// encryption".
type session struct {
	handle      tpm2.TPMHandle
	key         []byte // the session key; empty when the session is not salted
	keyBits     uint16 // of AES-CFB for parameters
	nonceCaller [sha256.Size]byte
	nonceTPM    []byte

	// What the next command needs.
	auth             []byte
	decrypt, encrypt bool
}

// encryption says which parameters of a command are sized buffers, and so may be encrypted.
type encryption uint8

const (
	encryptNone    encryption = 0
	encryptCommand encryption = 1 << iota
	encryptResponse
	encryptBoth = encryptCommand | encryptResponse
)

const (
	attributeContinue byte = 1 << 0
	attributeDecrypt  byte = 1 << 5
	attributeEncrypt  byte = 1 << 6
)

// startSession starts a session; salt is the storage key to which its secret is encrypted,
// nil for none.
func startSession(t transport.TPM, keyBits uint16, salt *primary) (*session, error) {
	s := &session{keyBits: keyBits}
	_, _ = rand.Read(s.nonceCaller[:]) // never fails
	bits := tpm2.TPMKeyBits(keyBits)
	cmd := tpm2.StartAuthSession{
		TPMKey: tpm2.TPMRHNull, Bind: tpm2.TPMRHNull, NonceCaller: tpm2.TPM2BNonce{Buffer: s.nonceCaller[:]},
		SessionType: tpm2.TPMSEHMAC, AuthHash: tpm2.TPMAlgSHA256,
		Symmetric: tpm2.TPMTSymDef{
			Algorithm: tpm2.TPMAlgAES, KeyBits: tpm2.NewTPMUSymKeyBits(tpm2.TPMAlgAES, bits),
			Mode: tpm2.NewTPMUSymMode(tpm2.TPMAlgAES, tpm2.TPMAlgCFB),
		},
	}
	var secret []byte
	if salt != nil {
		public, err := tpm2.ImportEncapsulationKey(&salt.public)
		if err != nil {
			return nil, fmt.Errorf("cannot encrypt to the storage key: %w", err)
		}
		var sealed []byte
		if secret, sealed, err = tpm2.CreateEncryptedSalt(rand.Reader, public); err != nil {
			return nil, fmt.Errorf("cannot encrypt to the storage key: %w", err)
		}
		defer clear(secret)
		cmd.TPMKey, cmd.EncryptedSalt = salt.named(), tpm2.TPM2BEncryptedSecret{Buffer: sealed}
	}
	rsp, err := cmd.Execute(t)
	if err != nil {
		return nil, err
	}
	s.handle, s.nonceTPM = rsp.SessionHandle, rsp.NonceTPM.Buffer
	if salt != nil {
		s.key = kdfa(secret, "ATH", s.nonceTPM, s.nonceCaller[:], sha256.Size)
	}
	return s, nil
}

// with prepares the session for one command on an object with that authorisation value.
func (s *session) with(auth []byte, e encryption) *session {
	s.auth, s.decrypt, s.encrypt = bytes.TrimRight(auth, "\x00"), e&encryptCommand != 0, e&encryptResponse != 0
	return s
}

func (s *session) wipe() { clear(s.key) }

// Init does nothing: the session exists.
func (s *session) Init(transport.TPM) error { return nil }

// CleanupFailure does nothing: a failed command leaves the session as it was.
func (s *session) CleanupFailure(transport.TPM) error { return nil }

// NonceTPM returns the TPM's last nonce.
func (s *session) NonceTPM() tpm2.TPM2BNonce { return tpm2.TPM2BNonce{Buffer: s.nonceTPM} }

// NewNonceCaller draws the nonce of the next command.
func (s *session) NewNonceCaller() error {
	_, err := rand.Read(s.nonceCaller[:])
	return err
}

func (s *session) attributes() byte {
	a := attributeContinue
	if s.decrypt {
		a |= attributeDecrypt
	}
	if s.encrypt {
		a |= attributeEncrypt
	}
	return a
}

// hmac authenticates a command or a response.
func (s *session) hmac(parameters []byte, newer, older, additional []byte, attributes byte) []byte {
	key := append(bytes.Clone(s.key), s.auth...)
	defer clear(key)
	m := hmac.New(sha256.New, key)
	m.Write(parameters)
	m.Write(newer)
	m.Write(older)
	m.Write(additional)
	m.Write([]byte{attributes})
	return m.Sum(nil)
}

// Authorize returns the session's part of a command.
func (s *session) Authorize(
	cc tpm2.TPMCC, parameters, additional []byte, names []tpm2.TPM2BName, _ int,
) (*tpm2.TPMSAuthCommand, error) {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(cc)))
	for _, n := range names {
		h.Write(n.Buffer)
	}
	h.Write(parameters)
	mac := s.hmac(h.Sum(nil), s.nonceCaller[:], s.nonceTPM, additional, s.attributes())
	return &tpm2.TPMSAuthCommand{
		Handle: s.handle, Nonce: tpm2.TPM2BNonce{Buffer: s.nonceCaller[:]},
		Attributes:    tpm2.TPMASession{ContinueSession: true, Decrypt: s.decrypt, Encrypt: s.encrypt},
		Authorization: tpm2.TPM2BData{Buffer: mac},
	}, nil
}

// errForged is a response that the TPM has not authenticated.
var errForged = errors.New("the response is not authenticated by the TPM: something between the agent and the TPM changed it")

// Validate checks the session's part of a response.
func (s *session) Validate(
	rc tpm2.TPMRC, cc tpm2.TPMCC, parameters []byte, _ []tpm2.TPM2BName, _ int, auth *tpm2.TPMSAuthResponse,
) error {
	s.nonceTPM = auth.Nonce.Buffer
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(rc)))
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(cc)))
	h.Write(parameters)
	mac := s.hmac(h.Sum(nil), s.nonceTPM, s.nonceCaller[:], nil, s.attributes())
	if !hmac.Equal(mac, auth.Authorization.Buffer) {
		return errForged
	}
	return nil
}

// IsEncryption reports whether the response's first parameter is encrypted.
func (s *session) IsEncryption() bool { return s.encrypt }

// IsDecryption reports whether the command's first parameter is encrypted.
func (s *session) IsDecryption() bool { return s.decrypt }

// Encrypt encrypts the command's first parameter in place.
func (s *session) Encrypt(parameter []byte) error {
	if !s.decrypt {
		return nil
	}
	return s.cfb(parameter, s.nonceCaller[:], s.nonceTPM, cipher.NewCFBEncrypter) //nolint:staticcheck // the TPM's only mode
}

// Decrypt decrypts the response's first parameter in place.
func (s *session) Decrypt(parameter []byte) error {
	if !s.encrypt {
		return nil
	}
	return s.cfb(parameter, s.nonceTPM, s.nonceCaller[:], cipher.NewCFBDecrypter) //nolint:staticcheck // the TPM's only mode
}

func (s *session) cfb(parameter, newer, older []byte, mode func(cipher.Block, []byte) cipher.Stream) error {
	value := append(bytes.Clone(s.key), s.auth...)
	defer clear(value)
	size := int(s.keyBits) / 8
	material := kdfa(value, "CFB", newer, older, size+aes.BlockSize)
	defer clear(material)
	block, err := aes.NewCipher(material[:size])
	if err != nil {
		return err
	}
	mode(block, material[size:]).XORKeyStream(parameter, parameter)
	return nil
}

// Handle returns the session's handle.
func (s *session) Handle() tpm2.TPMHandle { return s.handle }

// kdfa derives n bytes with SHA-256.
func kdfa(key []byte, label string, u, v []byte, n int) []byte {
	return tpm2.KDFa(crypto.SHA256, key, label, u, v, n*8)
}
