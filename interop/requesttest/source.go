package requesttest

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Step is one request.
type Step struct {
	UID   uint32
	Frame []byte
	// Half shuts the sending side down behind the frame.
	Half bool
	// Faults name what was broken on purpose.
	Faults []string
}

// Key is what a Source believes of a key.
type Key struct {
	UID        uint32
	Name       psa.KeyName
	Attributes psa.Attributes
	// Provider is where the key is.
	Provider wire.ProviderID
	// Shared: both services hold the same key.
	Shared bool
	// Data is what was imported.
	Data []byte
	// Public is the exported public key, once seen.
	Public []byte
	// made are outputs of operations with the key, for the opposite operation.
	made []proto.Message
	// pair is the key of which this is the public half, nil if it is not known.
	pair *Key
	// attestable is the last answer of PrepareKeyAttestation.
	attestable *psapb.PrepareKeyAttestationResult_Output_ActivateCredential
	// given: it was there from the start, and is seldom destroyed.
	given bool
}

// Source generates requests.
type Source struct {
	r         *rand.Rand
	focus     *Focus
	materials []material
	uids      []uint32
	keys      map[string]*Key
	serial    int
	publics   []public
}

// public is the public half of a key that was seen.
type public struct {
	key  *Key
	data []byte
}

// New returns a source for the requests of some users; the first one is an administrator.
func New(seed uint64, focus *Focus, uids ...uint32) *Source {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	return &Source{r: r, focus: focus, materials: materials(r, focus.rsaSizes), uids: uids, keys: map[string]*Key{}}
}

// Give tells of a key that both services hold from the start.
func (s *Source) Give(uid uint32, name psa.KeyName, a psa.Attributes) {
	s.keys[id(uid, name)] = &Key{UID: uid, Name: name, Attributes: a, Provider: s.focus.Provider, Shared: true, given: true}
}

func id(uid uint32, name psa.KeyName) string { return fmt.Sprintf("%d/%s", uid, name) }

// Key returns what the source believes of a key, nil if it believes there is none.
func (s *Source) Key(uid uint32, name psa.KeyName) *Key { return s.keys[id(uid, name)] }

// maxKeys is how many keys a source lets pile up.
const maxKeys = 60

// Next draws a request.
func (s *Source) Next() Step {
	uid := pick(s.r, s.uids...)
	op, in := s.operation(uid)
	h := wire.Header{Provider: s.focus.Provider, Opcode: op, AuthType: wire.AuthUnixPeer}
	if op == wire.OpPing || op >= wire.OpListKeys && op <= wire.OpDeleteClient || op == wire.OpListProviders || op == wire.OpListOpcodes ||
		op == wire.OpListAuthenticators {
		h.Provider = wire.ProviderCore
	}
	var body []byte
	if in != nil {
		var err error
		if body, err = psa.Marshal(in); err != nil {
			panic(err) // messages are ours
		}
	}
	st := Step{UID: uid}
	if chance(s.r, 10) {
		body = s.spoilBody(&st, body)
	}
	st.Frame = socket.Frame(h, uid, body)
	for chance(s.r, 12) {
		s.spoilFrame(&st)
	}
	return st
}

// known draws a key of a user, nil if it has none.
func (s *Source) known(uid uint32, fits func(*Key) bool) *Key {
	var own []string
	for k, key := range s.keys {
		if key.UID == uid && fits(key) {
			own = append(own, k)
		}
	}
	if len(own) == 0 {
		return nil
	}
	slices.Sort(own)
	return s.keys[pick(s.r, own...)]
}

// name draws a name for a key that need not exist.
func (s *Source) name() psa.KeyName {
	s.serial++
	switch s.r.IntN(25) {
	case 0:
		return ""
	case 1:
		return psa.KeyName(pick(s.r, "a/b", "..", "\x00", "ключ", "line\nbreak", "x y", "\U0001f511"))
	case 2:
		return psa.KeyName(fmt.Sprintf("%0300d", s.serial))
	default:
		return psa.KeyName(fmt.Sprintf("key-%d", s.serial))
	}
}

// Learn takes the answer of the service whose keys are to be believed in.
func (s *Source) Learn(uid uint32, m Meaning, status wire.Status, result []byte) {
	if status != wire.StatusSuccess || !m.Whole {
		return
	}
	key := s.Key(uid, m.Key)
	switch m.Opcode {
	case wire.OpGenerateKey, wire.OpImportKey:
		s.keys[id(uid, m.Key)] = &Key{
			UID: uid, Name: m.Key, Attributes: m.Attributes, Provider: m.Provider,
			Shared: m.Opcode == wire.OpImportKey, Data: m.Data, pair: s.pairOf(m),
		}
	case wire.OpDestroyKey:
		delete(s.keys, id(uid, m.Key))
	case wire.OpDeleteClient:
		s.forget(m)
	default:
		if key != nil {
			key.learn(s, m, result)
		}
	}
}

// pairOf finds the key of which a public half is imported.
func (s *Source) pairOf(m Meaning) *Key {
	if !m.Attributes.Type.Public() {
		return nil
	}
	for _, p := range s.publics {
		if bytes.Equal(p.data, m.Data) {
			return p.key
		}
	}
	return nil
}

// Forget drops a key that does not exist after all.
func (s *Source) Forget(uid uint32, name psa.KeyName) { delete(s.keys, id(uid, name)) }

// Keys returns what the source believes in, in a stable order.
func (s *Source) Keys() []*Key {
	var all []*Key
	for _, k := range slices.Sorted(maps.Keys(s.keys)) {
		all = append(all, s.keys[k])
	}
	return all
}
