package requesttest

import (
	"bytes"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// sign draws a request of the four signature operations.
func (s *Source) sign(op wire.Opcode, uid uint32) proto.Message {
	k := s.keyFor(uid, psa.Kind.Signature)
	if op == wire.OpVerifyHash && chance(s.r, 70) {
		if v := s.seen(k, func(m proto.Message) bool { _, ok := m.(*psapb.Verify); return ok }); v != nil {
			return s.tamper(v)
		}
	}
	alg := s.algFor(k, func(kind psa.Kind) bool { return kind.Signature() && kind != psa.AlgPureEdDSA })
	m, err := psa.EncodeSignature(alg)
	if err != nil {
		panic(err) // algorithms are ours
	}
	n := alg.Hash.Size()
	if alg.Hash.Size() == 0 {
		n = pick(s.r, 20, 32, 48, 64)
	}
	if chance(s.r, 8) {
		n = pick(s.r, 0, 1, 31, 33, 64, 100, 245, 300)
	}
	input := randomBytes(s.r, n)
	if op == wire.OpSignHash || op == wire.OpSignMessage {
		return &psapb.Sign{KeyName: string(k.Name), Alg: m, Input: input}
	}
	size := pick(s.r, 0, 1, 48, 56, 63, 64, 65, 96, 128, 132, 256)
	return &psapb.Verify{KeyName: string(k.Name), Alg: m, Input: input, Signature: randomBytes(s.r, size)}
}

// seen draws an earlier output of a key in the form of the opposite request.
func (s *Source) seen(k *Key, fits func(proto.Message) bool) proto.Message {
	var found []proto.Message
	all := k.made
	if k.pair != nil {
		all = append(slices.Clone(all), k.pair.made...)
	}
	for _, m := range all {
		if fits(m) {
			found = append(found, m)
		}
	}
	if len(found) == 0 {
		return nil
	}
	m := proto.Clone(pick(s.r, found...))
	if v, ok := m.(*psapb.Verify); ok {
		v.KeyName = string(k.Name) // its pair made it
	}
	return m
}

// tamper changes a bit of a request that would succeed, in some cases.
func (s *Source) tamper(m proto.Message) proto.Message {
	flip := func(b []byte) {
		if len(b) > 0 {
			b[s.r.IntN(len(b))] ^= 1 << s.r.IntN(8)
		}
	}
	if chance(s.r, 60) {
		return m
	}
	switch m := m.(type) {
	case *psapb.Verify:
		switch s.r.IntN(4) {
		case 0:
			flip(m.GetInput())
		case 1:
			m.Signature = m.GetSignature()[:max(len(m.GetSignature())-1, 0)]
		case 2:
			m.Signature = append(m.GetSignature(), 0)
		default:
			flip(m.GetSignature())
		}
	case *psapb.AeadCrypt:
		switch s.r.IntN(5) {
		case 0:
			flip(m.GetNonce())
		case 1:
			flip(m.GetAdditionalData())
		case 2:
			m.Input = m.GetInput()[:s.r.IntN(len(m.GetInput())+1)]
		case 3:
			m.AdditionalData = append(m.GetAdditionalData(), 1)
		default:
			flip(m.GetInput())
		}
	case *psapb.AsymmetricCrypt:
		switch s.r.IntN(3) {
		case 0:
			m.Salt = append(m.GetSalt(), 'x')
		case 1:
			m.Input = m.GetInput()[:s.r.IntN(len(m.GetInput())+1)]
		default:
			m.Input = append(m.GetInput(), 0)
		}
	}
	return m
}

func (s *Source) crypt(op wire.Opcode, uid uint32) proto.Message {
	k := s.keyFor(uid, psa.Kind.Encryption)
	if op == wire.OpAsymmetricDecrypt && chance(s.r, 80) {
		if v := s.seen(k, func(m proto.Message) bool { _, ok := m.(*psapb.AsymmetricCrypt); return ok }); v != nil {
			return s.tamper(v)
		}
	}
	alg := s.algFor(k, psa.Kind.Encryption)
	m, err := psa.EncodeEncryption(alg)
	if err != nil {
		panic(err) // algorithms are ours
	}
	in := &psapb.AsymmetricCrypt{KeyName: string(k.Name), Alg: m, Input: randomBytes(s.r, pick(s.r, 0, 1, 16, 32, 62, 63, 117, 118, 190, 191, 245, 246))}
	if chance(s.r, 25) {
		in.Salt = randomBytes(s.r, s.r.IntN(20))
	}
	if op == wire.OpAsymmetricDecrypt && alg.Kind == psa.AlgRSAOAEP && k.Attributes.Bits >= 1024 && chance(s.r, 50) {
		in.Input = randomBytes(s.r, int(k.Attributes.Bits/8))
		in.Input[0] = 0
	}
	return in
}

func (s *Source) aead(op wire.Opcode, uid uint32) proto.Message {
	k := s.keyFor(uid, psa.Kind.AEAD)
	if op == wire.OpAEADDecrypt && chance(s.r, 75) {
		if v := s.seen(k, func(m proto.Message) bool { _, ok := m.(*psapb.AeadCrypt); return ok }); v != nil {
			return s.tamper(v)
		}
	}
	m, err := psa.EncodeAEAD(s.algFor(k, psa.Kind.AEAD))
	if err != nil {
		panic(err) // algorithms are ours
	}
	nonce := pick(s.r, 12, 12, 12, 12, 7, 13, 0, 1, 6, 8, 14, 16, 64)
	return &psapb.AeadCrypt{
		KeyName: string(k.Name), Alg: m, Nonce: randomBytes(s.r, nonce), AdditionalData: randomBytes(s.r, s.r.IntN(40)),
		Input: randomBytes(s.r, pick(s.r, 0, 1, 15, 16, 17, 40, 1000)),
	}
}

// peer draws the public key for an agreement.
func (s *Source) peer(k *Key) []byte {
	var same [][]byte
	for _, other := range s.Keys() {
		if other.Public != nil && other.Attributes.Curve == k.Attributes.Curve && len(other.Public) > 0 {
			same = append(same, other.Public)
		}
	}
	switch {
	case len(same) > 0 && chance(s.r, 80):
		p := bytes.Clone(pick(s.r, same...))
		if chance(s.r, 15) {
			p[s.r.IntN(len(p))] ^= 1
		}
		return p
	case k.Attributes.Curve == psa.CurveMontgomery && chance(s.r, 70):
		return randomBytes(s.r, pick(s.r, 32, 32, 56, 31, 33))
	case len(s.publics) > 0 && chance(s.r, 60):
		return pick(s.r, s.publics...).data
	}
	return randomBytes(s.r, pick(s.r, 0, 1, 32, 56, 64, 65, 97, 133))
}

// compare draws a request of HashCompare, right in half of the cases.
func (s *Source) compare() proto.Message {
	h := psa.Hash(s.r.IntN(17))
	input := randomBytes(s.r, s.r.IntN(200))
	m := &psapb.HashCompare{Alg: int32(h), Input: input, Hash: randomBytes(s.r, pick(s.r, 0, 16, 20, 28, 32, 48, 64))}
	if std := h.Std(); std.Available() && chance(s.r, 60) {
		d := std.New()
		d.Write(input)
		m.Hash = d.Sum(nil)
	}
	return m
}

// keepMade is how many outputs of one key are kept, keepPublics how many public halves.
const (
	keepMade    = 8
	keepPublics = 50
)

// learn takes the result of an operation with the key.
func (k *Key) learn(s *Source, m Meaning, result []byte) {
	if m.Opcode == wire.OpPrepareKeyAttestation {
		k.learnAttestation(result)
		return
	}
	out, err := output(result)
	if err != nil {
		return
	}
	var opposite proto.Message
	switch in := m.Message.(type) {
	case *psapb.Sign:
		if m.Opcode == wire.OpSignHash {
			opposite = &psapb.Verify{KeyName: in.GetKeyName(), Alg: in.GetAlg(), Input: in.GetInput(), Signature: out}
		}
	case *psapb.AsymmetricCrypt:
		if m.Opcode == wire.OpAsymmetricEncrypt {
			opposite = &psapb.AsymmetricCrypt{KeyName: in.GetKeyName(), Alg: in.GetAlg(), Input: out, Salt: in.GetSalt()}
		}
	case *psapb.AeadCrypt:
		if m.Opcode == wire.OpAEADEncrypt {
			opposite = &psapb.AeadCrypt{
				KeyName: in.GetKeyName(), Alg: in.GetAlg(), Nonce: in.GetNonce(), AdditionalData: in.GetAdditionalData(), Input: out,
			}
		}
	case *psapb.KeyRef:
		if m.Opcode == wire.OpExportPublicKey {
			k.Public = out
			if len(s.publics) < keepPublics {
				s.publics = append(s.publics, public{k, out})
			}
		}
	}
	if c, ok := opposite.(*psapb.AsymmetricCrypt); ok && k.pair != nil { // its pair decrypts
		k = k.pair
		c.KeyName = string(k.Name)
	}
	if opposite != nil && k.Shared && len(k.made) < keepMade {
		k.made = append(k.made, opposite)
	}
}

// output reads the one byte string of a result.
func output(result []byte) ([]byte, error) {
	m := &psapb.Output{}
	err := psa.Unmarshal(result, m)
	return m.GetOutput(), err
}

// forget drops the keys of a deleted client.
func (s *Source) forget(m Meaning) {
	in, ok := m.Message.(*psapb.DeleteClient)
	if !ok {
		return
	}
	for name, k := range s.keys {
		if in.GetClient() == formatUID(k.UID) {
			delete(s.keys, name)
		}
	}
}
