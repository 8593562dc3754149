//go:build interop

package reference

import (
	"bytes"
	"encoding/hex"
	"errors"
	"hash/fnv"
	"slices"
	"testing"
)

// differential is one run.
type differential struct {
	oracle *oracle
	tally  *tally
	seed   uint64
}

// TestReference compares us with the reference, kind by kind.
func TestReference(t *testing.T) {
	n := seed(t)
	r := &differential{oracle: newOracle(t), tally: newTally(), seed: n}
	w := newWorld(t, r.oracle, newDraw(n, 0))
	subjects := slices.Concat(w.certificates(), w.services(), w.payloads(), addresses(), texts(), w.primitives(), functions(),
		[]subject{passphrases(), w.sequesterKeys()})
	for _, m := range manifests {
		subjects = append(subjects, w.manifest(m))
	}
	for i := range subjects {
		r.run(t, &subjects[i], rounds(20, 400), rounds(30, 800))
	}
	all := commands(t, r.oracle)
	for i := range all {
		r.run(t, &all[i], rounds(1, 60), rounds(2, 120))
	}
	t.Run("workspace_manifest", func(t *testing.T) { r.workspaceRoots(t, w) })
	t.Run("odd signature", r.oddSignatures)
	t.Run("odd box", r.oddBoxes)
	r.tally.report(t)
}

// run compares things of one kind: so many whole ones of each side, and damaged ones.
func (r *differential) run(t *testing.T, s *subject, whole, damaged int) {
	t.Helper()
	if s.group == "" {
		s.group = s.kind
	}
	t.Run(s.kind, func(t *testing.T) {
		r.theyReadOurs(t, s, max(whole, s.least))
		theirs := r.weReadTheirs(t, s, max(whole, s.least))
		r.damaged(t, s, theirs, damaged)
		if s.bare {
			r.incomplete(t, s)
		}
	})
}

// draw differs by kind, so that not all kinds are damaged in the same ways.
func (r *differential) draw(s *subject, turn uint64) *draw {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.kind)) // never fails
	return newDraw(r.seed, h.Sum64()^turn)
}

func (r *differential) theyReadOurs(t *testing.T, s *subject, n int) {
	t.Helper()
	samples, questions := make([]sample, n), make([]question, n)
	for i := range samples {
		d := r.draw(s, uint64(i))
		d.turn = i
		samples[i] = s.make(d)
		questions[i] = s.ask(samples[i])
	}
	for i, a := range r.oracle.ask(t, questions...) {
		r.compare(t, s, samples[i], a, false)
	}
	r.tally.of(s.group).ours += n
}

func (r *differential) weReadTheirs(t *testing.T, s *subject, n int) []sample {
	t.Helper()
	if s.made == nil {
		return nil
	}
	questions := make([]question, n)
	for i := range questions {
		questions[i] = s.made(r.seed + uint64(i))
	}
	samples, again := make([]sample, n), make([]question, n)
	for i, a := range r.oracle.ask(t, questions...) {
		if a.Error != "" {
			t.Fatalf("%+v: %s", questions[i], a.Error)
		}
		made, err := s.sample(questions[i].Seed, a)
		if err != nil {
			t.Fatal(err)
		}
		samples[i], again[i] = made, s.ask(made)
	}
	for i, a := range r.oracle.ask(t, again...) {
		r.compare(t, s, samples[i], a, false)
	}
	r.tally.of(s.group).theirs += n
	return samples
}

func (r *differential) damaged(t *testing.T, s *subject, theirs []sample, n int) {
	t.Helper()
	if s.mutate == nil {
		return
	}
	samples, questions := make([]sample, n), make([]question, n)
	for i := range samples {
		d := r.draw(s, uint64(i)<<32)
		d.turn = int(d.Uint32())
		if len(theirs) > 0 && d.chance(2) {
			samples[i] = s.mutate(d, pick(d, theirs))
		} else {
			samples[i] = s.mutate(d, s.make(d))
		}
		questions[i] = s.ask(samples[i])
	}
	for i, a := range r.oracle.ask(t, questions...) {
		r.compare(t, s, samples[i], a, true)
	}
}

// compare compares a verdict, and what was read. What is not damaged both must accept.
func (r *differential) compare(t *testing.T, s *subject, in sample, a answer, damaged bool) {
	t.Helper()
	c := r.tally.of(s.group)
	ours, err := s.read(in)
	theirs := error(nil)
	if a.Error != "" {
		theirs = errors.New(a.Error)
	}
	switch {
	case err == nil && theirs == nil:
		said, err := s.written(a)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case bytes.Equal(ours, said):
		case r.explained(&difference{kind: s.kind, data: in.data, content: in.content}):
			c.differ++
			return
		default:
			t.Errorf("%s is read as\n%s, by the reference as\n%s", shown(in), hex.EncodeToString(ours), hex.EncodeToString(said))
		}
		if damaged {
			c.accepted++
		}
	case err != nil && theirs != nil && damaged:
		c.refused++
	case err != nil && theirs == nil && r.explained(&difference{kind: s.kind, data: in.data, content: in.content, ours: err, theirs: must(s.written(a))}):
		c.differ++
	case err == nil && damaged && r.explained(&difference{kind: s.kind, data: in.data, content: in.content, refused: a.Error}):
		c.differ++
	default:
		t.Errorf("%s: ours: %v, reference: %v", shown(in), err, theirs)
	}
}

func (r *differential) explained(d *difference) bool {
	row := explained(d)
	if row != nil {
		r.tally.met[row.input]++
	}
	return row != nil
}

// shown is what a person needs to look at a sample.
func shown(s sample) string {
	b := s.data
	if s.content != nil {
		b = s.content
	}
	const enough = 2000
	if len(b) > enough {
		b = b[:enough]
	}
	return hex.EncodeToString(b) + " (" + string(bytes.ToValidUTF8(b, []byte("."))) + ")"
}
