package interop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// fate is what is known of a name.
type fate int

const (
	// acknowledged: the service said that the key was made.
	acknowledged fate = iota + 1
	// creating and destroying: the request was sent and not answered.
	creating
	destroying
	// gone: the service said that the key was destroyed.
	gone
)

// named is a key that a client made, or tried to.
type named struct {
	name string
	fate fate
	data []byte // imported; nil for generated ones
}

// crashClient makes and destroys keys until the agent dies.
type crashClient struct {
	session socket.Session
	id      int
	r       *rand.Rand
	serial  int
	keys    []*named
}

// p256Scalar is the attributes of the keys of this test: an exportable P-256 pair, so that
// an imported one can be compared.
func p256Attributes() psa.Attributes {
	return psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
		Usage: (psa.UsageSignHash | psa.UsageVerifyHash | psa.UsageExport).Expand(),
	}
}

// work makes requests until one is not answered.
func (c *crashClient) work(t *testing.T) {
	attrs, err := psa.EncodeAttributes(p256Attributes())
	if err != nil {
		t.Error(err)
		return
	}
	for {
		if alive := c.living(); len(alive) > 8 || len(alive) > 0 && c.r.IntN(3) == 0 {
			k := alive[c.r.IntN(len(alive))]
			k.fate = destroying
			err = c.session.Do(t.Context(), wire.OpDestroyKey, &psapb.KeyRef{KeyName: k.name}, nil)
			if err == nil {
				k.fate = gone
			}
		} else {
			c.serial++
			k := &named{name: fmt.Sprintf("c%d-%d", c.id, c.serial), fate: creating}
			c.keys = append(c.keys, k)
			err = c.create(t, k, attrs)
			if err == nil {
				k.fate = acknowledged
			}
		}
		if status := wire.StatusOf(err); err != nil && status != wire.StatusGenericError && status != wire.StatusConnectionError {
			t.Errorf("client %d: %v", c.id, err)
		}
		if err != nil {
			return
		}
	}
}

func (c *crashClient) create(t *testing.T, k *named, attrs *psapb.KeyAttributes) error {
	if c.r.IntN(2) == 0 {
		return c.session.Do(t.Context(), wire.OpGenerateKey, &psapb.GenerateKey{KeyName: k.name, Attributes: attrs}, nil)
	}
	k.data = make([]byte, 32)
	for i := range k.data {
		k.data[i] = byte(c.r.Uint32())
	}
	k.data[0] &= 0x7f
	return c.session.Do(t.Context(), wire.OpImportKey, &psapb.ImportKey{KeyName: k.name, Attributes: attrs, Data: k.data}, nil)
}

func (c *crashClient) living() (alive []*named) {
	for _, k := range c.keys {
		if k.fate == acknowledged {
			alive = append(alive, k)
		}
	}
	return alive
}

// TestKill kills the agent at random moments while clients create, import and destroy.
// After each restart every acknowledged key works, every name without an answer is absent
// or whole, and every key file that nothing maps to is reported by the doctor.
func TestKill(t *testing.T) {
	for _, manager := range []string{"SQLite", "OnDisk"} {
		t.Run(manager, func(t *testing.T) {
			if os.Getenv("PARSEC_SOAK") == "" {
				t.Parallel()
			}
			dir := agentdtest.Dir(t)
			s := original.Settings{Dir: dir, Manager: manager, Storage: "encrypted", Timeout: 5000, IdleSleep: -1, More: "\n[agent]\naudit = \"off\"\n"}
			config := strings.ReplaceAll(s.Config(), fmt.Sprintf("key_store_path = %q", dir), fmt.Sprintf("key_store_path = %q", dir+"/keys"))
			a := agentdtest.New(t, agentdtest.Options{Dir: dir, Config: config, Plain: true})
			k := &killing{t: t, agent: a, r: rand.New(rand.NewPCG(seed(t), 9))}
			for i := range 6 {
				k.clients = append(k.clients, &crashClient{
					session: socket.Session{Path: a.Socket, UID: uint32(os.Getuid()), Provider: wire.ProviderMbedCrypto}, id: i, r: rand.New(rand.NewPCG(k.r.Uint64(), 1)),
				})
			}
			n := rounds(15, 250)
			for range n {
				k.round()
			}
			a.Start()
			k.check()
			t.Logf("%d rounds: %v; %d orphans, all reported", n, k.seen, k.orphans)
		})
	}
}

// killing is the rounds on one state directory.
type killing struct {
	t       *testing.T
	agent   *agentdtest.Agent
	r       *rand.Rand
	clients []*crashClient
	seen    outcomes
	orphans int
}

// outcomes counts what became of names.
type outcomes struct {
	acknowledged, createdUnheard, neverMade, destroyedUnheard, stillThere int
}

// round starts the agent on what the last round left, checks that, works, and kills.
func (k *killing) round() {
	k.agent.Start()
	k.check()
	var group sync.WaitGroup
	for _, c := range k.clients {
		group.Go(func() { c.work(k.t) })
	}
	time.Sleep(time.Duration(k.r.Int64N(int64(60 * time.Millisecond)))) // the random moment
	k.agent.Kill()
	group.Wait()
	if k.t.Failed() {
		k.t.FailNow()
	}
}

// check compares what is there with what was acknowledged.
func (k *killing) check() {
	k.t.Helper()
	s := k.clients[0].session
	list := &psapb.ListKeysResult{}
	if err := s.Do(k.t.Context(), wire.OpListKeys, nil, list); err != nil {
		k.t.Fatal(err)
	}
	present := map[string]bool{}
	for _, key := range list.GetKeys() {
		present[key.GetName()] = true
	}
	for _, c := range k.clients {
		for _, key := range c.keys {
			k.judge(s, key, present[key.name])
			delete(present, key.name)
		}
		c.keys = slices.DeleteFunc(c.keys, func(key *named) bool { return key.fate == gone })
	}
	for name := range present {
		k.t.Errorf("key %q is there, nobody made it", name)
	}
	k.findOrphans()
}

// judge settles what became of a name.
func (k *killing) judge(s socket.Session, key *named, present bool) {
	k.t.Helper()
	switch key.fate {
	case acknowledged:
		k.seen.acknowledged++
		if !present {
			k.t.Errorf("key %q was acknowledged and is not there", key.name)
		}
	case gone:
		if present {
			k.t.Errorf("key %q was destroyed and is there", key.name)
		}
	case creating:
		k.count(present, &k.seen.createdUnheard, &k.seen.neverMade)
	case destroying:
		k.count(present, &k.seen.stillThere, &k.seen.destroyedUnheard)
	}
	if present {
		key.fate = acknowledged
		if err := works(k.t, s, key); err != nil {
			k.t.Errorf("key %q: %v", key.name, err)
		}
		return
	}
	key.fate = gone
	err := s.Do(k.t.Context(), wire.OpExportPublicKey, &psapb.KeyRef{KeyName: key.name}, nil)
	if !errors.Is(err, wire.StatusDoesNotExist) {
		k.t.Errorf("key %q is not listed, its use answers %v", key.name, err)
	}
}

func (k *killing) count(present bool, yes, no *int) {
	if present {
		*yes++
	} else {
		*no++
	}
}

// works signs with a key, verifies with the standard library, and compares imported data.
func works(t *testing.T, s socket.Session, key *named) error {
	alg, err := psa.EncodeSignature(p256Attributes().Alg)
	if err != nil {
		return err
	}
	digest := bytes.Repeat([]byte{7}, 32)
	sig, public, private := &psapb.Output{}, &psapb.Output{}, &psapb.Output{}
	ref := &psapb.KeyRef{KeyName: key.name}
	err = errors.Join(
		s.Do(t.Context(), wire.OpSignHash, &psapb.Sign{KeyName: key.name, Alg: alg, Input: digest}, sig),
		s.Do(t.Context(), wire.OpExportPublicKey, ref, public), s.Do(t.Context(), wire.OpExportKey, ref, private))
	if err != nil {
		return err
	}
	q, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public.GetOutput())
	if err != nil {
		return err
	}
	b := sig.GetOutput()
	if len(b) != 64 || !ecdsa.Verify(q, digest, new(big.Int).SetBytes(b[:32]), new(big.Int).SetBytes(b[32:])) {
		return errors.New("its signature is wrong")
	}
	if key.data != nil && !bytes.Equal(private.GetOutput(), key.data) {
		return errors.New("it is another key than the imported one")
	}
	return nil
}

// findOrphans compares the key files with the mappings, and with what the doctor says.
func (k *killing) findOrphans() {
	k.t.Helper()
	files, err := filepath.Glob(k.agent.Dir + "/keys/*.psa_its")
	if err != nil {
		k.t.Fatal(err)
	}
	mapped := 0
	for _, c := range k.clients {
		mapped += len(c.living())
	}
	c, err := k.clients[0].session.Keep(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	defer c.Close()
	found := &agentpb.DoctorResult{}
	if err := c.Do(k.t.Context(), agent.OpDoctor, nil, found); err != nil {
		k.t.Fatal(err)
	}
	reported := 0
	for _, f := range found.GetFindings() {
		if strings.Contains(f.GetProblem(), "no key maps to this") {
			reported++
			// As the remedy says, so that the next round finds its own.
			_, path, _ := strings.Cut(f.GetObject(), ": ")
			if err := os.Remove(path); err != nil {
				k.t.Error(err)
			}
		} else if f.GetSeverity() == "error" {
			k.t.Errorf("the doctor finds %v", f)
		}
	}
	if reported != len(files)-mapped {
		k.t.Errorf("%d key files, %d keys, %d orphans are reported: %v", len(files), mapped, reported, found.GetFindings())
	}
	k.orphans += reported
}
