package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
)

// deviceCreate is 3.4: certificate about oneself, id, monotony.
func (s *Service) deviceCreate(ctx context.Context, c *Call, req *cloud.DeviceCreateReq) (cloud.DeviceCreateRep, error) {
	device, ok := verifyDevice(req.DeviceCertificate, req.RedactedDeviceCertificate, c.signer())
	if !ok {
		return &cloud.InvalidCertificate{}, nil
	}
	if late := c.outOfBallpark(device.full.Timestamp); late != nil {
		return late, nil
	}
	if device.full.UserID != c.User || !devicesMatch(device) {
		return &cloud.InvalidCertificate{}, nil
	}
	return write(ctx, s, c, []store.Lock{store.Common(c.Org)}, func(tx *store.Tx, a *tables.Author) (cloud.DeviceCreateRep, error) {
		known, err := tables.HasDevice(ctx, tx, c.Org, device.full.DeviceID)
		if err != nil {
			return nil, err
		}
		if known {
			return &cloud.DeviceAlreadyExists{}, nil
		}
		if late := notAbove(device.full.Timestamp, a.Common); late != nil {
			return late, nil
		}
		if err := insertDevice(ctx, tx, c.Org, device.full, req.DeviceCertificate, req.RedactedDeviceCertificate); err != nil {
			return nil, err
		}
		return &cloud.OK{}, c.emitCommon(tx, device.full.Timestamp, events.Effect{})
	})
}
