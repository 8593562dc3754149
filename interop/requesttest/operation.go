package requesttest

import (
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// weighted is an operation and how often it is drawn.
type weighted struct {
	op     wire.Opcode
	weight int
}

var softwareOperations = []weighted{
	{wire.OpGenerateKey, 12},
	{wire.OpImportKey, 16},
	{wire.OpDestroyKey, 5},
	{wire.OpSignHash, 14},
	{wire.OpVerifyHash, 12},
	{wire.OpExportPublicKey, 7},
	{wire.OpExportKey, 5},
	{wire.OpAsymmetricEncrypt, 7},
	{wire.OpAsymmetricDecrypt, 7},
	{wire.OpAEADEncrypt, 8},
	{wire.OpAEADDecrypt, 8},
	{wire.OpRawKeyAgreement, 6},
	{wire.OpHashCompute, 4},
	{wire.OpHashCompare, 3},
	{wire.OpGenerateRandom, 3},
	{wire.OpCanDoCrypto, 16},
	{wire.OpCipherEncrypt, 2},
	{wire.OpCipherDecrypt, 1},
	{wire.OpSignMessage, 2},
	{wire.OpVerifyMessage, 2},
	{wire.OpAttestKey, 1},
	{wire.OpPrepareKeyAttestation, 1},
	{wire.OpPing, 1},
	{wire.OpListProviders, 1},
	{wire.OpListOpcodes, 2},
	{wire.OpListAuthenticators, 1},
	{wire.OpListKeys, 3},
	{wire.OpListClients, 1},
	{wire.OpDeleteClient, 1},
	{wire.OpMACCompute, 1},
	{wire.OpMACVerify, 1},
}

// operation draws an operation and the message of its request.
func (s *Source) operation(uid uint32) (wire.Opcode, proto.Message) {
	if len(s.keys) > maxKeys {
		return wire.OpDestroyKey, s.request(wire.OpDestroyKey, uid)
	}
	total := 0
	for _, w := range s.focus.operations {
		total += w.weight
	}
	n := s.r.IntN(total)
	for _, w := range s.focus.operations {
		if n -= w.weight; n < 0 {
			return w.op, s.request(w.op, uid)
		}
	}
	return wire.OpPing, nil
}

// someKey draws a key of the user that exists, in most cases.
func (s *Source) someKey(uid uint32) *Key {
	if k := s.known(uid, func(*Key) bool { return true }); k != nil && chance(s.r, 92) {
		return k
	}
	if k := s.known(pick(s.r, s.uids...), func(*Key) bool { return true }); k != nil && chance(s.r, 50) {
		return k
	}
	return &Key{Name: s.name(), Attributes: s.focus.attributes(s.r)}
}

// keyFor draws a key whose policy is of some sort, in most cases.
func (s *Source) keyFor(uid uint32, sort func(psa.Kind) bool) *Key {
	if k := s.known(uid, func(k *Key) bool { return sort(k.Attributes.Alg.Kind) }); k != nil && chance(s.r, 90) {
		return k
	}
	return s.someKey(uid)
}

// algFor draws the algorithm of an operation: mostly what the policy permits.
func (s *Source) algFor(k *Key, sort func(psa.Kind) bool) psa.Algorithm {
	a := k.Attributes.Alg
	if !sort(a.Kind) || chance(s.r, 12) {
		for a = algorithm(s.r); !sort(a.Kind); a = algorithm(s.r) {
		}
		return a
	}
	if a.Hash == psa.HashAny && chance(s.r, 90) {
		a.Hash = hash(s.r)
	}
	return a
}

func (s *Source) request(op wire.Opcode, uid uint32) proto.Message {
	switch op {
	case wire.OpGenerateKey, wire.OpImportKey:
		return s.create(op, uid)
	case wire.OpDestroyKey:
		k := s.someKey(uid)
		if k.given && chance(s.r, 95) {
			k = s.someKey(uid)
		}
		return &psapb.KeyRef{KeyName: string(k.Name)}
	case wire.OpExportPublicKey, wire.OpExportKey:
		return &psapb.KeyRef{KeyName: string(s.someKey(uid).Name)}
	case wire.OpSignHash, wire.OpVerifyHash, wire.OpSignMessage, wire.OpVerifyMessage:
		return s.sign(op, uid)
	case wire.OpAsymmetricEncrypt, wire.OpAsymmetricDecrypt:
		return s.crypt(op, uid)
	case wire.OpAEADEncrypt, wire.OpAEADDecrypt:
		return s.aead(op, uid)
	case wire.OpCipherEncrypt, wire.OpCipherDecrypt:
		k := s.keyFor(uid, psa.Kind.Cipher)
		return &psapb.CipherCrypt{KeyName: string(k.Name), Alg: psa.EncodeCipher(s.algFor(k, psa.Kind.Cipher)), Input: randomBytes(s.r, s.r.IntN(100))}
	case wire.OpRawKeyAgreement:
		k := s.keyFor(uid, psa.Kind.Agreement)
		alg := psa.EncodeRawAgreement(psa.Algorithm{Kind: pick(s.r, psa.AlgECDH, psa.AlgECDH, psa.AlgECDH, psa.AlgFFDH)})
		return &psapb.RawKeyAgreement{Alg: alg, PrivateKeyName: string(k.Name), PeerKey: s.peer(k)}
	case wire.OpHashCompute:
		return &psapb.HashCompute{Alg: int32(s.r.IntN(17)), Input: randomBytes(s.r, s.r.IntN(300))}
	case wire.OpHashCompare:
		return s.compare()
	case wire.OpGenerateRandom:
		return &psapb.GenerateRandom{Size: pick[uint64](s.r, 0, 1, 32, 1000, 1<<20, 1<<20+1, 1<<32, 1<<64-1)}
	case wire.OpCanDoCrypto:
		m := &psapb.CanDoCrypto{CheckType: int32(s.r.IntN(4) + 1), Attributes: s.encode(s.focus.attributes(s.r))}
		if chance(s.r, 4) {
			m.CheckType = pick[int32](s.r, 0, 5, -1)
		}
		return m
	case wire.OpListOpcodes:
		return &psapb.ListOpcodes{ProviderId: pick[uint32](s.r, 0, 1, 1, 2, 3, 4, 5, 6, 255, 256, 1<<31)}
	case wire.OpDeleteClient:
		return &psapb.DeleteClient{Client: pick(s.r, "", "nobody", strconv.Itoa(int(uid)), "0")}
	case wire.OpAttestKey:
		return s.attest(uid)
	case wire.OpPrepareKeyAttestation:
		return s.prepare(uid)
	case wire.OpMACCompute:
		return &psapb.MacCompute{KeyName: string(s.someKey(uid).Name), Input: []byte("input")}
	case wire.OpMACVerify:
		return &psapb.MacVerify{KeyName: string(s.someKey(uid).Name), Input: []byte("input"), Mac: []byte("mac")}
	default:
		return nil
	}
}

func (s *Source) encode(a psa.Attributes) *psapb.KeyAttributes {
	m, err := psa.EncodeAttributes(a)
	if err != nil {
		panic(err) // attributes are ours
	}
	// Clients send the flags unexpanded.
	if chance(s.r, 50) {
		f := m.GetKeyPolicy().GetKeyUsageFlags()
		f.SignMessage, f.VerifyMessage = f.GetSignMessage() && !f.GetSignHash(), f.GetVerifyMessage() && !f.GetVerifyHash()
	}
	return m
}

func (s *Source) create(op wire.Opcode, uid uint32) proto.Message {
	name := s.name()
	if chance(s.r, 6) {
		name = s.someKey(uid).Name
	}
	if op == wire.OpGenerateKey {
		return &psapb.GenerateKey{KeyName: string(name), Attributes: s.encode(s.focus.attributes(s.r))}
	}
	from := s.focus.material(s)
	a := psa.Attributes{Type: from.typ, Curve: from.curve, Bits: from.bits, Usage: usage(s.r), Alg: policy(s.r, from.typ)}
	if from.of != nil && chance(s.r, 70) {
		a.Alg = from.of.Attributes.Alg
	}
	data := from.data
	switch s.r.IntN(14) {
	case 0:
		a.Bits = bits(s.r, a.Type, a.Curve)
	case 1, 2, 3:
		a.Bits = 0
	case 4:
		data = pick(s.r, from.wrongForms(s.r)...)
	case 5:
		a = s.focus.attributes(s.r)
	case 6:
		if a.Type == psa.KeyECCPair && len(s.publics) > 0 {
			a.Type, data = psa.KeyECCPublic, pick(s.r, s.publics...).data
		}
	}
	return &psapb.ImportKey{KeyName: string(name), Attributes: s.encode(a), Data: data}
}

// smallRSA draws an RSA key of 1024 or 2048 bits: what can be used fast.
func (s *Source) smallRSA() material {
	for {
		if m := pick(s.r, s.materials...); m.typ.RSA() && (m.bits == 1024 || m.bits == 2048) {
			return m
		}
	}
}
