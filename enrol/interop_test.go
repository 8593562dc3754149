//go:build interop

package enrol_test

import (
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// original stands before the original's server.
func original(t *testing.T) *front {
	t.Helper()
	u := servertest.Must(url.Parse(strings.TrimSuffix(cloudtest.Server(t).HTTP(), "/")))
	return before(t, servertest.Remote(t, u.String()), httputil.NewSingleHostReverseProxy(u))
}

// TestReferenceServer does on the original's server what the other tests do on ours.
func TestReferenceServer(t *testing.T) {
	f := original(t)
	t.Run("bootstrap", func(t *testing.T) {
		a := f.member(t).start()
		flow, err := a.Bootstrap(f.unborn(t), authority(t))
		must(t, err)
		r, err := flow.Run(t.Context(), &script{name: "alice"})
		must(t, err)
		usable(t, a, r)
	})
	t.Run("bootstrap that loses its answer", func(t *testing.T) {
		f.meddle(losing(1, true))
		defer f.meddle(nil)
		_, a, r := bootstrapped(t, f)
		usable(t, a, r)
	})
	t.Run("people", func(t *testing.T) {
		m := meetOn(t, f, trust.InviteUser)
		r := m.good()
		must(t, enrol.UpdateProfile(t.Context(), m.s, r.User, trust.Admin))
		must(t, enrol.RevokeUser(t.Context(), m.s, r.User))
		if !revoked(t, m.s, r.User) {
			t.Error("the user is not revoked")
		}
		m.invite(trust.InviteDevice)
		m.good()
	})
	t.Run("interleavings", func(t *testing.T) {
		rounds := 8
		if soak() {
			rounds = 200
		}
		interleave(t, rounds, 2, func(t *testing.T) *world { t.Helper(); return worldOn(t, f) })
	})
}
