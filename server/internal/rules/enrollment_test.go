package rules_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// certificate is one of X.509 in DER, whose signature nobody looks at here.
func certificate(subject, issuer string) []byte {
	key := Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: subject}}
	parent := &x509.Certificate{Subject: pkix.Name{CommonName: issuer}}
	return Must(x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, key))
}

var (
	leaf  = certificate("Leaf", "Between")
	chain = [][]byte{certificate("Above", "Root"), certificate("Between", "Above")}
)

func submitReq(d *Device) *cloud.AsyncEnrollmentSubmitReq {
	req := &cloud.AsyncEnrollmentSubmitReq{
		SubmitPayload: Must(trust.Dump(&trust.AsyncEnrollmentSubmitPayload{
			VerifyKey: Must(d.Signing.VerifyKey()), PublicKey: Must(d.Private.Public()),
			RequestedDeviceLabel: Must(trust.NewDeviceLabel("laptop")), RequestedHumanHandle: d.Handle,
		})),
		SubmitPayloadSignature: &cloud.SubmitSignaturePKI{
			Algorithm: cloud.RSASSAPSSSHA256, Signature: []byte("signed"), SubmitterDERX509Certificate: leaf, IntermediateDERX509Certificates: chain,
		},
	}
	req.EnrollmentID.Generate()
	return req
}

func byOpenBao(req *cloud.AsyncEnrollmentSubmitReq) *cloud.AsyncEnrollmentSubmitReq {
	other := *req
	other.SubmitPayloadSignature = &cloud.SubmitSignatureOpenBao{Signature: "vault:v1:x", SubmitterOpenBaoEntityID: "entity"}
	return &other
}

func acceptReq(by, d *Device, id trust.AsyncEnrollmentID) *cloud.AsyncEnrollmentAcceptReq {
	c := by.UserCreateReq(d, trust.Standard)
	return &cloud.AsyncEnrollmentAcceptReq{
		EnrollmentID: id, SubmitterUserCertificate: c.UserCertificate, SubmitterDeviceCertificate: c.DeviceCertificate,
		SubmitterRedactedUserCertificate: c.RedactedUserCertificate, SubmitterRedactedDeviceCertificate: c.RedactedDeviceCertificate,
		AcceptPayload: Must(trust.Dump(&trust.AsyncEnrollmentAcceptPayload{
			UserID: d.User, DeviceID: d.ID, DeviceLabel: Must(trust.NewDeviceLabel("laptop")), HumanHandle: d.Handle, Profile: trust.Standard,
			RootVerifyKey: Must(by.Org.Root.VerifyKey()),
		})),
		AcceptPayloadSignature: &cloud.AcceptSignaturePKI{
			Algorithm: cloud.RSASSAPSSSHA256, Signature: []byte("accepted"), AccepterDERX509Certificate: leaf, IntermediateDERX509Certificates: chain,
		},
	}
}

// as is a value that a test knows to be of a type.
func as[T any](v any) T {
	own, ok := v.(T)
	if !ok {
		panic("a value is of another type")
	}
	return own
}

// info is what is said of an enrolment to who knows its id.
func info[R any, C interface {
	*R
	cloud.Reply
}](t *testing.T, o *Organization, id trust.AsyncEnrollmentID) C {
	t.Helper()
	req := &cloud.AsyncEnrollmentInfoReq{EnrollmentID: id}
	return Decode[R, C](t, o.Anonymous(req), req.DecodeReply)
}

func waiting(t *testing.T, d *Device) []cloud.AsyncEnrollment {
	t.Helper()
	req := &cloud.AsyncEnrollmentListReq{}
	return Decode[cloud.AsyncEnrollmentListOK](t, d.Do(req), req.DecodeReply).Enrollments
}

func TestAsyncEnrollmentSubmit(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		listener := o.First.Listen("")
		bob := o.NewDevice("bob")
		req := submitReq(bob)
		bad := func(status string, change func(*cloud.AsyncEnrollmentSubmitReq, *cloud.SubmitSignaturePKI)) {
			t.Helper()
			r := submitReq(bob)
			change(r, as[*cloud.SubmitSignaturePKI](r.SubmitPayloadSignature))
			Want(t, o.Anonymous(r), status)
		}
		bad("invalid_submit_payload", func(r *cloud.AsyncEnrollmentSubmitReq, _ *cloud.SubmitSignaturePKI) { r.SubmitPayload = []byte("x") })
		bad("invalid_der_x509_certificate", func(_ *cloud.AsyncEnrollmentSubmitReq, p *cloud.SubmitSignaturePKI) {
			p.SubmitterDERX509Certificate = nil
		})
		bad("invalid_der_x509_certificate", func(_ *cloud.AsyncEnrollmentSubmitReq, p *cloud.SubmitSignaturePKI) {
			p.IntermediateDERX509Certificates = [][]byte{[]byte("x")}
		})
		bad("invalid_x509_trustchain", func(_ *cloud.AsyncEnrollmentSubmitReq, p *cloud.SubmitSignaturePKI) {
			p.IntermediateDERX509Certificates = chain[:1]
		})
		bad("invalid_x509_trustchain", func(_ *cloud.AsyncEnrollmentSubmitReq, p *cloud.SubmitSignaturePKI) {
			p.IntermediateDERX509Certificates = slices.Repeat(chain, trust.MaxX509Intermediates)
		})
		first := Must(trust.DateTimeOf(s.Clock.Now()))
		if got := Decode[cloud.AsyncEnrollmentSubmitOK](t, o.Anonymous(req), req.DecodeReply); got.SubmittedOn != first {
			t.Errorf("submitted on %v", got.SubmittedOn)
		}
		Await[*cloud.EventAsyncEnrollment](listener)
		Want(t, o.Anonymous(req), "id_already_used")
		s.Clock.Tick()
		again := byOpenBao(submitReq(bob))
		if got := Decode[cloud.EmailAlreadySubmitted](t, o.Anonymous(again), again.DecodeReply); got.SubmittedOn != first {
			t.Errorf("submitted on %v", got.SubmittedOn)
		}
		again.Force = true
		OK(t, o.Anonymous(again))
		if got := info[cloud.AsyncEnrollmentInfoCancelled](t, o, req.EnrollmentID); got.SubmittedOn != first || got.CancelledOn != Must(trust.DateTimeOf(s.Clock.Now())) {
			t.Errorf("%+v", got)
		}
		s.Clock.Tick()
		taken := submitReq(o.First)
		Want(t, o.Anonymous(taken), "email_already_enrolled")
		taken.EnrollmentID = req.EnrollmentID
		Want(t, o.Anonymous(taken), "email_already_enrolled")
		carol := submitReq(o.NewDevice("carol"))
		OK(t, o.Anonymous(carol))

		list := waiting(t, o.First)
		if len(list) != 2 || list[0].EnrollmentID != again.EnrollmentID || list[1].EnrollmentID != carol.EnrollmentID || !bytes.Equal(list[1].SubmitPayload, carol.SubmitPayload) {
			t.Fatalf("%d enrolments wait: %+v", len(list), list)
		}
		if got, ok := list[0].SubmitPayloadSignature.(*cloud.SubmitSignatureOpenBao); !ok || *got != *as[*cloud.SubmitSignatureOpenBao](again.SubmitPayloadSignature) {
			t.Errorf("%+v", list[0].SubmitPayloadSignature)
		}
		if got, ok := list[1].SubmitPayloadSignature.(*cloud.SubmitSignaturePKI); !ok || !bytes.Equal(got.SubmitterDERX509Certificate, leaf) ||
			!slices.EqualFunc(got.IntermediateDERX509Certificates, chain, bytes.Equal) || string(got.Signature) != "signed" {
			t.Errorf("%+v", list[1].SubmitPayloadSignature)
		}
	})
}

func TestAsyncEnrollmentCancelAndReject(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob := o.Enrol("bob", trust.Standard)
		listener := o.First.Listen("")
		unknown := submitReq(bob).EnrollmentID
		Want(t, o.Anonymous(&cloud.AsyncEnrollmentInfoReq{EnrollmentID: unknown}), "enrollment_not_found")
		Want(t, o.Anonymous(&cloud.AsyncEnrollmentCancelReq{EnrollmentID: unknown}), "enrollment_not_found")
		Want(t, o.First.Do(&cloud.AsyncEnrollmentRejectReq{EnrollmentID: unknown}), "enrollment_not_found")
		Want(t, bob.Do(&cloud.AsyncEnrollmentRejectReq{EnrollmentID: unknown}), "author_not_allowed")
		Want(t, bob.Do(&cloud.AsyncEnrollmentListReq{}), "author_not_allowed")
		carol := o.NewDevice("carol")
		one, two := submitReq(carol), submitReq(carol)
		OK(t, o.Anonymous(one))
		info[cloud.AsyncEnrollmentInfoSubmitted](t, o, one.EnrollmentID)
		OK(t, o.Anonymous(&cloud.AsyncEnrollmentCancelReq{EnrollmentID: one.EnrollmentID}))
		info[cloud.AsyncEnrollmentInfoCancelled](t, o, one.EnrollmentID)
		Want(t, o.Anonymous(&cloud.AsyncEnrollmentCancelReq{EnrollmentID: one.EnrollmentID}), "enrollment_no_longer_available")
		Want(t, o.First.Do(&cloud.AsyncEnrollmentRejectReq{EnrollmentID: one.EnrollmentID}), "enrollment_no_longer_available")
		OK(t, o.Anonymous(two))
		rejected := s.Clock.Tick()
		OK(t, o.First.Do(&cloud.AsyncEnrollmentRejectReq{EnrollmentID: two.EnrollmentID}))
		if got := info[cloud.AsyncEnrollmentInfoRejected](t, o, two.EnrollmentID); got.RejectedOn != rejected {
			t.Errorf("%+v", got)
		}
		for range 4 {
			Await[*cloud.EventAsyncEnrollment](listener)
		}
		if list := waiting(t, o.First); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	})
}

func TestAsyncEnrollmentAccept(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob := o.First, o.Enrol("bob", trust.Standard)
		listener := alice.Listen("")
		carol := o.NewDevice("carol")
		submit := submitReq(carol)
		OK(t, o.Anonymous(submit))
		Await[*cloud.EventAsyncEnrollment](listener)
		bad := func(status string, change func(*cloud.AsyncEnrollmentAcceptReq, *cloud.AcceptSignaturePKI)) {
			t.Helper()
			r := acceptReq(alice, carol, submit.EnrollmentID)
			change(r, as[*cloud.AcceptSignaturePKI](r.AcceptPayloadSignature))
			Want(t, alice.Do(r), status)
		}
		Want(t, bob.Do(acceptReq(bob, carol, submit.EnrollmentID)), "author_not_allowed")
		bad("enrollment_not_found", func(r *cloud.AsyncEnrollmentAcceptReq, _ *cloud.AcceptSignaturePKI) { r.EnrollmentID.Generate() })
		bad("submit_and_accept_identity_systems_mismatch", func(r *cloud.AsyncEnrollmentAcceptReq, _ *cloud.AcceptSignaturePKI) {
			r.AcceptPayloadSignature = &cloud.AcceptSignatureOpenBao{}
		})
		bad("invalid_accept_payload", func(r *cloud.AsyncEnrollmentAcceptReq, _ *cloud.AcceptSignaturePKI) { r.AcceptPayload = nil })
		bad("invalid_der_x509_certificate", func(_ *cloud.AsyncEnrollmentAcceptReq, p *cloud.AcceptSignaturePKI) {
			p.AccepterDERX509Certificate = nil
		})
		bad("invalid_x509_trustchain", func(_ *cloud.AsyncEnrollmentAcceptReq, p *cloud.AcceptSignaturePKI) {
			p.IntermediateDERX509Certificates = chain[:1]
		})
		bad("invalid_certificate", func(r *cloud.AsyncEnrollmentAcceptReq, _ *cloud.AcceptSignaturePKI) { r.SubmitterUserCertificate = nil })
		early := acceptReq(alice, carol, submit.EnrollmentID)
		known := o.NewDevice("carol")
		known.User = bob.User
		Want(t, alice.Do(acceptReq(alice, known, submit.EnrollmentID)), "user_already_exists")
		Want(t, alice.Do(acceptReq(alice, o.NewDevice("bob"), submit.EnrollmentID)), "human_handle_already_taken")
		o.Enrol("dave", trust.Standard)
		Want(t, alice.Do(early), "require_greater_timestamp")
		s.Clock.Advance(cloud.ClientLate)
		Want(t, alice.Do(early), "timestamp_out_of_ballpark")

		req := acceptReq(alice, carol, submit.EnrollmentID)
		if got := Decode[cloud.AsyncEnrollmentAcceptOK](t, alice.Do(req), req.DecodeReply); got.EmailSent == nil || *got.EmailSent != cloud.EmailSentSuccess {
			t.Errorf("%+v", got)
		}
		Await[*cloud.EventCommonCertificate](listener) // of dave
		Await[*cloud.EventCommonCertificate](listener)
		Await[*cloud.EventAsyncEnrollment](listener)
		OK(t, carol.Do(RealmsOf()))
		Want(t, alice.Do(req), "enrollment_no_longer_available")
		got := info[cloud.AsyncEnrollmentInfoAccepted](t, o, submit.EnrollmentID)
		if p, ok := got.AcceptPayloadSignature.(*cloud.AcceptSignaturePKI); !ok || !bytes.Equal(got.AcceptPayload, req.AcceptPayload) ||
			!bytes.Equal(p.AccepterDERX509Certificate, leaf) || !slices.EqualFunc(p.IntermediateDERX509Certificates, chain, bytes.Equal) {
			t.Errorf("%+v", got)
		}
	})
}

func TestAsyncEnrollmentByOpenBao(t *testing.T) {
	three, office := uint64(3), &post{answer: cloud.EmailSentRecipientRefused}
	Each(t, Options{Mail: office, Configure: func(c *rules.Config) { c.Initial.ActiveUsersLimit = &three }}, func(t *testing.T, s *Server) {
		office.let = nil
		o := s.Bootstrapped()
		bob, mail := o.NewDevice("bob"), true
		submit := byOpenBao(submitReq(bob))
		OK(t, o.Anonymous(submit))
		carol := o.Enrol("carol", trust.Standard)
		dave := o.Enrol("dave", trust.Standard)
		accept := func() *cloud.AsyncEnrollmentAcceptReq {
			req := acceptReq(o.First, bob, submit.EnrollmentID)
			req.AcceptPayloadSignature, req.SendEmail = &cloud.AcceptSignatureOpenBao{Signature: "vault:v1:y", AccepterOpenBaoEntityID: "admin"}, &mail
			return req
		}
		Want(t, o.First.Do(accept()), "active_users_limit_reached")
		Want(t, o.First.Do(acceptReq(o.First, bob, submit.EnrollmentID)), "submit_and_accept_identity_systems_mismatch")
		o.First.Revoke(carol)
		req := accept()
		if got := Decode[cloud.AsyncEnrollmentAcceptOK](t, o.First.Do(req), req.DecodeReply); *got.EmailSent != cloud.EmailSentRecipientRefused {
			t.Errorf("the client is told %s", *got.EmailSent)
		}
		if want := (rules.EnrollmentMail{Organization: o.ID, To: bob.Handle.Email}); len(office.let) != 1 || office.let[0] != want {
			t.Errorf("the mails %+v were sent", office.let)
		}
		got := info[cloud.AsyncEnrollmentInfoAccepted](t, o, submit.EnrollmentID)
		if p, ok := got.AcceptPayloadSignature.(*cloud.AcceptSignatureOpenBao); !ok || *p != *as[*cloud.AcceptSignatureOpenBao](req.AcceptPayloadSignature) {
			t.Errorf("%+v", got.AcceptPayloadSignature)
		}
		o.First.Revoke(dave)
		OK(t, o.Anonymous(submitReq(o.NewDevice("dave")))) // the address is free
	})
}
