package rules_test

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// anonymousCells are 3.3, 3.11 and 3.12 by the user that a request is about, and in an organisation that is expired.
const anonymousCells = `
                              active                  frozen                     revoked                    nobody                     expired
async_enrollment_submit       email_already_enrolled  email_already_enrolled     ok                         ok                         460
organization_bootstrap        organization_already_bootstrapped organization_already_bootstrapped organization_already_bootstrapped organization_already_bootstrapped 460
ping                          ok                      ok                         ok                         ok                         460
totp_setup_get_secret         ok                      bad_token                  bad_token                  bad_token                  460
totp_setup_confirm            ok                      bad_token                  bad_token                  bad_token                  460
totp_fetch_opaque_key         ok                      invalid_one_time_password  invalid_one_time_password  invalid_one_time_password  460
`

// person is a user whose codes were reset, and another who has codes and a key.
type person struct {
	reset, whole *Device
	token        trust.AccessToken
	secrets      [2]trust.TOTPSecret
	key          trust.TOTPOpaqueKeyID
}

func newPerson(t *testing.T, o *Organization, name string) *person {
	t.Helper()
	p := &person{reset: o.Enrol("reset-"+name, trust.Standard), whole: o.Enrol("whole-"+name, trust.Standard)}
	p.token = Must(o.Rules.ResetTOTP(t.Context(), number(t, o), p.reset.User))
	p.secrets = [2]trust.TOTPSecret{secretOf(t, p.reset), secretOf(t, p.whole)}
	p.key = opaque(t, p.whole).OpaqueKeyID
	OK(t, p.whole.Do(&cloud.TOTPSetupConfirmReq{OneTimePassword: code(p.whole, p.secrets[1], 0)}))
	return p
}

// asks makes the request of a row.
func (p *person) asks(row string, bootstrap cloud.Request) cloud.Request {
	switch row {
	case "async_enrollment_submit":
		return submitReq(p.reset)
	case "totp_setup_get_secret":
		return &cloud.AnonymousTOTPSetupGetSecretReq{UserID: p.reset.User, Token: p.token}
	case "totp_setup_confirm":
		return &cloud.AnonymousTOTPSetupConfirmReq{UserID: p.reset.User, Token: p.token, OneTimePassword: code(p.reset, p.secrets[0], 0)}
	case "totp_fetch_opaque_key":
		return &cloud.TOTPFetchOpaqueKeyReq{UserID: p.whole.User, OpaqueKeyID: p.key, OneTimePassword: code(p.whole, p.secrets[1], 0)}
	case "ping":
		return &cloud.PingReq{Ping: "x"}
	}
	return bootstrap
}

func TestAnonymousRoles(t *testing.T) {
	t.Parallel()
	all := readTable(t, anonymousCells)
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Unborn()
		bootstrap := o.BootstrapReq()
		OK(t, o.Anonymous(bootstrap))
		for i, column := range all.columns {
			p := newPerson(t, o, column)
			switch column {
			case "frozen":
				freeze(t, p.reset, true)
				freeze(t, p.whole, true)
			case "revoked":
				o.First.Revoke(p.reset)
				o.First.Revoke(p.whole)
			case "nobody":
				p.reset, p.whole = o.NewDevice("nobody"), o.NewDevice("nobody")
			case "expired":
				JSON[struct{}](t, o.Administer("PATCH", o.AdministrationPath(""), AdministrationToken, map[string]any{"is_expired": true}), 200)
				Eventually(t, func() bool { return o.Anonymous(&cloud.PingReq{}).Status == cloud.StatusOrganizationExpired })
			}
			for _, r := range all.rows {
				holds(t, r.cells[i], o.Anonymous(p.asks(r.name, bootstrap)), r.name, column)
			}
		}
	})
}

// enrollmentCells are 3.11 by the state of an enrolment.
const enrollmentCells = `
                         none                  SUBMITTED        ACCEPTED         REJECTED         CANCELLED
async_enrollment_info    enrollment_not_found  ok               ok               ok               ok
async_enrollment_submit  ok                    id_already_used  id_already_used  id_already_used  id_already_used
async_enrollment_cancel  enrollment_not_found  ok               gone_already     gone_already     gone_already
async_enrollment_reject  enrollment_not_found  ok               gone_already     gone_already     gone_already
async_enrollment_accept  enrollment_not_found  ok               gone_already     gone_already     gone_already
`

func TestEnrollmentStates(t *testing.T) {
	t.Parallel()
	all := readTable(t, enrollmentCells)
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		for _, r := range all.rows {
			for i, column := range all.columns {
				d := o.NewDevice(r.name + "-" + column)
				submit := submitReq(d)
				ask := func(command string) *Answer {
					switch command {
					case "async_enrollment_info":
						return o.Anonymous(&cloud.AsyncEnrollmentInfoReq{EnrollmentID: submit.EnrollmentID})
					case "async_enrollment_submit": // of somebody else
						again := submitReq(o.NewDevice(r.name + "-again-" + column))
						again.EnrollmentID = submit.EnrollmentID
						return o.Anonymous(again)
					case "async_enrollment_cancel":
						return o.Anonymous(&cloud.AsyncEnrollmentCancelReq{EnrollmentID: submit.EnrollmentID})
					case "async_enrollment_reject":
						return o.First.Do(&cloud.AsyncEnrollmentRejectReq{EnrollmentID: submit.EnrollmentID})
					}
					return o.First.Do(acceptReq(o.First, d, submit.EnrollmentID))
				}
				if column != "none" {
					OK(t, o.Anonymous(submit))
				}
				if end := map[string]string{"ACCEPTED": "accept", "REJECTED": "reject", "CANCELLED": "cancel"}[column]; end != "" {
					OK(t, ask("async_enrollment_"+end))
				}
				holds(t, r.cells[i], ask(r.name), r.name, column)
			}
		}
	})
}
