//go:build interop

package interop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/interop/requesttest"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// pair is both services side by side, each on a state directory of its own.
type pair struct {
	original, ours string // sockets
}

// startPair starts both with the same configuration.
func startPair(t *testing.T, s original.Settings) pair {
	t.Helper()
	tree := openTree(t)
	theirs := sharedDir(t, tree, 0)
	s.Dir, s.IdleSleep = theirs, 1
	p, err := tree.Start(t.Context(), s, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Errorf("the original: %v", err)
		}
	})
	s.Dir = agentdtest.Dir(t)
	a := agentdtest.Start(t, agentdtest.Options{Dir: s.Dir, Config: s.Config()})
	return pair{original: theirs + "/parsec.sock", ours: a.Socket}
}

// openTree finds the original's programs. Where they cannot be had, the test is skipped,
// but not under CI.
func openTree(t *testing.T) *original.Tree {
	t.Helper()
	tree, err := original.Open(t.Context())
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("needs root and the Debian package debootstrap: %v", err)
	}
	return tree
}

// sharedDir makes a state directory that the tree sees too, for the user uid.
func sharedDir(t *testing.T, tree *original.Tree, uid uint32) string {
	t.Helper()
	dir := agentdtest.Dir(t)
	if err := os.Chown(dir, int(uid), int(uid)); err != nil {
		t.Fatal(err)
	}
	unshare, err := tree.Share(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unshare(); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// comparison is one request and both answers.
type comparison struct {
	step           requesttest.Step
	mean           requesttest.Meaning
	key            *requesttest.Key // what the request is about, if it exists
	original, ours socket.Answer
	// what says in which way the answers differ; empty if they do not.
	what string
}

func (c *comparison) String() string {
	key := "none"
	if c.key != nil {
		key = fmt.Sprintf("%v %+v shared %t", c.key.Provider, c.key.Attributes, c.key.Shared)
	}
	return fmt.Sprintf("%s\n\toriginal: %v\n\tours:     %v\n\tas uid %d, half %t, faults %v\n\t%v on provider %v, key %q, %+v, %v, whole %t\n\tkey: %s\n\tdata: %d bytes\n\tframe: %x",
		c.what, c.original, c.ours, c.step.UID, c.step.Half, c.step.Faults, c.mean.Opcode, c.mean.Provider, c.mean.Key,
		c.mean.Attributes, c.mean.Algorithm, c.mean.Whole, key, len(c.mean.Data), c.step.Frame[:min(len(c.step.Frame), 600)])
}

// both sends a frame to both services.
func (p pair) both(ctx context.Context, st requesttest.Step) (theirs, ours socket.Answer) {
	theirs = socket.Parse(socket.Raw(ctx, p.original, st.UID, st.Frame, st.Half))
	ours = socket.Parse(socket.Raw(ctx, p.ours, st.UID, st.Frame, st.Half))
	return theirs, ours
}

// TestDifferential sends the same generated requests to both services. Status, header and
// deterministic bytes are equal, the rest has the same structure and works across, or a
// row of Differences explains why not.
func TestDifferential(t *testing.T) {
	for name, s := range map[string]original.Settings{
		"sqlite":     {},
		"deprecated": {AllowDeprecated: true},
		"on-disk":    {Manager: "OnDisk"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDifferential(t, s, requesttest.Software)
			d.pair = startPair(t, s)
			d.run(rounds(1000, 15000))
		})
	}
}

// differential is one run.
type differential struct {
	t        *testing.T
	focus    *requesttest.Focus
	pair     pair
	settings original.Settings
	source   *requesttest.Source
	rows     map[string]int // how often each row explained a difference
	bad      int
	counts   map[string]int
	// both is how often each operation succeeded on both sides.
	both map[wire.Opcode]int
	// restart stops and starts both services, in the middle of the run; nil for no restart.
	restart func()
}

func newDifferential(t *testing.T, s original.Settings, focus *requesttest.Focus) *differential {
	return &differential{t: t, focus: focus, settings: s, source: requesttest.New(seed(t), focus, users...), rows: map[string]int{}}
}

// users are who asks; the first one is an administrator.
var users = []uint32{0, 1000, 1001}

// maxReports is how many unexplained differences are printed.
const maxReports = 400

func (d *differential) run(n int) {
	d.counts, d.both = map[string]int{}, map[wire.Opcode]int{}
	for i := range n {
		if d.restart != nil && i == n/2 {
			d.restart()
		}
		d.step(d.source.Next())
		if d.bad >= maxReports {
			d.t.Fatalf("more than %d differences", maxReports)
		}
	}
	d.t.Logf("%d requests; answers %v", n, d.counts)
	d.t.Logf("succeeded on both: %v", d.both)
	d.t.Logf("explained: %v", d.rows)
}

func (d *differential) step(st requesttest.Step) {
	c := &comparison{step: st, mean: requesttest.Mean(st.Frame)}
	if k := d.source.Key(st.UID, c.mean.Key); k != nil {
		was := *k
		c.key = &was
	}
	switch {
	case panics(c.mean, c.key):
		d.alone(c)
		return
	case requesttest.Endless(c.mean):
		return
	}
	c.original, c.ours = d.pair.both(d.t.Context(), st)
	c.what = d.compare(c)
	d.counts[c.ours.Status.String()]++
	if succeeded(c.original) && succeeded(c.ours) {
		d.both[c.mean.Opcode]++
	}
	if c.what != "" {
		d.judge(c)
	}
	d.learn(c)
}

// alone sends to ours what would make the original panic, and to nobody else.
func (d *differential) alone(c *comparison) {
	d.rows["software-oaep-panic"]++
	if c.ours = socket.Exchange(d.t.Context(), d.pair.ours, c.step.UID, c.step.Frame); c.ours.Err != nil || c.ours.Status == wire.StatusSuccess {
		d.bad++
		d.t.Errorf("what makes the original panic: %v", c)
	}
}

// judge looks for the row that explains a difference.
func (d *differential) judge(c *comparison) {
	if id := explain(c, d.settings); id != "" {
		d.rows[id]++
		return
	}
	d.bad++
	d.t.Errorf("unexplained: %v", c)
}

// learn tells the source what exists now, and takes away what only one side has.
func (d *differential) learn(c *comparison) {
	if c.mean.Whole && c.parted() {
		ref := &psapb.KeyRef{KeyName: string(c.mean.Key)}
		for _, path := range []string{d.pair.original, d.pair.ours} {
			s := socket.Session{Path: path, UID: c.step.UID, Provider: c.provider()}
			_ = s.Do(d.t.Context(), wire.OpDestroyKey, ref, nil)
		}
		d.source.Forget(c.step.UID, c.mean.Key)
		return
	}
	d.source.Learn(c.step.UID, c.mean, c.original.Status, c.original.Body)
}

// parted reports whether only one side may have the key now.
func (c *comparison) parted() bool {
	switch c.mean.Opcode {
	case wire.OpGenerateKey, wire.OpImportKey:
		return c.original.Status != c.ours.Status
	case wire.OpDestroyKey: // row keys-wrong-provider: of the mapping only the original's is gone
		return c.original.Status != c.ours.Status || c.wrongProvider()
	default:
		return false
	}
}

// provider is where the key of a request is, or would be.
func (c *comparison) provider() wire.ProviderID {
	if c.key != nil {
		return c.key.Provider
	}
	return c.mean.Provider
}

// wrongProvider reports whether the request names another provider than the key's.
func (c *comparison) wrongProvider() bool { return c.key != nil && c.key.Provider != c.mean.Provider }

// compare says in which way two answers differ.
func (d *differential) compare(c *comparison) string {
	a, b := c.original, c.ours
	switch {
	case (a.Err == nil) != (b.Err == nil):
		return "one gives no answer"
	case a.Err != nil:
		return ""
	case a.Status != b.Status:
		return fmt.Sprintf("status %v, ours %v", a.Status, b.Status)
	case a.Header != b.Header && !lengthMayVary(c):
		return fmt.Sprintf("header %+v, ours %+v", a.Header, b.Header)
	case a.Status != wire.StatusSuccess:
		return ""
	}
	return d.bodies(c)
}

// lengthMayVary reports whether the length of a result depends on the key or the order.
func lengthMayVary(c *comparison) bool {
	return c.original.Status == wire.StatusSuccess && c.key != nil && !c.key.Shared
}

// bodies compares the results of an operation.
func (d *differential) bodies(c *comparison) string {
	a, b := c.original.Body, c.ours.Body
	switch c.mean.Opcode { //nolint:exhaustive // most results are equal bytes
	case wire.OpListKeys:
		return sameSet(a, b, &psapb.ListKeysResult{})
	case wire.OpListOpcodes:
		return sameSet(a, b, &psapb.ListOpcodesResult{})
	case wire.OpGenerateRandom:
		return ""
	case wire.OpSignHash, wire.OpAsymmetricEncrypt:
		if string(a) == string(b) {
			return ""
		}
		return d.across(c)
	}
	if c.key != nil && !c.key.Shared {
		return "" // each made a key of its own
	}
	if string(a) != string(b) {
		return fmt.Sprintf("result %x, ours %x", a[:min(len(a), 300)], b[:min(len(b), 300)])
	}
	return ""
}

// What a difference in the use of an output begins with.
const (
	theirMade = "what the original made"
	ourMade   = "what ours made"
)

// across checks outputs that are random: what one service made, the other one accepts, if
// both have the same key, and itself in any case.
func (d *differential) across(c *comparison) string {
	if c.key == nil {
		return ""
	}
	theirs, ours := d.pair.original, d.pair.ours
	if c.key.Shared {
		theirs, ours = ours, theirs
	}
	for _, way := range []struct {
		made []byte
		path string
		name string
	}{{c.original.Body, theirs, theirMade}, {c.ours.Body, ours, ourMade}} {
		out := &psapb.Output{}
		if err := proto.Unmarshal(way.made, out); err != nil {
			return fmt.Sprintf("%s: %v", way.name, err)
		}
		s := socket.Session{Path: way.path, UID: c.step.UID, Provider: c.key.Provider}
		if err := d.opposite(c, s, out.GetOutput()); err != nil && !errors.Is(err, wire.StatusNotPermitted) {
			return fmt.Sprintf("%s: %v", way.name, err)
		}
	}
	return ""
}

// opposite verifies a signature or decrypts a ciphertext.
func (d *differential) opposite(c *comparison, s socket.Session, made []byte) error {
	switch m := c.mean.Message.(type) {
	case *psapb.Sign:
		return s.Do(d.t.Context(), wire.OpVerifyHash,
			&psapb.Verify{KeyName: m.GetKeyName(), Alg: m.GetAlg(), Input: m.GetInput(), Signature: made}, nil)
	case *psapb.AsymmetricCrypt:
		if c.key.Attributes.Type.Public() {
			return nil
		}
		out := &psapb.Output{}
		err := s.Do(d.t.Context(), wire.OpAsymmetricDecrypt,
			&psapb.AsymmetricCrypt{KeyName: m.GetKeyName(), Alg: m.GetAlg(), Input: made, Salt: m.GetSalt()}, out)
		if err == nil && string(out.GetOutput()) != string(m.GetInput()) {
			return errors.New("decrypts to something else")
		}
		return err
	}
	return nil
}
