//go:build interop

package session_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/session/sessiontest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// TestReferenceServer: a session follows the original's server: certificates, events, a changed profile, a revocation, and a proxy that hides what is newest.
func TestReferenceServer(t *testing.T) {
	url := strings.TrimSuffix(cloudtest.Server(t).HTTP(), "/")
	org := servertest.Remote(t, url).Bootstrapped()
	p := sessiontest.NewProxy(t, url)
	bob := org.Enrol("bob", trust.Standard)
	w := &world{t: t, org: org, held: sessiontest.Hold(sessiontest.Local(t, bob, p.URL)), place: sessiontest.NewPlace(t)}
	open := func() {
		t.Helper()
		var err error
		if w.Session, w.close, err = w.place.Open(t, w.held, nil); err != nil {
			t.Fatal(err)
		}
	}
	open()
	stop := w.run()
	w.untilState(session.Online)
	if w.users() != 2 || w.Profile() != trust.Standard {
		t.Errorf("%d users, %v", w.users(), w.Profile())
	}
	carol := org.Enrol("carol", trust.Standard)
	w.until("carol", func() bool { return w.users() == 3 })
	for _, profile := range []trust.Profile{trust.Outsider, trust.Admin} {
		c := &trust.UserUpdateCertificate{Author: org.First.ID, Timestamp: org.Clock.Tick(), UserID: bob.User, NewProfile: profile}
		servertest.OK(t, org.First.Do(&cloud.UserUpdateReq{UserUpdateCertificate: org.First.Sign(c)}))
		w.until("profile "+profile.String(), func() bool { return w.Profile() == profile && w.Status().State == session.Online })
	}
	// What bob signs now is newer than everything; the server's clock is ours.
	rep, err := session.Certify(t.Context(), w.Session, session.UserGap, func(d *trust.LocalDevice, at trust.DateTime) (cloud.Exchange[cloud.UserRevokeRep], error) {
		b, err := trust.SignCertificate(&trust.RevokedUserCertificate{Author: d.DeviceID, Timestamp: at, UserID: carol.User}, d.SigningKey)
		return &cloud.UserRevokeReq{RevokedUserCertificate: b}, err
	})
	if err != nil || rep.Status() != "ok" {
		t.Fatalf("%v, %v", rep, err)
	}
	revoked := func() (is bool) {
		_ = w.View(func(c *trust.Store) error {
			u, _ := c.User(carol.User, far)
			is = u.Revoked
			return nil
		})
		return is
	}
	w.until("the revocation", revoked)
	stop()
	w.close()
	open()
	if !revoked() {
		t.Error("the revocation is gone after a restart")
	}
	if err := w.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Certificates(func(_ *cloud.CertificateGetReq, rep *cloud.CertificateGetOK) { rep.CommonCertificates = nil })
	if err := w.Refresh(t.Context()); err == nil || w.Status().State != session.RolledBack {
		t.Errorf("%v, %+v", err, w.Status())
	}
	p.Meddle(nil)
	if err := w.Audit(t.Context()); err != nil || w.Status().Clock != "" {
		t.Errorf("%v, clock %q", err, w.Status().Clock)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	w.untilState(session.Online)
	at := must(trust.DateTimeOf(time.Now()))
	c := &trust.RevokedUserCertificate{Author: org.First.ID, Timestamp: at, UserID: bob.User}
	servertest.OK(t, org.First.Do(&cloud.UserRevokeReq{RevokedUserCertificate: org.First.Sign(c)}))
	w.untilState(session.Revoked)
	cancel()
	<-done //nolint:errcheck // it is the end of its context
}
