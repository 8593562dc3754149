package providertest

import (
	"bytes"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

func (u user) aead(alg psa.Algorithm) {
	u.t.Helper()
	e, encrypts := u.p.(providers.AEADEncrypter)
	d, decrypts := u.p.(providers.AEADDecrypter)
	if !encrypts {
		return
	}
	tag := uint64(16)
	if alg.Truncated {
		tag = alg.Length
	}
	in := providers.AEADInput{Nonce: random(12), AdditionalData: random(33), Data: random(100)}
	sealed, err := e.AEADEncrypt(u.t.Context(), u.key, alg, in)
	if !u.status("seal", err, wire.StatusSuccess) {
		return
	}
	if uint64(len(sealed)) != uint64(len(in.Data))+tag {
		u.t.Errorf("%s: %d bytes sealed are %d, the tag has %d", u.name, len(in.Data), len(sealed), tag)
	}
	if !decrypts {
		return
	}
	open := func(change func(*providers.AEADInput)) ([]byte, error) {
		c := providers.AEADInput{Nonce: in.Nonce, AdditionalData: in.AdditionalData, Data: sealed}
		change(&c)
		return d.AEADDecrypt(u.t.Context(), u.key, alg, c)
	}
	got, err := open(func(*providers.AEADInput) {})
	if u.status("open", err, wire.StatusSuccess) {
		u.equal("opened", got, in.Data)
	}
	for what, change := range map[string]func(*providers.AEADInput){
		"data":            func(c *providers.AEADInput) { c.Data = flipped(c.Data) },
		"tag":             func(c *providers.AEADInput) { c.Data = bytes.Clone(c.Data); c.Data[len(c.Data)-1] ^= 1 },
		"nonce":           func(c *providers.AEADInput) { c.Nonce = flipped(c.Nonce) },
		"associated data": func(c *providers.AEADInput) { c.AdditionalData = nil },
	} {
		_, err = open(change)
		u.status("open with other "+what, err, wire.StatusInvalidSignature)
	}
}

func (u user) cipher(alg psa.Algorithm) {
	u.t.Helper()
	e, encrypts := u.p.(providers.CipherEncrypter)
	d, decrypts := u.p.(providers.CipherDecrypter)
	if !encrypts {
		return
	}
	plaintext := random(96) // whole blocks of every cipher
	ciphertext, err := e.CipherEncrypt(u.t.Context(), u.key, alg, plaintext)
	if !u.status("encrypt", err, wire.StatusSuccess) {
		return
	}
	if bytes.Contains(ciphertext, plaintext[:16]) {
		u.t.Errorf("%s: the ciphertext contains the plaintext", u.name)
	}
	if decrypts {
		got, err := d.CipherDecrypt(u.t.Context(), u.key, alg, ciphertext)
		if u.status("decrypt", err, wire.StatusSuccess) {
			u.equal("decrypted", got, plaintext)
		}
	}
	again, err := e.CipherEncrypt(u.t.Context(), u.key, alg, plaintext)
	if u.status("encrypt again", err, wire.StatusSuccess) && bytes.Equal(again, ciphertext) != (alg.Kind == psa.AlgECBNoPadding) {
		u.t.Errorf("%s: the initialisation vector is not fresh", u.name)
	}
}

func (u user) mac(alg psa.Algorithm) {
	u.t.Helper()
	c, computes := u.p.(providers.MACComputer)
	v, verifies := u.p.(providers.MACVerifier)
	if !computes {
		return
	}
	input := random(64) // whole blocks of every cipher
	mac, err := c.MACCompute(u.t.Context(), u.key, alg, input)
	if !u.status("compute", err, wire.StatusSuccess) {
		return
	}
	if alg.Truncated && uint64(len(mac)) != alg.Length {
		u.t.Errorf("%s: %d bytes, not %d", u.name, len(mac), alg.Length)
	}
	if verifies {
		verify := func(input, mac []byte) error { return v.MACVerify(u.t.Context(), u.key, alg, input, mac) }
		u.status("verify", verify(input, mac), wire.StatusSuccess)
		u.status("verify another input", verify(flipped(input), mac), wire.StatusInvalidSignature)
		u.status("verify another mac", verify(input, flipped(mac)), wire.StatusInvalidSignature)
		u.status("verify a cut mac", verify(input, mac[1:]), wire.StatusInvalidSignature)
	}
}

// agreement agrees with the standard library, and with a second key where one can be made.
func (u user) agreement(alg psa.Algorithm) {
	u.t.Helper()
	agreer, agrees := u.p.(providers.KeyAgreer)
	exporter, exports := u.p.(providers.PublicExporter)
	if !agrees || !exports {
		return
	}
	u.agreeWithStandard(agreer, alg)
	_, err := agreer.RawKeyAgreement(u.t.Context(), u.key, alg, nil)
	u.status("agree with nobody", err, wire.StatusInvalidArgument)
	if g, generates := u.p.(providers.Generator); generates && canGenerate(u.p, u.key.Attributes) == nil {
		u.agreeWithAnother(g, agreer, exporter, alg)
	}
}

// agreeWithAnother makes a second key and compares both sides' secrets.
func (u user) agreeWithAnother(g providers.Generator, agreer providers.KeyAgreer, exporter providers.PublicExporter, alg psa.Algorithm) {
	u.t.Helper()
	attrs := u.key.Attributes
	id, err := g.GenerateKey(u.t.Context(), attrs)
	if !u.status("generate the peer", err, wire.StatusSuccess) {
		return
	}
	peer := providers.Key{ID: id, Attributes: attrs}
	if d, ok := u.p.(providers.Destroyer); ok {
		defer func() { u.status("destroy the peer", d.DestroyKey(u.t.Context(), peer), wire.StatusSuccess) }()
	}
	agree := func(mine, theirs providers.Key) []byte {
		public, err := exporter.ExportPublicKey(u.t.Context(), theirs)
		u.status("export the peer", err, wire.StatusSuccess)
		secret, err := agreer.RawKeyAgreement(u.t.Context(), mine, alg, public)
		u.status("agree", err, wire.StatusSuccess)
		return secret
	}
	secret := agree(u.key, peer)
	u.equal("the shared secret", agree(peer, u.key), secret)
	if len(secret) == 0 {
		u.t.Errorf("%s: the shared secret is empty", u.name)
	}
}
