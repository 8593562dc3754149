package trust

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"maps"
	"slices"

	"golang.org/x/crypto/blake2b"
)

func merge(all ...map[string]runner) map[string]runner {
	merged := map[string]runner{}
	for _, some := range all {
		maps.Copy(merged, some)
	}
	return merged
}

func runners() map[string]runner { return merge(digests, keys, rsaKeys, codes, objects, texts) }

// inHex is the form of bytes in a vector.
func inHex(b []byte, err error) (any, error) { return hex.EncodeToString(b), err }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (in inputs) secretKey(name string) SecretKey   { return must(NewSecretKey(in.bytes(name))) }
func (in inputs) privateKey(name string) PrivateKey { return must(NewPrivateKey(in.bytes(name))) }
func (in inputs) derivation(name string) KeyDerivation {
	return must(NewKeyDerivation(in.bytes(name)))
}

var digests = map[string]runner{
	"sha256": func(v *vector) (any, error) { return Digest(v.In.bytes("data")).String(), nil },
	"blake2b": func(v *vector) (any, error) {
		h := must(blake2b.New(int(v.In.number("size")), nil))
		h.Write(v.In.bytes("data"))
		return inHex(h.Sum(nil), nil)
	},
	"mac_512": func(v *vector) (any, error) {
		mac, err := v.In.secretKey("key").MAC512(v.In.bytes("data"))
		return inHex(mac[:], err)
	},
	"kdf_secret_key": func(v *vector) (any, error) {
		key := must(v.In.derivation("key").deriveKey(derivationID(v.In.bytes("uuid"))))
		return inHex(key.Export())
	},
	"kdf_uuid": func(v *vector) (any, error) {
		out := make([]byte, 16)
		return inHex(out, v.In.derivation("key").derive(derivationID(v.In.bytes("uuid")), out))
	},
	"argon2id": func(v *vector) (any, error) {
		a := PasswordAlgorithm{
			MemoryKiB:   uint32(v.In.number("memlimit_kb")),
			Iterations:  uint32(v.In.number("opslimit")),
			Parallelism: uint32(v.In.number("parallelism")),
			Salt:        [16]byte(v.In.bytes("salt")),
		}
		key, err := a.SecretKey([]byte(v.In.text("password")))
		if err != nil {
			return nil, err
		}
		return inHex(key.Export())
	},
	"argon2id_email_salt": func(v *vector) (any, error) {
		salt, err := emailSalt(v.In.text("email"))
		return inHex(salt[:], err)
	},
	"account_item_fingerprint": func(v *vector) (any, error) { return Digest([]byte(v.In.text("text"))).String(), nil },
	"x509_hash":                func(v *vector) (any, error) { return X509HashOf(v.In.bytes("certificate_der")).String(), nil },
	"x509_hash_text": func(v *vector) (any, error) {
		h, err := ParseX509Hash(v.In.text("text"))
		if err == nil && h.String() != v.In.text("text") {
			err = ErrCode
		}
		return HashDigest(h).String(), err
	},
}

var keys = map[string]runner{
	"secretbox_decrypt": func(v *vector) (any, error) {
		return inHex(v.In.secretKey("key").Decrypt(v.In.bytes("payload")))
	},
	"sealedbox_decrypt": func(v *vector) (any, error) {
		return inHex(v.In.privateKey("private_key").Open(v.In.bytes("payload")))
	},
	"shared_secret": func(v *vector) (any, error) {
		own, peer := v.In.privateKey("private_key"), PublicKey(v.In.bytes("peer_public_key"))
		shared := own.ClaimerSharedSecret
		if v.In.text("own_public_key_position") == "first" {
			shared = own.GreeterSharedSecret
		}
		return inHex(must(shared(peer)).Export())
	},
	"x25519_public_key": func(v *vector) (any, error) {
		public, err := v.In.privateKey("private_key").Public()
		return public.String(), err
	},
	"ed25519_public_key": func(v *vector) (any, error) {
		public, err := must(NewSigningKey(v.In.bytes("signing_key"))).VerifyKey()
		return public.String(), err
	},
	"ed25519_verify": func(v *vector) (any, error) {
		return inHex(VerifyKey(v.In.bytes("verify_key")).Verify(v.In.bytes("payload")))
	},
	"derive_decrypt": func(v *vector) (any, error) {
		key := must(v.In.derivation("realm_key").deriveKey(derivationID(v.In.bytes("uuid"))))
		return inHex(key.Decrypt(v.In.bytes("payload")))
	},
	"invite_handshake": handshake,
}

func handshake(v *vector) (any, error) {
	greeter, claimer := v.In.privateKey("greeter_private_key"), v.In.privateKey("claimer_private_key")
	greeterPublic, claimerPublic := must(greeter.Public()), must(claimer.Public())
	shared := must(greeter.GreeterSharedSecret(claimerPublic))
	if !shared.Equal(must(claimer.ClaimerSharedSecret(greeterPublic))) {
		return nil, errors.New("both sides differ")
	}
	claimerCode, greeterCode, err := SASCodes(shared, v.In.bytes("claimer_nonce"), v.In.bytes("greeter_nonce"))
	return map[string]string{
		"claimer_public_key":   claimerPublic.String(),
		"greeter_public_key":   greeterPublic.String(),
		"shared_secret_key":    hex.EncodeToString(must(shared.Export())),
		"hashed_claimer_nonce": Digest(v.In.bytes("claimer_nonce")).String(),
		"claimer_sas":          string(claimerCode),
		"greeter_sas":          string(greeterCode),
	}, err
}

var rsaKeys = map[string]runner{
	"sequester_verify": func(v *vector) (any, error) {
		return inHex(must(ParseSequesterVerifyKey(v.In.bytes("public_key_der"))).Verify(v.In.bytes("payload")))
	},
	"sequester_decrypt": func(v *vector) (any, error) {
		return inHex(must(ParseSequesterPrivateKey(v.In.bytes("private_key_der"))).Decrypt(v.In.bytes("payload")))
	},
	"rsa_public_key_accepted": func(v *vector) (any, error) {
		_, err := ParseSequesterVerifyKey(v.In.bytes("public_key_der"))
		return true, err
	},
	"pki_pss_verify": func(v *vector) (any, error) {
		certificate := must(x509.ParseCertificate(v.In.bytes("certificate_der")))
		return true, VerifyX509(certificate, v.In.bytes("data"), v.In.bytes("signature"))
	},
	"pki_oaep_decrypt": func(v *vector) (any, error) {
		return inHex(decryptX509(must(parseRSAPrivate(v.In.bytes("private_key_der"))).key(), v.In.bytes("payload")))
	},
}

var codes = map[string]runner{
	"sas_codes": func(v *vector) (any, error) {
		claimer, greeter, err := SASCodes(v.In.secretKey("shared_secret_key"), v.In.bytes("claimer_nonce"), v.In.bytes("greeter_nonce"))
		return map[string]SASCode{"claimer_sas": claimer, "greeter_sas": greeter}, err
	},
	"sas_from_int": func(v *vector) (any, error) { return SASCodeFromInt(uint32(v.In.number("value"))) },
	"sas_parse":    func(v *vector) (any, error) { return ParseSASCode(v.In.text("text")) },
	"validation_code_parse": func(v *vector) (any, error) {
		return ParseValidationCode(v.In.text("text"))
	},
	"totp": func(v *vector) (any, error) {
		return must(NewTOTPSecret(v.In.bytes("secret"))).code(v.In.number("unix_time")/totpStep, int(v.In.number("digits")))
	},
	"recovery_passphrase_to_key": func(v *vector) (any, error) {
		key, err := SecretKeyFromPassphrase([]byte(v.In.text("passphrase")))
		if err != nil {
			return nil, err
		}
		return inHex(key.Export())
	},
	"recovery_passphrase_from_key": func(v *vector) (any, error) {
		text, err := v.In.secretKey("key").Passphrase()
		return string(text), err
	},
	"shamir_recover": func(v *vector) (any, error) { return inHex(combine(v)) },
}

func combine(v *vector) ([]byte, error) {
	shares := []Share{}
	for _, text := range list(v.In["shares"]) {
		share, err := NewShare(must(hex.DecodeString(text)))
		if err != nil {
			return nil, err
		}
		shares = append(shares, share)
	}
	slices.Reverse(shares) // the order does not matter
	return CombineShares(shares, int(v.In.number("threshold")))
}
