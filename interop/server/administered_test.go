//go:build interop

package server_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// special are organisations with what administrators make, and what goes by secrets.
type special struct {
	*Organization

	bob, carol *Device
	key        *cloud.TOTPCreateOpaqueKeyOK
	secret     trust.TOTPSecret
	realm      trust.RealmID
	// waiting is an organisation that waits for its bootstrap with a token.
	waiting *Organization
	token   trust.AccessToken
}

// administer asks a server as its administrator.
func administer(t *testing.T, s *Server, method, path string, body any) any {
	t.Helper()
	q := Must(http.NewRequestWithContext(t.Context(), method, s.URL+"/administration/organizations"+path, bytes.NewReader(Must(json.Marshal(body)))))
	q.Header.Set("Authorization", "Bearer "+cloudtest.AdministrationToken)
	q.Header.Set("Content-Type", "application/json")
	a := Must(http.DefaultClient.Do(q)) //nolint:bodyclose // it is closed below
	defer func() { _ = a.Body.Close() }()
	text := Must(io.ReadAll(a.Body))
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: HTTP status %d: %s", method, path, a.StatusCode, text)
	}
	var answer any
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// administered makes them on the original.
func administered(t *testing.T, theirs *Server) *special {
	t.Helper()
	theirs.Clock.Advance(time.Since(theirs.Clock.Now()) - 2*time.Minute)
	p := &special{Organization: theirs.Unborn(), waiting: theirs.Unborn()}
	req := p.BootstrapReq()
	p.Sequestered(req)
	theirs.Clock.Advance(time.Second)
	OK(t, p.Anonymous(req))
	p.bob, p.carol = p.Enrol("bob", trust.Standard), p.Enrol("carol", trust.Outsider)
	path := "/" + p.ID.String()

	key := Must(rsa.GenerateKey(rand.Reader, 2048))
	service := &trust.SequesterServiceCertificate{
		Timestamp: p.Clock.Tick(), ServiceID: trust.SequesterServiceID(trust.NewUserID()), ServiceLabel: "safe", EncryptionKeyDER: Must(x509.MarshalPKIXPublicKey(&key.PublicKey)),
	}
	administer(t, theirs, http.MethodPost, path+"/sequester/services", fieldsOf{
		"service_certificate": Must(trust.SignServiceCertificate(service, p.Authority)), "config": fieldsOf{"type": "storage"},
	})
	p.realm = p.First.CreateRealm()
	rotation := p.First.RotationReq(p.realm, 1, p.First.User)
	rotation.PerSequesterServiceKeysBundleAccess = map[trust.SequesterServiceID][]byte{service.ServiceID: []byte("access of the service")}
	OK(t, p.First.Do(rotation))

	get := &cloud.TOTPSetupGetSecretReq{}
	p.secret = Decode[cloud.TOTPSetupGetSecretOK](t, p.bob.Do(get), get.DecodeReply).TOTPSecret
	OK(t, p.bob.Do(&cloud.TOTPSetupConfirmReq{OneTimePassword: Must(p.secret.Code(time.Now()))}))
	create := &cloud.TOTPCreateOpaqueKeyReq{}
	p.key = Decode[cloud.TOTPCreateOpaqueKeyOK](t, p.bob.Do(create), create.DecodeReply)

	administer(t, theirs, http.MethodPost, path+"/users/freeze", fieldsOf{"user_id": p.carol.User.String(), "frozen": true})
	administer(t, theirs, http.MethodPatch, path, fieldsOf{"active_users_limit": 3, "user_profile_outsider_allowed": false})
	made, isMap := administer(t, theirs, http.MethodPost, "", fieldsOf{"organization_id": p.waiting.ID.String(), "tos": fieldsOf{"en": "http://example.com/a?b=1&c=2"}}).(map[string]any)
	text, isText := made["bootstrap_url"].(string)
	if !isMap || !isText {
		t.Fatalf("no address: %v", made)
	}
	address, ok := Must(trust.ParseAction(text)).(*trust.BootstrapAddress)
	if !ok || address.Token == nil {
		t.Fatalf("%v", made)
	}
	p.token = *address.Token
	return p
}

// check wants a server to have all of that.
func (p *special) check(t *testing.T, ours *Server) {
	t.Helper()
	for _, id := range []trust.OrganizationID{p.ID, p.waiting.ID} {
		for _, path := range []string{"", "/stats", "/users", "/sequester/services"} {
			if id == p.waiting.ID && path != "" {
				continue // nobody is in it
			}
			a, b := administer(t, ours, http.MethodGet, "/"+id.String()+path, nil), administer(t, p.Server, http.MethodGet, "/"+id.String()+path, nil)
			if !reflect.DeepEqual(a, b) {
				t.Errorf("%s: ours %v, theirs %v", path, a, b)
			}
		}
	}
	alice, bob := p.First.At(ours), p.bob.At(ours)
	for _, req := range []cloud.Request{RealmsOf(), &cloud.RealmGetKeysBundleReq{RealmID: p.realm, KeyIndex: 1}, &cloud.ListFrozenUsersReq{}} {
		if problem := compare(alice.Do(req), p.First.Do(req)); problem != "" {
			t.Errorf("%s: %s", req.Command(), problem)
		}
	}
	WantHTTP(t, p.carol.At(ours).Do(RealmsOf()), cloud.StatusUserFrozen)
	Want(t, alice.Do(alice.UserCreateReq(alice.Org.NewDevice("dave"), trust.Standard)), "active_users_limit_reached")
	Want(t, bob.Do(&cloud.TOTPSetupGetSecretReq{}), "already_setup")
	fetch := &cloud.TOTPFetchOpaqueKeyReq{UserID: bob.User, OpaqueKeyID: p.key.OpaqueKeyID, OneTimePassword: Must(p.secret.Code(time.Now()))}
	got := Decode[cloud.TOTPFetchOpaqueKeyOK](t, alice.Org.Anonymous(fetch), fetch.DecodeReply)
	if !bytes.Equal(Must(got.OpaqueKey.Export()), Must(p.key.OpaqueKey.Export())) {
		t.Error("the opaque key is another one")
	}
	born := *p.waiting
	born.Server = ours
	req := born.BootstrapReq()
	Want(t, born.Anonymous(req), "invalid_bootstrap_token")
	req.BootstrapToken = &p.token
	OK(t, born.Anonymous(req))
}
