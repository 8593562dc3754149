package device

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Keys of a device are chosen, and on disk under their protection, before anybody certifies them: a reserved file has them. It is
// no device: it is not listed, is not unlocked, and what it says beside the keys counts for nothing.

// reservedSuffix is behind .keys: keys that nobody certified yet.
const reservedSuffix = ".reserved"

// Reserve stores the keys of a device to be, under a protection. The id is one of the reservation.
func (s *Store) Reserve(ctx context.Context, d *trust.LocalDevice, p Protection) error {
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
	if _, err := s.reserved(d.DeviceID); !errors.Is(err, ErrNotFound) {
		return about(&h, &wire.Error{Status: wire.StatusAlreadyExists, Reason: "keys are reserved for it already", Err: ErrExists})
	}
	name := s.reservedKey(d.DeviceID)
	file, err := s.sealer.seal(ctx, d, h, &p, name)
	if err == nil {
		err = s.create(d.DeviceID, reservedSuffix, file)
	}
	if err != nil && p.Provider != "" {
		s.destroy(ctx, p.Provider, name)
	}
	return about(&h, err)
}

// reservedKey names the provider key of a reservation; that of the device is another one.
func (s *Store) reservedKey(id trust.DeviceID) string {
	return s.options.KeyPrefix + "/" + id.String() + "/r"
}

// Reserved opens what Reserve stored. The caller wipes it. Wrong secrets count as with Unlock.
func (s *Store) Reserved(ctx context.Context, id trust.DeviceID, with Secret) (*trust.LocalDevice, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	p, err := s.reserved(id)
	if err != nil {
		return nil, err
	}
	if err := s.attempts.admit(); err != nil {
		return nil, about(p.header(), err)
	}
	d, err := s.opener.open(ctx, p, with)
	s.attempts.learn(err)
	return d, about(p.header(), err)
}

// reserved reads a reservation.
func (s *Store) reserved(id trust.DeviceID) (p parsed, err error) {
	r := &record{dir: s.places[0].devices(), name: id.String() + keysSuffix}
	err = s.inDir(r, func(f files) error {
		content, err := f.Read(r.name + reservedSuffix)
		if err != nil {
			return err
		}
		p, err = parse(content)
		return err
	})
	switch {
	case absent(err):
		return parsed{}, &wire.Error{Status: wire.StatusDoesNotExist, Object: "device " + id.String(), Reason: "no keys are reserved for it", Err: ErrNotFound}
	case err != nil && wire.StatusOf(err) == wire.StatusDataCorrupt:
		return parsed{}, err
	case err != nil:
		return parsed{}, storage("the reserved keys cannot be read", err)
	}
	return p, nil
}

// Release removes a reservation and its provider key. One that is not there is no error: Release may be repeated.
func (s *Store) Release(ctx context.Context, id trust.DeviceID) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	// What cannot be read is removed all the same.
	p, unread := s.reserved(id)
	r := &record{dir: s.places[0].devices(), name: id.String() + keysSuffix}
	err := s.inDir(r, func(f files) error { return f.Remove(r.name + reservedSuffix) })
	if err != nil && !absent(err) {
		return storage("the reserved keys cannot be removed", err)
	}
	if unread == nil {
		s.destroyKeyOf(ctx, p)
	}
	return nil
}
