package device

import (
	"errors"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// stage says which of its names a device file has.
type stage int

const (
	stageActive stage = iota
	stageImporting
	stageExported
)

// record is a device as it is on disk.
type record struct {
	place place
	// dir and name are the directory and the name of the file, which ends in .keys whatever the stage is.
	dir, name string
	stage     stage
	file      parsed
	// pending is the file under a new protection, nil for none.
	pending *parsed
}

func (r *record) id() trust.DeviceID { return r.file.header().DeviceID }

// Damaged is a device file that cannot be read.
type Damaged struct {
	Name string
	Err  error
}

// scan reads the devices of the store: its own first, then the original's. Of several files of one device the first
// counts, as with the original.
func (s *Store) scan() (found []*record, bad []Damaged, err error) {
	seen := map[trust.DeviceID]bool{}
	for _, p := range s.places {
		dirs, err := p.directories()
		if err != nil {
			return nil, nil, storage("the device files cannot be listed", err)
		}
		for _, dir := range dirs {
			records, damaged, err := s.scanDir(p, dir)
			if err != nil {
				return nil, nil, storage("the device files cannot be listed", err)
			}
			bad = append(bad, damaged...)
			for _, r := range records {
				if !seen[r.id()] {
					found = append(found, r)
				}
				seen[r.id()] = true
			}
		}
	}
	return found, bad, nil
}

func (s *Store) scanDir(p place, dir string) (found []*record, bad []Damaged, err error) {
	f, err := s.open(dir)
	if absent(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	all, err := names(f)
	if err != nil {
		return nil, nil, err
	}
	for _, stage := range []stage{stageActive, stageImporting, stageExported} {
		for _, name := range all {
			base, ok := strings.CutSuffix(name, suffixes[stage])
			if _, temporary := durable.Leftover(name); !ok || temporary || stage != stageActive && p.original {
				continue
			}
			r := &record{place: p, dir: dir, name: base + keysSuffix, stage: stage}
			if err := r.read(f); err != nil {
				bad = append(bad, Damaged{name, err})
				continue
			}
			found = append(found, r)
		}
	}
	return found, bad, nil
}

// suffixes are the ends of the names of the stages.
var suffixes = map[stage]string{
	stageActive: keysSuffix, stageImporting: keysSuffix + importSuffix, stageExported: keysSuffix + exportedSuffix,
}

// read loads the files of a record. A new protection that cannot be read is as good as none: the old one opens.
func (r *record) read(f files) error {
	name := strings.TrimSuffix(r.name, keysSuffix) + suffixes[r.stage]
	data, err := f.Read(name)
	if err != nil {
		return err
	}
	if r.file, err = parse(data); err != nil {
		return err
	}
	if r.stage != stageActive {
		return nil
	}
	data, err = f.Read(r.name + newSuffix)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if p, err := parse(data); err == nil && p.header().DeviceID == r.id() {
		r.pending = &p
	}
	return nil
}

// inDir runs f on the directory of a record.
func (s *Store) inDir(r *record, do func(files) error) error {
	f, err := s.open(r.dir)
	if err != nil {
		return err
	}
	return errors.Join(do(f), f.Close())
}
