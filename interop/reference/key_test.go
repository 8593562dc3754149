//go:build interop

package reference

import (
	"encoding/hex"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// primitive is what a key makes and a key opens.
type primitive struct {
	kind string
	// seal makes it of a plaintext, open is the way back; key is what the sample is opened with.
	seal func(d *draw, plain []byte) (data, key []byte)
	open func(key, data []byte) ([]byte, error)
	// sealOp and openOp are the oracle's; sealKey is what it seals with, given the key to open with.
	sealOp, openOp string
	sealKey        func(key []byte) []byte
}

func (w *world) primitives() []subject {
	same := func(key []byte) []byte { return key }
	all := []primitive{
		{
			kind: "signature",
			seal: func(d *draw, plain []byte) (data, key []byte) {
				k := must(trust.NewSigningKey(d.sized(32)))
				verify := must(k.VerifyKey())
				return must(k.Sign(plain)), verify[:]
			},
			open:   openSignature,
			openOp: "verify",
		},
		{
			kind: "secret key ciphertext",
			seal: func(d *draw, plain []byte) (data, key []byte) {
				k := d.sized(32)
				return must(must(trust.NewSecretKey(k)).Encrypt(plain)), k
			},
			open:   func(key, data []byte) ([]byte, error) { return must(trust.NewSecretKey(key)).Decrypt(data) },
			sealOp: "secretbox_seal", openOp: "secretbox_open", sealKey: same,
		},
		{
			kind: "sealed box",
			seal: func(d *draw, plain []byte) (data, key []byte) {
				k := d.sized(32)
				return must(must(must(trust.NewPrivateKey(k)).Public()).Seal(plain)), k
			},
			open:   func(key, data []byte) ([]byte, error) { return must(trust.NewPrivateKey(key)).Open(data) },
			sealOp: "sealedbox_seal", openOp: "sealedbox_open",
			sealKey: func(key []byte) []byte { public := must(must(trust.NewPrivateKey(key)).Public()); return public[:] },
		},
		{
			kind: "sequester ciphertext",
			seal: func(_ *draw, plain []byte) (data, key []byte) {
				return must(must(trust.ParseSequesterEncryptionKey(w.encryptDER)).Encrypt(plain)), nil
			},
			open:   func(_, data []byte) ([]byte, error) { return w.opener.Decrypt(data) },
			sealOp: "sequester_seal", openOp: "sequester_open",
			sealKey: func([]byte) []byte { return w.encryptDER },
		},
		{
			kind: "sequester signature",
			seal: func(_ *draw, plain []byte) (data, key []byte) { return must(w.sequester.Sign(plain)), w.verifyDER },
			open: func(_, data []byte) ([]byte, error) {
				return must(trust.ParseSequesterVerifyKey(w.verifyDER)).Verify(data)
			},
			sealOp: "sequester_sign", openOp: "sequester_verify", sealKey: same,
		},
	}
	subjects := []subject{}
	for _, p := range all {
		subjects = append(subjects, p.subject())
	}
	return subjects
}

func (p primitive) subject() subject {
	s := subject{
		kind: p.kind,
		make: func(d *draw) sample {
			data, key := p.seal(d, d.bytes())
			return sample{data: data, key: key}
		},
		read:    func(s sample) ([]byte, error) { return p.open(s.key, s.data) },
		ask:     func(s sample) question { return s.question(p.openOp, p.kind, s.key) },
		written: written,
		mutate: func(d *draw, s sample) sample {
			s.data = d.mutateBytes(s.data)
			return s
		},
	}
	// The reference seals a plaintext of the seed for a key of the seed.
	key := func(seed uint64) []byte { _, key := p.seal(newDraw(seed, 1), nil); return key }
	s.made = func(seed uint64) question {
		return question{
			Op: p.sealOp, Kind: p.kind, Seed: seed,
			Data: hex.EncodeToString(newDraw(seed, 2).bytes()), Key: hex.EncodeToString(p.sealKey(key(seed))),
		}
	}
	s.sample = func(seed uint64, a answer) (sample, error) {
		data, err := hex.DecodeString(a.Out)
		return sample{data: data, key: key(seed)}, err
	}
	if p.sealOp == "" { // a signing key is not its verify key
		s.made = func(seed uint64) question {
			d := newDraw(seed, 1)
			return question{Op: "sign", Kind: p.kind, Seed: seed, Key: hex.EncodeToString(d.sized(32)), Data: hex.EncodeToString(d.bytes())}
		}
	}
	return s
}

func written(a answer) ([]byte, error) { return hex.DecodeString(a.Out) }

// function is what both sides compute of the same: no side reads the other's.
func function(kind, op string, keySize int, compute func(key, data []byte) ([]byte, error)) subject {
	return subject{
		kind:    kind,
		make:    func(d *draw) sample { return sample{key: d.sized(keySize), data: d.bytes()} },
		read:    func(s sample) ([]byte, error) { return compute(s.key, s.data) },
		ask:     func(s sample) question { return s.question(op, kind, s.key) },
		written: written,
	}
}

func functions() []subject {
	return []subject{
		function("verify key of a signing key", "verify_key", 32, func(key, _ []byte) ([]byte, error) {
			k, err := must(trust.NewSigningKey(key)).VerifyKey()
			return k[:], err
		}),
		function("public key of a private key", "public_key", 32, func(key, _ []byte) ([]byte, error) {
			k, err := must(trust.NewPrivateKey(key)).Public()
			return k[:], err
		}),
		function("MAC", "mac", 32, func(key, data []byte) ([]byte, error) {
			mac, err := must(trust.NewSecretKey(key)).MAC512(data)
			return mac[:], err
		}),
		function("digest", "digest", 0, func(_, data []byte) ([]byte, error) { digest := trust.Digest(data); return digest[:], nil }),
	}
}

// passphrases are texts that a key is made of, in both directions.
func passphrases() subject {
	s := text(textKind{"recovery passphrase", func(d *draw) string {
		return string(must(must(trust.NewSecretKey(d.sized(32))).Passphrase()))
	}, func(s string) (string, error) {
		key, err := trust.SecretKeyFromPassphrase([]byte(s))
		if err != nil {
			return "", err
		}
		return hex.EncodeToString(must(key.Export())), nil
	}}, "passphrase_key", "passphrase_new", (*draw).mutateText)
	s.sample = func(_ uint64, a answer) (sample, error) { return sample{data: []byte(a.Text)}, nil }
	return s
}

// sequesterKeys are public keys in DER, whole and damaged.
func (w *world) sequesterKeys() subject {
	s := function("sequester public key", "sequester_key", 0, func(_, der []byte) ([]byte, error) {
		k, err := trust.ParseSequesterEncryptionKey(der)
		if err != nil {
			return nil, err
		}
		return k.DER(), nil
	})
	s.make = func(d *draw) sample { return sample{data: pick(d, [][]byte{w.encryptDER, w.verifyDER})} }
	s.mutate = func(d *draw, s sample) sample {
		s.data = d.mutateBytes(s.data)
		return s
	}
	return s
}

func openSignature(key, data []byte) ([]byte, error) { return trust.VerifyKey(key).Verify(data) }
