package client

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// use makes a request that uses a key.
func (c *Client) use(ctx context.Context, op wire.Opcode, name psa.KeyName, in proto.Message) ([]byte, error) {
	q, err := c.crypto(ctx, op, keyObject(name))
	if err != nil {
		return nil, err
	}
	q.in = in
	return c.output(ctx, q)
}

// signature makes a signature request. Algorithms that the original's message cannot
// express go into the extension.
func (c *Client) signature(ctx context.Context, op wire.Opcode, name psa.KeyName, alg psa.Algorithm,
	message func(*psapb.AsymmetricSignature) proto.Message,
) ([]byte, error) {
	q, err := c.crypto(ctx, op, keyObject(name))
	if err != nil {
		return nil, err
	}
	m, err := psa.EncodeSignature(alg)
	if err != nil {
		if !alg.Kind.Signature() {
			return nil, err
		}
		m = nil
		q.ext = &agentpb.Extension{Algorithm: agent.EncodeAlgorithm(alg)}
		q.needs = "the algorithm " + alg.String()
	}
	q.in = message(m)
	return c.output(ctx, q)
}

// SignHash signs a hash. ECDSA signatures are r ‖ s, see docs/spec/parsec-service.md
// section 3.5; Key.Sign returns the ASN.1 form.
func (c *Client) SignHash(ctx context.Context, name psa.KeyName, alg psa.Algorithm, hash []byte) ([]byte, error) {
	return c.signature(ctx, wire.OpSignHash, name, alg, func(m *psapb.AsymmetricSignature) proto.Message {
		return &psapb.Sign{KeyName: string(name), Alg: m, Input: hash}
	})
}

// VerifyHash verifies a signature of a hash; a mismatch is StatusInvalidSignature.
func (c *Client) VerifyHash(ctx context.Context, name psa.KeyName, alg psa.Algorithm, hash, signature []byte) error {
	_, err := c.signature(ctx, wire.OpVerifyHash, name, alg, func(m *psapb.AsymmetricSignature) proto.Message {
		return &psapb.Verify{KeyName: string(name), Alg: m, Input: hash, Signature: signature}
	})
	return err
}

// SignMessage signs a message, which the service hashes.
func (c *Client) SignMessage(ctx context.Context, name psa.KeyName, alg psa.Algorithm, message []byte) ([]byte, error) {
	return c.signature(ctx, wire.OpSignMessage, name, alg, func(m *psapb.AsymmetricSignature) proto.Message {
		return &psapb.Sign{KeyName: string(name), Alg: m, Input: message}
	})
}

// VerifyMessage verifies a signature of a message; a mismatch is StatusInvalidSignature.
func (c *Client) VerifyMessage(ctx context.Context, name psa.KeyName, alg psa.Algorithm, message, signature []byte) error {
	_, err := c.signature(ctx, wire.OpVerifyMessage, name, alg, func(m *psapb.AsymmetricSignature) proto.Message {
		return &psapb.Verify{KeyName: string(name), Alg: m, Input: message, Signature: signature}
	})
	return err
}

// AsymmetricEncrypt encrypts to the public half of a key. Label is that of OAEP and may
// be nil.
func (c *Client) AsymmetricEncrypt(ctx context.Context, name psa.KeyName, alg psa.Algorithm, plaintext, label []byte) ([]byte, error) {
	return c.asymmetric(ctx, wire.OpAsymmetricEncrypt, name, alg, plaintext, label)
}

// AsymmetricDecrypt decrypts with the private half of a key.
func (c *Client) AsymmetricDecrypt(ctx context.Context, name psa.KeyName, alg psa.Algorithm, ciphertext, label []byte) ([]byte, error) {
	return c.asymmetric(ctx, wire.OpAsymmetricDecrypt, name, alg, ciphertext, label)
}

func (c *Client) asymmetric(ctx context.Context, op wire.Opcode, name psa.KeyName, alg psa.Algorithm, input, label []byte) ([]byte, error) {
	m, err := psa.EncodeEncryption(alg)
	if err != nil {
		return nil, err
	}
	return c.use(ctx, op, name, &psapb.AsymmetricCrypt{KeyName: string(name), Alg: m, Input: input, Salt: label})
}

// AEADEncrypt returns ciphertext ‖ tag. A nonce must never be used twice with a key.
func (c *Client) AEADEncrypt(ctx context.Context, name psa.KeyName, alg psa.Algorithm, nonce, additionalData, plaintext []byte) ([]byte, error) {
	return c.aead(ctx, wire.OpAEADEncrypt, name, alg, nonce, additionalData, plaintext)
}

// AEADDecrypt takes ciphertext ‖ tag; a mismatch is StatusInvalidSignature.
func (c *Client) AEADDecrypt(ctx context.Context, name psa.KeyName, alg psa.Algorithm, nonce, additionalData, ciphertext []byte) ([]byte, error) {
	return c.aead(ctx, wire.OpAEADDecrypt, name, alg, nonce, additionalData, ciphertext)
}

func (c *Client) aead(ctx context.Context, op wire.Opcode, name psa.KeyName, alg psa.Algorithm, nonce, ad, input []byte) ([]byte, error) {
	m, err := psa.EncodeAEAD(alg)
	if err != nil {
		return nil, err
	}
	return c.use(ctx, op, name, &psapb.AeadCrypt{KeyName: string(name), Alg: m, Nonce: nonce, AdditionalData: ad, Input: input})
}

// CipherEncrypt returns IV ‖ ciphertext. It does not protect integrity.
func (c *Client) CipherEncrypt(ctx context.Context, name psa.KeyName, alg psa.Algorithm, plaintext []byte) ([]byte, error) {
	return c.use(ctx, wire.OpCipherEncrypt, name, &psapb.CipherCrypt{KeyName: string(name), Alg: psa.EncodeCipher(alg), Input: plaintext})
}

// CipherDecrypt takes IV ‖ ciphertext.
func (c *Client) CipherDecrypt(ctx context.Context, name psa.KeyName, alg psa.Algorithm, ciphertext []byte) ([]byte, error) {
	return c.use(ctx, wire.OpCipherDecrypt, name, &psapb.CipherCrypt{KeyName: string(name), Alg: psa.EncodeCipher(alg), Input: ciphertext})
}

// RawKeyAgreement returns the secret that the key shares with a public key, both in the
// formats of docs/spec/parsec-service.md section 3.5. Derive keys from it, do not use it
// as one.
func (c *Client) RawKeyAgreement(ctx context.Context, name psa.KeyName, alg psa.Algorithm, peer []byte) ([]byte, error) {
	return c.use(ctx, wire.OpRawKeyAgreement, name,
		&psapb.RawKeyAgreement{Alg: psa.EncodeRawAgreement(alg), PrivateKeyName: string(name), PeerKey: peer})
}

// MACCompute returns the message authentication code of a message, on a parsec-agent.
func (c *Client) MACCompute(ctx context.Context, name psa.KeyName, alg psa.Algorithm, message []byte) ([]byte, error) {
	m, err := psa.EncodeMAC(alg)
	if err != nil {
		return nil, err
	}
	return c.mac(ctx, wire.OpMACCompute, name, &psapb.MacCompute{KeyName: string(name), Alg: m, Input: message})
}

// MACVerify verifies a message authentication code, on a parsec-agent; a mismatch is
// StatusInvalidSignature.
func (c *Client) MACVerify(ctx context.Context, name psa.KeyName, alg psa.Algorithm, message, mac []byte) error {
	m, err := psa.EncodeMAC(alg)
	if err != nil {
		return err
	}
	_, err = c.mac(ctx, wire.OpMACVerify, name, &psapb.MacVerify{KeyName: string(name), Alg: m, Input: message, Mac: mac})
	return err
}

func (c *Client) mac(ctx context.Context, op wire.Opcode, name psa.KeyName, in proto.Message) ([]byte, error) {
	q, err := c.crypto(ctx, op, keyObject(name))
	if err != nil {
		return nil, err
	}
	q.in, q.needs = in, "message authentication codes"
	return c.output(ctx, q)
}
