package device

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// keyName names the provider key of a device. There are two names for each device: a new protection takes the one that the
// present one does not have, so that what a crash left under it is nobody's and is replaced.
func (s *Store) keyName(id trust.DeviceID, present *record) string {
	base := s.options.KeyPrefix + "/" + id.String() + "/"
	if present != nil {
		if _, name := present.file.providerKey(); name == base+"a" {
			return base + "b"
		}
	}
	return base + "a"
}

// Protect seals an unlocked device under a new protection beside the present one. Both open it until Confirm or Unlock have
// opened it by the new one, which ends the present one, or Revert has ended the new one.
func (s *Store) Protect(ctx context.Context, id trust.DeviceID, p Protection) error {
	if err := p.check(); err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	r, err := s.active(id)
	if err != nil {
		return err
	}
	return about(r.file.header(), s.protect(ctx, r, &p))
}

func (s *Store) protect(ctx context.Context, r *record, p *Protection) error {
	if r.pending != nil {
		return &wire.Error{
			Status: wire.StatusBadState, Reason: ErrPending.Error(), Err: ErrPending,
			Remedy: "parsecctl device protect --confirm, or --revert",
		}
	}
	if r.place.original && p.Provider != "" {
		return &wire.Error{
			Status: wire.StatusNotSupported, Reason: "the original client, in whose directory the file is, could not open it",
			Remedy: "parsecctl device import takes the device over first",
		}
	}
	u, err := s.Get(r.id())
	if err != nil {
		return err
	}
	now, err := trust.DateTimeOf(s.now())
	if err != nil {
		return err
	}
	name := s.keyName(r.id(), r)
	var file []byte
	err = u.Use(func(d *trust.LocalDevice) error {
		file, err = s.sealer.seal(ctx, d, headerOf(d, r.file.header().CreatedOn, now), p, name)
		return err
	})
	if err == nil {
		// Replaced is at most what could not be read.
		err = s.inDir(r, func(f files) error { return f.Replace(r.name+newSuffix, file) })
		if err != nil {
			err = storage("the new protection cannot be stored; the present one stays", err)
		}
	}
	if err != nil && p.Provider != "" {
		s.destroy(ctx, p.Provider, name)
	}
	return err
}

// Confirm opens a device by its new protection, which ends the present one.
func (s *Store) Confirm(ctx context.Context, id trust.DeviceID, with Secret) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	r, err := s.active(id)
	if err != nil {
		return err
	}
	return about(r.file.header(), s.confirm(ctx, r, with))
}

func (s *Store) confirm(ctx context.Context, r *record, with Secret) error {
	if r.pending == nil {
		return nothingWaits()
	}
	if err := s.attempts.admit(); err != nil {
		return err
	}
	d, err := s.opener.open(ctx, *r.pending, with)
	s.attempts.learn(err)
	if err != nil {
		return err
	}
	d.Wipe()
	return s.promote(ctx, r)
}

func nothingWaits() error {
	return &wire.Error{Status: wire.StatusBadState, Reason: ErrNoChange.Error(), Err: ErrNoChange, Remedy: "parsecctl device protect"}
}

// promote puts the file under the new protection in the place of the present one, and removes the key of that one.
func (s *Store) promote(ctx context.Context, r *record) error {
	err := s.inDir(r, func(f files) error { return f.Rename(r.name+newSuffix, r.name) })
	if err != nil {
		return storage("the new protection cannot be confirmed; both open the device", err)
	}
	s.destroyKeyOf(ctx, r.file)
	return nil
}

// Revert ends the new protection; the present one stays.
func (s *Store) Revert(ctx context.Context, id trust.DeviceID) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	r, err := s.active(id)
	if err != nil {
		return err
	}
	if r.pending == nil {
		return about(r.file.header(), nothingWaits())
	}
	err = s.inDir(r, func(f files) error { return f.Remove(r.name + newSuffix) })
	if err != nil {
		return about(r.file.header(), storage("the new protection cannot be removed; both open the device", err))
	}
	s.destroyKeyOf(ctx, *r.pending)
	return nil
}

func (s *Store) destroyKeyOf(ctx context.Context, p parsed) {
	if instance, name := p.providerKey(); instance != "" {
		s.destroy(ctx, instance, name)
	}
}

// destroy removes a provider key that no file needs any more. One that cannot be removed now is in nobody's way: the next
// change of the protection replaces it.
func (s *Store) destroy(ctx context.Context, instance, name string) {
	if err := s.options.Keys.Destroy(context.WithoutCancel(ctx), instance, name); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "device_key_left", slog.String("provider", instance), slog.Any("error", err))
	}
}

// Add stores a device that is new, under a protection, and does not unlock it.
func (s *Store) Add(ctx context.Context, d *trust.LocalDevice, p Protection) error {
	if err := p.check(); err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	now, err := trust.DateTimeOf(s.now())
	if err != nil {
		return err
	}
	h := headerOf(d, now, now)
	if err := s.vacant(d.DeviceID); err != nil {
		return about(&h, err)
	}
	name := s.keyName(d.DeviceID, nil)
	file, err := s.sealer.seal(ctx, d, h, &p, name)
	if err == nil {
		err = s.create(d.DeviceID, "", file)
	}
	if err != nil && p.Provider != "" {
		s.destroy(ctx, p.Provider, name)
	}
	return about(&h, err)
}

// vacant refuses a device that is here, in whatever stage.
func (s *Store) vacant(id trust.DeviceID) error {
	records, _, err := s.scan()
	if err != nil {
		return err
	}
	if len(records) >= maxFiles/4 {
		return &wire.Error{Status: wire.StatusInsufficientStorage, Reason: fmt.Sprintf("you have %d devices here already", len(records)), Remedy: "remove some"}
	}
	for _, r := range records {
		if r.id() == id {
			return &wire.Error{Status: wire.StatusAlreadyExists, Reason: ErrExists.Error(), Err: ErrExists, Remedy: "parsecctl device list"}
		}
	}
	return nil
}

// create writes a file into the store's own directory.
func (s *Store) create(id trust.DeviceID, suffix string, content []byte) error {
	own := s.places[0]
	if err := own.prepare(); err != nil {
		return storage("the directory of the devices cannot be made", err)
	}
	r := &record{dir: own.devices(), name: id.String() + keysSuffix}
	err := s.inDir(r, func(f files) error { return f.Create(r.name+suffix, content) })
	return storage("the device cannot be stored", err)
}
