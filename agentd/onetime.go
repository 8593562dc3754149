package agentd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// oneTimeWait bounds the wait for a server that keeps a key of one-time codes.
const oneTimeWait = 15 * time.Second

// oneTime asks servers for the keys that they give against one-time codes.
type oneTime struct{}

// OpaqueKey trades a one-time code for a key. The server is the one that the device file names, for the device is not open
// yet: it learns the code, user and organisation, and a wrong key opens nothing.
func (oneTime) OpaqueKey(ctx context.Context, of *trust.DeviceFileHeader, id trust.TOTPOpaqueKeyID, code string) (trust.SecretKey, error) {
	c, err := oneTimeClient(of.Server)
	if err != nil {
		return trust.SecretKey{}, err
	}
	defer c.Close()
	req := &cloud.TOTPFetchOpaqueKeyReq{UserID: of.UserID, OpaqueKeyID: id, OneTimePassword: code}
	reply, err := cloud.Do(ctx, c.Organization(of.OrganizationID), req)
	if err != nil {
		return trust.SecretKey{}, unreachable(of.Server, err)
	}
	switch r := reply.(type) {
	case *cloud.TOTPFetchOpaqueKeyOK:
		return r.OpaqueKey, nil
	case *cloud.InvalidOneTimePassword:
		return trust.SecretKey{}, &wire.Error{
			Status: wire.StatusNotPermitted, Reason: "the server does not accept the one-time code", Err: device.ErrSecret,
			Remedy: "give the code of this moment; the administrators of the server can reset one-time codes",
		}
	case *cloud.Throttled:
		return trust.SecretKey{}, &wire.Error{
			Status: wire.StatusNotPermitted, Err: device.ErrWait,
			Reason: fmt.Sprintf("there were too many wrong one-time codes; the server looks at the next one at %s", r.WaitUntil.Time().Format(time.TimeOnly)),
			Remedy: "wait until then",
		}
	default:
		return trust.SecretKey{}, unexpected(of.Server)
	}
}

// newCodeLayer has the server of an unlocked device make a key that it gives against one-time codes.
func newCodeLayer(ctx context.Context, u *device.Unlocked) (layer *device.CodeLayer, err error) {
	err = u.Use(func(d *trust.LocalDevice) error {
		c, err := oneTimeClient(d.Server)
		if err != nil {
			return err
		}
		defer c.Close()
		reply, err := cloud.Do(ctx, c.Device(d.OrganizationID, d.DeviceID, d.SigningKey), &cloud.TOTPCreateOpaqueKeyReq{})
		if err != nil {
			return unreachable(d.Server, err)
		}
		ok, is := reply.(*cloud.TOTPCreateOpaqueKeyOK)
		if !is {
			return unexpected(d.Server)
		}
		layer = &device.CodeLayer{ID: ok.OpaqueKeyID, Key: ok.OpaqueKey}
		return nil
	})
	return layer, err
}

func oneTimeClient(server trust.ServerAddress) (*cloud.Client, error) {
	return cloud.NewClient(cloud.Options{Server: server, Timeout: oneTimeWait, Attempts: 1})
}

// unreachable says why a server could not be asked.
func unreachable(server trust.ServerAddress, err error) error {
	failure := &wire.Error{
		Status: wire.StatusCommunicationFailure, Reason: fmt.Sprintf("the server %s cannot be asked about the one-time code", server.Host()), Err: err,
		Remedy: "see whether the network and the server work, then repeat it",
	}
	if answered, ok := errors.AsType[*cloud.HTTPError](err); ok {
		failure.Reason = fmt.Sprintf("the server %s refuses: %v", server.Host(), answered)
		failure.Remedy = "ask the administrators of the server"
	}
	return failure
}

func unexpected(server trust.ServerAddress) error {
	return &wire.Error{
		Status: wire.StatusCommunicationFailure, Reason: fmt.Sprintf("the server %s answers what this program does not understand", server.Host()),
		Remedy: "see whether the server has another version",
	}
}
