package enrol

import (
	"errors"
	"fmt"
	"math"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// self is who a session is.
type self struct {
	device       trust.DeviceID
	user         trust.UserID
	human        trust.HumanHandle
	server       trust.ServerAddress
	organization trust.OrganizationID
	root         trust.VerifyKey
	profile      trust.Profile
}

// whoAmI asks the device and the certificates.
func whoAmI(s *session.Session) (me self, err error) {
	me = self{device: s.DeviceID(), user: s.User(), server: s.Server(), organization: s.Organization(), root: s.Root(), profile: s.Profile()}
	return me, s.Use(func(d *trust.LocalDevice) error {
		me.human = d.HumanHandle
		return nil
	})
}

// needAdmin refuses what only administrators may do.
func (me *self) needAdmin(what string) error {
	if me.profile != trust.Admin {
		return &wire.Error{Status: wire.StatusNotPermitted, Reason: fmt.Sprintf("only an administrator may %s, you are %s", what, me.profile), Remedy: "ask an administrator of the organisation"}
	}
	return nil
}

// sealKeyOf derives the key of what the session's device keeps in the journal.
func sealKeyOf(s *session.Session) (key trust.SecretKey, err error) {
	err = s.Use(func(d *trust.LocalDevice) error {
		key, err = sealKey(d)
		return err
	})
	return key, err
}

// signAll signs certificates as a device.
func signAll(d *trust.LocalDevice, all ...trust.Certificate) (signed [][]byte, err error) {
	for _, c := range all {
		b, err := trust.SignCertificate(c, d.SigningKey)
		if err != nil {
			return nil, err
		}
		signed = append(signed, b)
	}
	return signed, nil
}

// endOfTime is later than all certificates: who asks as of then asks for all that is known.
var endOfTime = trust.DateTime{}.Add(math.MaxInt64)

// known returns what the certificates say about a user.
func known(s *session.Session, id trust.UserID) (u trust.User, ok bool, err error) {
	err = s.View(func(certificates *trust.Store) error {
		u, ok = certificates.User(id, endOfTime)
		return nil
	})
	return u, ok, err
}

// explain makes an error of a call one that says what to do.
func explain(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*wire.Error](err); ok {
		return err
	}
	for _, k := range explanations {
		if errors.Is(err, k.err) {
			return &wire.Error{Status: k.status, Reason: reason(err, k.err), Remedy: k.remedy, Err: err}
		}
	}
	return err
}

// reason leaves out the command and the number where the meaning of an HTTP status says all to a person.
func reason(err, means error) string {
	if status, ok := errors.AsType[*cloud.HTTPError](err); ok && len(status.Supported) == 0 && errors.Is(status, means) {
		return means.Error()
	}
	return err.Error()
}

var explanations = []struct {
	err    error
	status wire.Status
	remedy string
}{
	{cloud.ErrOffline, wire.StatusCommunicationFailure, "repeat it when the server can be reached; what is half done goes on from where it is"},
	{cloud.ErrCertificate, wire.StatusCommunicationFailure, "see whether the address is right, and who issued the server's TLS certificate"},
	{cloud.ErrInvitationGone, wire.StatusBadState, "ask for a new invitation"},
	{cloud.ErrOrganizationNotFound, wire.StatusDoesNotExist, "see whether the address is right"},
	{cloud.ErrOrganizationExpired, wire.StatusNotPermitted, "ask whoever runs the server to prolong the organisation"},
	{cloud.ErrUserRevoked, wire.StatusNotPermitted, "ask an administrator of the organisation: a user who is revoked has to be invited anew"},
	{cloud.ErrUserFrozen, wire.StatusNotPermitted, "ask whoever runs the server"},
	{cloud.ErrMustAcceptTOS, wire.StatusNotPermitted, "parsecctl org accept-terms"},
	{cloud.ErrTokenExpired, wire.StatusBadState, "set the clock of this machine"},
	{cloud.ErrUnsupportedAPI, wire.StatusNotSupported, "bring agent and server to versions that speak to each other"},
	{cloud.ErrCredentials, wire.StatusAuthenticationError, ""},
	{cloud.ErrReply, wire.StatusCommunicationFailure, "see whether the address is right"},
	{session.ErrRollback, wire.StatusBadState, "ask whoever runs the server whether it was restored from a backup; if so: parsecctl org accept-rollback"},
	{session.ErrClock, wire.StatusBadState, "set the clock of this machine"},
	{ErrCancelled, wire.StatusBadState, ""},
	{ErrAttempts, wire.StatusBadState, "ask for a new invitation, and talk over another line"},
}
