//go:build interop

package reference

import (
	"bytes"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// manifest is what a kind of manifest is written and read with.
type manifest struct {
	kind string
	make func(*world, *draw) (sample, error)
	// open reads and seals again.
	open func(*world, sample, trust.Announced) ([]byte, error)
}

var manifests = []manifest{
	{"file_manifest", func(w *world, d *draw) (sample, error) {
		m := object[trust.FileManifest](d)
		m.Author, m.Version = w.author, max(1, m.Version)
		d.blocks(m)
		data, err := trust.SealChildManifest(m, w.signing, w.secret)
		return sample{data: data, at: m.Timestamp, id: m.ID, version: m.Version}, err
	}, openChild},
	{"folder_manifest", func(w *world, d *draw) (sample, error) {
		m := object[trust.FolderManifest](d)
		m.Author, m.Version = w.author, max(1, m.Version)
		data, err := trust.SealChildManifest(m, w.signing, w.secret)
		return sample{data: data, at: m.Timestamp, id: m.ID, version: m.Version}, err
	}, openChild},
	{"user_manifest", func(w *world, d *draw) (sample, error) {
		m := object[trust.UserManifest](d)
		m.Author, m.Version = w.author, max(1, m.Version)
		data, err := trust.SealUserManifest(m, w.signing, w.secret)
		return sample{data: data, at: m.Timestamp, id: m.ID, version: m.Version}, err
	}, func(w *world, s sample, said trust.Announced) ([]byte, error) {
		m, err := trust.OpenUserManifest(s.data, w.secret, said)
		if err != nil {
			return nil, err
		}
		return trust.SealUserManifest(m, w.signing, w.secret)
	}},
}

func openChild(w *world, s sample, said trust.Announced) ([]byte, error) {
	m, err := trust.OpenChildManifest(s.data, w.secret, said)
	if err != nil {
		return nil, err
	}
	return trust.SealChildManifest(m, w.signing, w.secret)
}

// blocks draws blocks that do not contradict each other.
func (d *draw) blocks(m *trust.FileManifest) {
	m.Blocksize, m.Size, m.Blocks = trust.MinBlocksize+d.number(40), 0, nil
	for span := range uint64(5) {
		if d.chance(2) {
			continue
		}
		start := d.Uint64N(m.Blocksize)
		size := 1 + d.Uint64N(m.Blocksize-start)
		m.Blocks = append(m.Blocks, trust.BlockAccess{
			ID: trust.BlockID(d.sized(16)), Offset: span*m.Blocksize + start, Size: size, Digest: trust.Digest(d.bytes()),
		})
		m.Size = span*m.Blocksize + start + size
	}
}

func (w *world) manifest(m manifest) subject {
	return subject{
		kind: m.kind,
		make: func(d *draw) sample {
			s := must(m.make(w, d))
			s.author = &w.author
			return s
		},
		made: func(seed uint64) question {
			return question{Op: "make_manifest", Kind: m.kind, Key: w.key(), Seed: seed}
		},
		sample: sampleOf,
		read: func(s sample) ([]byte, error) {
			sealed, err := m.open(w, s, w.announced(s))
			if err != nil {
				return nil, err
			}
			return w.inside(sealed)
		},
		ask:     func(s sample) question { return s.question("read_manifest", m.kind, w.seed) },
		written: writtenSigned,
		mutate: func(d *draw, s sample) sample {
			signed := s
			signed.data = must(w.secret.Decrypt(s.data))
			if m.kind == "file_manifest" && d.chance(20) {
				return w.endless(d, signed)
			}
			s = w.mutateSigned(d, signed, func(b []byte) []byte { return must(w.secret.Encrypt(b)) })
			if d.chance(20) {
				s.data = d.mutateBytes(s.data)
			}
			return s
		},
	}
}

func (w *world) announced(s sample) trust.Announced {
	return trust.Announced{Author: trust.Author{Device: s.author, Key: w.verify}, Timestamp: s.at, ID: s.id, Version: s.version}
}

// endless is a file with a block that ends beyond all numbers.
func (w *world) endless(d *draw, s sample) sample {
	root, _, err := parse(must(decompress(s.data[trust.SignatureSize+1:])))
	if err != nil {
		panic(err)
	}
	blocks := root.value(&node{raw: []byte("\xa6blocks")})
	for _, block := range blocks.kids {
		block.value(&node{raw: []byte("\xa4size")}).raw = append([]byte{0xcf}, bytes.Repeat([]byte{0xff}, 8)...)
	}
	s.content = root.write(nil)
	s.data = must(w.secret.Encrypt(must(w.signing.Sign(append([]byte{0}, d.compress(s.content)...)))))
	return s
}

// workspaceRoots: what the reference writes as the root of a workspace we read as one. Its module cannot read one, and
// neither side takes it for a folder in another.
func (r *differential) workspaceRoots(t *testing.T, w *world) {
	const kind = "workspace_manifest"
	for i := range uint64(rounds(20, 400)) {
		s := must(sampleOf(0, r.oracle.one(t, question{Op: "make_manifest", Kind: kind, Key: w.key(), Seed: r.seed + i})))
		m, err := trust.OpenWorkspaceManifest(s.data, w.secret, trust.RealmID(s.id), w.announced(s))
		if err != nil {
			t.Fatalf("%x: %v", s.data, err)
		}
		if again := must(trust.SealWorkspaceManifest(m, trust.RealmID(s.id), w.signing, w.secret)); !bytes.Equal(must(w.inside(again)), must(w.inside(s.data))) {
			t.Errorf("%x is written again as %x", s.data, again)
		}
		if _, err := trust.OpenChildManifest(s.data, w.secret, w.announced(s)); err == nil {
			t.Errorf("%x is read as a folder", s.data)
		}
		if a := r.oracle.ask(t, s.question("read_manifest", kind, w.seed))[0]; a.Error == "" {
			t.Errorf("the reference reads %x as a folder", s.data)
		}
		r.tally.of(kind).theirs++
	}
}

// inside is the content of a sealed manifest.
func (w *world) inside(sealed []byte) ([]byte, error) {
	return unsigned(must(w.secret.Decrypt(sealed)))
}
