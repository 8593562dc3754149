package rules_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// freeze lets a user in no more, or again.
func freeze(t *testing.T, d *Device, frozen bool) {
	t.Helper()
	org := number(t, d.Org)
	err := d.Org.Rules.Store.Write(t.Context(), []store.Lock{store.User(org, d.User)}, func(tx *store.Tx) error {
		return tables.FreezeUser(t.Context(), tx, org, d.User, frozen)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// secretOf asks for the secret of a device's user.
func secretOf(t *testing.T, d *Device) trust.TOTPSecret {
	t.Helper()
	req := &cloud.TOTPSetupGetSecretReq{}
	return Decode[cloud.TOTPSetupGetSecretOK](t, d.Do(req), req.DecodeReply).TOTPSecret
}

// code is the code of a moment so far from now.
func code(d *Device, secret trust.TOTPSecret, off time.Duration) string {
	return Must(secret.Code(d.Org.Clock.Now().Add(off)))
}

// wrong is a code that fits at no step near now.
func wrong(d *Device, secret trust.TOTPSecret) string {
	for _, c := range []string{"000000", "111111", "222222", "333333"} {
		if fits, err := secret.Verify(c, d.Org.Clock.Now()); err == nil && !fits {
			return c
		}
	}
	panic("one of four codes fits none of three steps")
}

func same(t *testing.T, a, b interface{ Export() ([]byte, error) }) bool {
	t.Helper()
	return bytes.Equal(Must(a.Export()), Must(b.Export()))
}

func TestTOTPSetup(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		alice := s.Bootstrapped().First
		Want(t, alice.Do(&cloud.TOTPSetupConfirmReq{OneTimePassword: "000000"}), "invalid_one_time_password")
		secret := secretOf(t, alice)
		if !same(t, secret, secretOf(t, alice)) {
			t.Error("the secret changes before it is confirmed")
		}
		for _, c := range []string{wrong(alice, secret), code(alice, secret, time.Minute), code(alice, secret, -time.Minute), "", "x"} {
			Want(t, alice.Do(&cloud.TOTPSetupConfirmReq{OneTimePassword: c}), "invalid_one_time_password")
		}
		OK(t, alice.Do(&cloud.TOTPSetupConfirmReq{OneTimePassword: code(alice, secret, -30*time.Second)}))
		Want(t, alice.Do(&cloud.TOTPSetupConfirmReq{OneTimePassword: code(alice, secret, 0)}), "already_setup")
		Want(t, alice.Do(&cloud.TOTPSetupGetSecretReq{}), "already_setup")
	})
}

func TestTOTPReset(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob, org := o.Enrol("bob", trust.Standard), number(t, o)
		get := &cloud.AnonymousTOTPSetupGetSecretReq{UserID: bob.User, Token: trust.GenerateAccessToken()}
		confirm := func(code string) *Answer {
			return o.Anonymous(&cloud.AnonymousTOTPSetupConfirmReq{UserID: get.UserID, Token: get.Token, OneTimePassword: code})
		}
		Want(t, o.Anonymous(get), "bad_token")
		Want(t, confirm("000000"), "bad_token")
		old := secretOf(t, bob)
		OK(t, bob.Do(&cloud.TOTPSetupConfirmReq{OneTimePassword: code(bob, old, 0)}))
		Want(t, o.Anonymous(get), "bad_token")

		get.Token = Must(s.Rules.ResetTOTP(t.Context(), org, bob.User))
		Want(t, confirm(code(bob, old, 0)), "invalid_one_time_password")
		secret := Decode[cloud.AnonymousTOTPSetupGetSecretOK](t, o.Anonymous(get), get.DecodeReply).TOTPSecret
		if same(t, secret, old) || !same(t, secret, secretOf(t, bob)) {
			t.Error("a reset leaves the secret, or there are two")
		}
		Want(t, confirm(wrong(bob, secret)), "invalid_one_time_password")
		freeze(t, bob, true)
		Want(t, o.Anonymous(get), "bad_token")
		Want(t, confirm(code(bob, secret, 0)), "bad_token")
		freeze(t, bob, false)
		get.UserID = o.First.User
		Want(t, o.Anonymous(get), "bad_token")
		get.UserID = trust.NewUserID()
		Want(t, o.Anonymous(get), "bad_token")
		get.UserID = bob.User
		OK(t, confirm(code(bob, secret, 30*time.Second)))
		Want(t, o.Anonymous(get), "bad_token")
		Want(t, confirm(code(bob, secret, 0)), "bad_token")

		get.Token = Must(s.Rules.ResetTOTP(t.Context(), org, bob.User))
		o.First.Revoke(bob)
		Want(t, o.Anonymous(get), "bad_token")
		if _, err := s.Rules.ResetTOTP(t.Context(), org, bob.User); !errors.Is(err, rules.ErrUserRevoked) {
			t.Error(err)
		}
		if _, err := s.Rules.ResetTOTP(t.Context(), org, trust.NewUserID()); !errors.Is(err, rules.ErrNoUser) {
			t.Error(err)
		}
	})
}

// opaque makes a key for a device's user.
func opaque(t *testing.T, d *Device) *cloud.TOTPCreateOpaqueKeyOK {
	t.Helper()
	req := &cloud.TOTPCreateOpaqueKeyReq{}
	return Decode[cloud.TOTPCreateOpaqueKeyOK](t, d.Do(req), req.DecodeReply)
}

func TestTOTPOpaqueKeys(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob := o.Enrol("bob", trust.Outsider)
		key, other := opaque(t, bob), opaque(t, bob)
		secret := secretOf(t, bob)
		fetch := &cloud.TOTPFetchOpaqueKeyReq{UserID: bob.User, OpaqueKeyID: key.OpaqueKeyID, OneTimePassword: code(bob, secret, 0)}
		Want(t, o.Anonymous(fetch), "invalid_one_time_password") // not confirmed
		OK(t, bob.Do(&cloud.TOTPSetupConfirmReq{OneTimePassword: fetch.OneTimePassword}))
		if got := Decode[cloud.TOTPFetchOpaqueKeyOK](t, o.Anonymous(fetch), fetch.DecodeReply); !same(t, got.OpaqueKey, key.OpaqueKey) {
			t.Error("another key is given out")
		}
		for _, change := range []func(*cloud.TOTPFetchOpaqueKeyReq){
			func(r *cloud.TOTPFetchOpaqueKeyReq) { r.UserID = trust.NewUserID() },
			func(r *cloud.TOTPFetchOpaqueKeyReq) { r.UserID = o.First.User },
			func(r *cloud.TOTPFetchOpaqueKeyReq) { r.OpaqueKeyID.Generate() },
		} {
			spoiled := *fetch
			change(&spoiled)
			Want(t, o.Anonymous(&spoiled), "invalid_one_time_password")
		}

		for wait := time.Second; wait <= 4*time.Second; wait *= 2 {
			fetch.OneTimePassword = wrong(bob, secret)
			Want(t, o.Anonymous(fetch), "invalid_one_time_password")
			until := Must(trust.DateTimeOf(s.Clock.Now())).Add(wait)
			s.Clock.Advance(wait) // just not enough
			fetch.OneTimePassword = code(bob, secret, 0)
			if got := Decode[cloud.Throttled](t, o.Anonymous(fetch), fetch.DecodeReply); got.WaitUntil != until {
				t.Errorf("throttled until %v, want %v", got.WaitUntil, until)
			}
			s.Clock.Advance(time.Microsecond)
		}
		sibling := *fetch
		sibling.OpaqueKeyID = other.OpaqueKeyID
		OK(t, o.Anonymous(&sibling))
		OK(t, o.Anonymous(fetch))
		fetch.OneTimePassword = wrong(bob, secret)
		Want(t, o.Anonymous(fetch), "invalid_one_time_password")
		s.Clock.Advance(time.Second + time.Microsecond) // a success made it short again
		fetch.OneTimePassword = code(bob, secret, 0)
		OK(t, o.Anonymous(fetch))

		freeze(t, bob, true)
		Want(t, o.Anonymous(fetch), "invalid_one_time_password")
		freeze(t, bob, false)
		OK(t, o.Anonymous(fetch))
		o.First.Revoke(bob)
		Want(t, o.Anonymous(fetch), "invalid_one_time_password")
	})
}

// TestTOTPThrottleIsForgotten: a reset leaves keys, and lets them be asked for at once.
func TestTOTPThrottleIsForgotten(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice := o.First
		key, secret := opaque(t, alice), secretOf(t, alice)
		OK(t, alice.Do(&cloud.TOTPSetupConfirmReq{OneTimePassword: code(alice, secret, 0)}))
		fetch := &cloud.TOTPFetchOpaqueKeyReq{UserID: alice.User, OpaqueKeyID: key.OpaqueKeyID, OneTimePassword: wrong(alice, secret)}
		Want(t, o.Anonymous(fetch), "invalid_one_time_password")
		Want(t, o.Anonymous(fetch), "throttled")
		Must(s.Rules.ResetTOTP(t.Context(), number(t, o), alice.User))
		Want(t, o.Anonymous(fetch), "invalid_one_time_password") // nothing is set up
		secret = secretOf(t, alice)
		OK(t, alice.Do(&cloud.TOTPSetupConfirmReq{OneTimePassword: code(alice, secret, 0)}))
		fetch.OneTimePassword = code(alice, secret, 0)
		if got := Decode[cloud.TOTPFetchOpaqueKeyOK](t, o.Anonymous(fetch), fetch.DecodeReply); !same(t, got.OpaqueKey, key.OpaqueKey) {
			t.Error("a reset changes the key")
		}
	})
}

// TestTOTPAtRest: what the database has is neither the secret nor a key, and nobody tries codes at once without being counted.
func TestTOTPAtRest(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		key, secret, org := opaque(t, o.First), secretOf(t, o.First), number(t, o)
		err := s.Rules.Store.Read(t.Context(), func(tx *store.Tx) error {
			kept := Must(tables.GetTOTP(t.Context(), tx, org, o.First.User))
			k := Must(tables.GetOpaqueKey(t.Context(), tx, org, o.First.User, key.OpaqueKeyID))
			if bytes.Contains(kept.Secret, Must(secret.Export())) || bytes.Contains(k.Sealed, Must(key.OpaqueKey.Export())) {
				t.Error("a secret lies open")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		OK(t, o.First.Do(&cloud.TOTPSetupConfirmReq{OneTimePassword: code(o.First, secret, 0)}))
		const tries = 8
		answers := make(chan string, tries)
		fetch := &cloud.TOTPFetchOpaqueKeyReq{UserID: o.First.User, OpaqueKeyID: key.OpaqueKeyID, OneTimePassword: wrong(o.First, secret)}
		for range tries {
			go func() { answers <- o.Anonymous(fetch).Reply }()
		}
		count := map[string]int{}
		for range tries {
			count[<-answers]++
		}
		if count["invalid_one_time_password"] != 1 || count["throttled"] != tries-1 {
			t.Errorf("of %d tries at once: %v", tries, count)
		}
	})
}
