//go:build interop

package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// issued makes a certificate of X.509 as far as servers look at it: who it is for, and whose it says to be.
func issued(subject, issuer string) []byte {
	key := Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: subject}}
	p := &x509.Certificate{Subject: pkix.Name{CommonName: issuer}}
	return Must(x509.CreateCertificate(rand.Reader, t, p, &key.PublicKey, key))
}

// leaf and above are a chain that ends in no root that anybody knows.
var leaf, above = issued("Leaf", "Between"), [][]byte{issued("Between", "Above"), issued("Above", "Root")}

// chain is what stands above the leaf: in any order, but that the original on PostgreSQL fails when it is not the one of the chain.
func (l *life) chain() [][]byte {
	if !l.postgres && l.once(2) {
		return [][]byte{above[1], above[0]}
	}
	return above
}

// family is how a command is sent.
func family(req cloud.Request) cloud.Family {
	switch req.(type) {
	case *cloud.AsyncEnrollmentSubmitReq, *cloud.AsyncEnrollmentCancelReq, *cloud.AsyncEnrollmentInfoReq:
		return cloud.Anonymous
	}
	return cloud.Authenticated
}

// submit asks to be taken in: somebody new, somebody who asked before, or somebody who is in already.
func (l *life) submit(*Device) (cloud.Request, func()) {
	n := l.newDevice()
	if l.once(4) && len(l.newcomers) > 0 {
		n = l.newcomers[l.random.IntN(len(l.newcomers))]
	}
	if l.once(10) {
		n = l.device()
	}
	label := Must(trust.NewDeviceLabel("x"))
	req := &cloud.AsyncEnrollmentSubmitReq{Force: l.once(3), SubmitPayload: Must(trust.Dump(&trust.AsyncEnrollmentSubmitPayload{
		VerifyKey: Must(n.Signing.VerifyKey()), PublicKey: Must(n.Private.Public()), RequestedDeviceLabel: label, RequestedHumanHandle: n.Handle,
	})), SubmitPayloadSignature: l.submission()}
	req.EnrollmentID.Generate()
	if l.once(8) && len(l.enrolments) > 0 {
		req.EnrollmentID = l.enrolments[l.random.IntN(len(l.enrolments))]
	}
	if l.once(15) {
		req.SubmitPayload = []byte("x")
	}
	return req, func() {
		l.enrolments = append(l.enrolments, req.EnrollmentID)
		l.newcomers = append(l.newcomers, n)
	}
}

// submission is who vouches for a newcomer: an OpenBao server, or a chain of certificates, which may be broken.
func (l *life) submission() cloud.SubmitSignature {
	if l.once(2) {
		return &cloud.SubmitSignatureOpenBao{Signature: "s", SubmitterOpenBaoEntityID: "e"}
	}
	p := &cloud.SubmitSignaturePKI{Algorithm: cloud.RSASSAPSSSHA256, Signature: []byte("s"), SubmitterDERX509Certificate: leaf, IntermediateDERX509Certificates: l.chain()}
	if l.once(5) {
		p.IntermediateDERX509Certificates = above[1:]
	}
	if l.once(5) {
		p.SubmitterDERX509Certificate = []byte("x")
	}
	return p
}

// decide is what becomes of a request, mostly by the first administrator.
func (l *life) decide(d *Device) (cloud.Request, func()) {
	if len(l.enrolments) == 0 {
		return l.ask(d)
	}
	if !l.once(5) {
		d = l.First
	}
	l.sender = d
	i := l.random.IntN(len(l.enrolments))
	id := l.enrolments[i]
	if l.once(15) {
		id.Generate()
	}
	switch l.random.IntN(6) {
	case 0:
		return &cloud.AsyncEnrollmentRejectReq{EnrollmentID: id}, nil
	case 1:
		return &cloud.AsyncEnrollmentCancelReq{EnrollmentID: id}, nil
	case 2:
		return &cloud.AsyncEnrollmentInfoReq{EnrollmentID: id}, nil
	case 3:
		return &cloud.AsyncEnrollmentListReq{}, nil
	}
	return l.accept(d, id, l.newcomers[i])
}

func (l *life) accept(d *Device, id trust.AsyncEnrollmentID, n *Device) (cloud.Request, func()) {
	at, mail := l.at(), false
	u, v := n.UserCertificate(d, l.profile(), at), n.DeviceCertificate(d, at)
	req := &cloud.AsyncEnrollmentAcceptReq{
		EnrollmentID: id, SendEmail: &mail, SubmitterUserCertificate: l.sign(d, u), SubmitterDeviceCertificate: l.sign(d, v),
		SubmitterRedactedUserCertificate: l.sign(d, u.Redacted()), SubmitterRedactedDeviceCertificate: l.sign(d, v.Redacted()),
		AcceptPayload: Must(trust.Dump(&trust.AsyncEnrollmentAcceptPayload{
			UserID: n.User, DeviceID: n.ID, DeviceLabel: Must(trust.NewDeviceLabel("x")), HumanHandle: n.Handle, Profile: trust.Standard,
			RootVerifyKey: Must(l.Root.VerifyKey()),
		})), AcceptPayloadSignature: &cloud.AcceptSignatureOpenBao{Signature: "s", AccepterOpenBaoEntityID: "e"},
	}
	if l.once(2) {
		req.AcceptPayloadSignature = &cloud.AcceptSignaturePKI{
			Algorithm: cloud.RSASSAPSSSHA256, Signature: []byte("s"), AccepterDERX509Certificate: leaf, IntermediateDERX509Certificates: l.chain(),
		}
	}
	if l.once(12) {
		req.AcceptPayload = []byte("x")
	}
	return req, func() { l.devices = append(l.devices, n) }
}
