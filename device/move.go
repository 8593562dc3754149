package device

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// A device moves between this agent and another program in two steps each way, so that at no moment both may use it and
// that no crash loses it. Coming: Import stores the file in a stage in which it does not open; the caller sees to it that
// the other program cannot use its own any more; CommitImport makes it one of the store's. Going: Export first takes the
// device out of use here, then gives the file to the caller; UndoExport takes it back.

// Import stores a device file of the original client, or a backup of one of ours. It may be repeated until CommitImport.
func (s *Store) Import(ctx context.Context, content []byte) (Entry, error) {
	if len(content) > maxFile {
		return Entry{}, damaged(errors.New("it is too large"))
	}
	p, err := parse(content)
	if err != nil {
		return Entry{}, err
	}
	h := p.header()
	if err := importable(p); err != nil {
		return Entry{}, about(h, err)
	}
	if err := s.begin(ctx); err != nil {
		return Entry{}, err
	}
	defer s.end()
	r, err := s.find(h.DeviceID)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && r.place.original:
		err = s.create(h.DeviceID, importSuffix, content)
	case err == nil && r.stage == stageImporting:
		err = s.inDir(r, func(f files) error { return f.Replace(r.name+importSuffix, content) })
		err = storage("the device cannot be stored", err)
	case err == nil:
		err = &wire.Error{Status: wire.StatusAlreadyExists, Reason: ErrExists.Error(), Err: ErrExists, Remedy: "parsecctl device list"}
	}
	if err != nil {
		return Entry{}, about(h, err)
	}
	return s.entry(&record{place: s.places[0], stage: stageImporting, file: p}), nil
}

// importable refuses files that would never open here.
func importable(p parsed) error {
	switch k := p.kind(); k {
	case KindRecovery:
		return &wire.Error{
			Status: wire.StatusNotSupported, Err: ErrKind,
			Reason: "a recovery file is no device to work with: it serves to enrol a new one", Remedy: "parsecctl recovery claim",
		}
	case KindKeyring, KindAccountVault, KindOpenBao:
		return &wire.Error{
			Status: wire.StatusNotSupported, Err: ErrKind, Reason: "its key is kept by " + keeper(k) + ", which this agent does not ask",
			Remedy: "change its protection to a password in the program that made it",
		}
	default:
		return nil
	}
}

// CommitImport makes an imported device one of the store's. Only a caller that made sure that the program from which it
// came cannot use it any more may say so; a copy in the original's directory, where the store knows it, is refused.
func (s *Store) CommitImport(ctx context.Context, id trust.DeviceID) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.restage(id, stageImporting, func(r *record) error {
		if s.elsewhere(id) {
			return &wire.Error{
				Status: wire.StatusBadState, Reason: "the original client still has the device", Err: ErrInUse,
				Remedy: "rename its file to end in .keys.archived, as parsecctl device import does",
			}
		}
		return nil
	}, keysSuffix+importSuffix, keysSuffix)
}

// CancelImport removes an imported device again.
func (s *Store) CancelImport(ctx context.Context, id trust.DeviceID) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.restage(id, stageImporting, nil, keysSuffix+importSuffix, "")
}

// elsewhere reports whether the original client has an active file of the device.
func (s *Store) elsewhere(id trust.DeviceID) bool {
	for _, p := range s.places[1:] {
		dirs, err := p.directories()
		if err != nil {
			return true
		}
		for _, dir := range dirs {
			records, _, err := s.scanDir(p, dir)
			if err != nil {
				return true
			}
			for _, r := range records {
				if r.id() == id {
					return true
				}
			}
		}
	}
	return false
}

// restage renames the file of a device of a stage, or removes it, if nothing speaks against it.
func (s *Store) restage(id trust.DeviceID, from stage, against func(*record) error, was, becomes string) error {
	r, err := s.find(id)
	if err != nil {
		return err
	}
	if r.stage != from {
		return about(r.file.header(), &wire.Error{Status: wire.StatusBadState, Reason: "it does not wait for that", Err: ErrNoChange, Remedy: "parsecctl device list"})
	}
	if against != nil {
		if err := against(r); err != nil {
			return about(r.file.header(), err)
		}
	}
	base := r.name[:len(r.name)-len(keysSuffix)]
	err = s.inDir(r, func(f files) error {
		if becomes == "" {
			return f.Remove(base + was)
		}
		return f.Rename(base+was, base+becomes)
	})
	return about(r.file.header(), storage("the device file cannot be renamed", err))
}

// Export takes an unlocked device out of use here and returns it as a file for the original client, under a password.
func (s *Store) Export(ctx context.Context, id trust.DeviceID, password []byte) ([]byte, error) {
	p := Protection{Password: password}
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	r, err := s.active(id)
	if err != nil {
		return nil, err
	}
	if r.place.original {
		return nil, about(r.file.header(), &wire.Error{Status: wire.StatusInvalidArgument, Reason: "the original client has it already: it is used in place"})
	}
	if r.pending != nil {
		return nil, about(r.file.header(), &wire.Error{
			Status: wire.StatusBadState, Reason: ErrPending.Error(), Err: ErrPending, Remedy: "parsecctl device protect --confirm, or --revert",
		})
	}
	file, err := s.sealAs(ctx, r, &p)
	if err != nil {
		return nil, about(r.file.header(), err)
	}
	// Out of use first: a crash now leaves it to UndoExport.
	err = s.inDir(r, func(f files) error { return f.Rename(r.name, r.name+exportedSuffix) })
	if err != nil {
		return nil, about(r.file.header(), storage("the device file cannot be renamed; the device stays here", err))
	}
	s.Lock(id)
	return file, nil
}

// sealAs returns an unlocked device under a protection of the original's.
func (s *Store) sealAs(ctx context.Context, r *record, p *Protection) (file []byte, err error) {
	u, err := s.Get(r.id())
	if err != nil {
		return nil, err
	}
	now, err := trust.DateTimeOf(s.now())
	if err != nil {
		return nil, err
	}
	err = u.Use(func(d *trust.LocalDevice) error {
		file, err = s.sealer.seal(ctx, d, headerOf(d, r.file.header().CreatedOn, now), p, "")
		return err
	})
	return file, err
}

// UndoExport takes an exported device back. Whoever says so has made sure that no program uses the exported file.
func (s *Store) UndoExport(ctx context.Context, id trust.DeviceID) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.restage(id, stageExported, nil, keysSuffix+exportedSuffix, keysSuffix)
}

// Recovery returns a recovery file of an unlocked device in the original's form, and its passphrase, which the caller wipes.
// The device stays in use: a recovery file only ever serves to enrol a new one.
func (s *Store) Recovery(id trust.DeviceID) (file, passphrase []byte, err error) {
	u, err := s.Get(id)
	if err != nil {
		return nil, nil, err
	}
	err = u.Use(func(d *trust.LocalDevice) error {
		file, passphrase, err = SealRecovery(d, s.now())
		return err
	})
	return file, passphrase, err
}

// OpenRecovery opens a recovery file, to enrol a new device with what it holds. The caller wipes it.
func (s *Store) OpenRecovery(ctx context.Context, content, passphrase []byte) (*trust.LocalDevice, error) {
	p, err := parse(content)
	if err != nil {
		return nil, err
	}
	if p.kind() != KindRecovery {
		return nil, about(p.header(), &wire.Error{Status: wire.StatusInvalidArgument, Reason: "it is no recovery file", Err: ErrKind})
	}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	if err := s.attempts.admit(); err != nil {
		return nil, about(p.header(), err)
	}
	d, err := s.opener.open(ctx, p, Secret{Password: passphrase})
	s.attempts.learn(err)
	return d, about(p.header(), err)
}

// Forget locks a device and removes its files and provider keys for good. A device of the original's directory is refused:
// it is for that program to forget.
func (s *Store) Forget(ctx context.Context, id trust.DeviceID) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	r, err := s.find(id)
	if err != nil {
		return err
	}
	if r.place.original {
		return about(r.file.header(), &wire.Error{Status: wire.StatusNotSupported, Reason: "its file is the original client's, which can remove it"})
	}
	s.Lock(id)
	err = s.inDir(r, func(f files) error {
		if r.pending != nil {
			if err := f.Remove(r.name + newSuffix); err != nil {
				return err
			}
		}
		return f.Remove(r.name[:len(r.name)-len(keysSuffix)] + suffixes[r.stage])
	})
	if err != nil {
		return about(r.file.header(), storage("the device file cannot be removed", err))
	}
	s.destroyKeyOf(ctx, r.file)
	if r.pending != nil {
		s.destroyKeyOf(ctx, *r.pending)
	}
	return nil
}
