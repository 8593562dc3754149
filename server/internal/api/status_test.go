package api_test

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// statuses are 1.2 to 1.6 by route: what is answered to a request with one fault, or in one situation. A route has no cell where the fault cannot be; 464 and
// 501 are answered to nobody. There are no accounts here, so whoever has the right form is told that the command is unknown. The limits' 503 has its own test.
const statuses = `
                   anonymous probe  server invited authenticated tos events account
nothing            200       200    200    200     200           200 200    415
no version         422       422    422    422     422           422 422    422
malformed version  422       422    422    422     422           422 422    422
older version      422       422    422    422     422           422 422    422
newer minor        200       200    200    200     200           200 200    415
bad name           404       404    .      404     404           404 404    .
unknown name       404       404    .      404     404           404 404    .
no type            415       415    415    415     415           415 .      415
type with more     415       415    415    415     415           415 .      415
no accept          .         .      .      .       .             .   406    .
other accept       200       200    200    200     200           200 406    415
no credentials     200       200    200    401     401           401 401    401
malformed          200       200    200    401     401           401 401    401
of another kind    200       200    200    401     401           401 401    401
unknown            .         .      .      403     403           403 403    415
bad signature      .         .      .      .       403           403 403    .
too old            .         .      .      .       498           498 498    .
too new            .         .      .      .       498           498 498    .
too long           413       .      413    413     413           413 .      .
garbage            415       .      415    415     415           415 .      415
more than one      415       .      415    415     415           415 .      415
unknown command    415       .      415    415     415           415 .      415
of another family  415       .      415    415     415           415 .      415
invitation ended   .         .      .      410     .             .   .      .
expired            460       460    .      460     460           460 460    .
revoked            .         .      .      .       461           461 461    .
frozen             .         .      .      .       462           462 462    .
terms              200       200    .      200     463           200 463    .
stopping           .         .      .      .       .             .   503    .
`

// site is an organisation of its own, for what changes it.
type site struct {
	*Organization
	who   *Device
	token trust.AccessToken
}

func newSite(t *testing.T, s *Server) *site {
	t.Helper()
	o, token := s.Unborn(), trust.GenerateAccessToken()
	if created, err := s.CreateOrganization(t.Context(), o.ID, token); !created || err != nil {
		t.Fatal(created, err)
	}
	req := o.BootstrapReq()
	req.BootstrapToken = &token
	OK(t, o.Anonymous(req))
	invite := &cloud.InviteNewUserReq{ClaimerEmail: Must(trust.NewEmailAddress("zoe@example.com"))}
	invited := Decode[cloud.InviteNewUserOK](t, o.First.Do(invite), invite.DecodeReply)
	return &site{Organization: o, who: o.Enrol("bob", trust.Standard), token: invited.Token}
}

// ask makes a good request to a route.
func (x *site) ask(route string) *Request {
	switch route {
	case "probe":
		r := x.Prepare(cloud.Anonymous, &cloud.PingReq{}, "")
		r.Method, r.Body = http.MethodGet, nil
		return r
	case "server":
		return x.Prepare(cloud.AnonymousServer, &cloud.ServerConfigReq{}, "")
	case "invited":
		return x.Prepare(cloud.Invited, &cloud.InviteInfoReq{}, Must(cloud.NewInvitationToken(x.token)))
	case "authenticated":
		return x.Prepare(cloud.Authenticated, &cloud.OrganizationInfoReq{}, x.who.Token())
	case "tos":
		return x.Prepare(cloud.TOS, &cloud.TOSGetReq{}, x.who.Token())
	case "events":
		return x.who.ListenRequest("")
	case "account":
		key := Must(trust.NewSecretKey(make([]byte, 32)))
		return x.Prepare(cloud.Account, &cloud.PingReq{}, Must(cloud.NewAccountToken(trust.AccountAuthMethodID{}, x.Clock.Now(), key)))
	}
	return x.Prepare(cloud.Anonymous, &cloud.PingReq{}, "")
}

// credentials spoils who asks.
func (x *site) credentials(r *Request, change func(d *Device)) {
	d := *x.who
	change(&d)
	r.Header.Set("Authorization", d.Token())
}

// spoil puts a fault into a request, or changes what it is asked of.
func (x *site) spoil(r *Request, fault, route string) {
	switch fault {
	case "no version":
		r.Header.Del(cloud.HeaderVersion)
	case "malformed version":
		r.Header.Set(cloud.HeaderVersion, "5")
	case "older version":
		r.Header.Set(cloud.HeaderVersion, "4.9")
	case "newer minor":
		r.Header.Set(cloud.HeaderVersion, "5.99")
	case "bad name":
		r.Path = strings.Replace(r.Path, x.ID.String(), "not%20a%20name", 1)
	case "unknown name":
		r.Path = strings.Replace(r.Path, x.ID.String(), url.PathEscape(x.Unborn().ID.String()), 1)
	case "no type":
		r.Header.Del("Content-Type")
	case "type with more":
		r.Header.Set("Content-Type", cloud.ContentMsgpack+"; a=b")
	case "no accept":
		r.Header.Del("Accept")
	case "other accept":
		r.Header.Set("Accept", "text/html")
	case "no credentials":
		r.Header.Del("Authorization")
	case "malformed":
		r.Header.Set("Authorization", "Bearer x")
	case "of another kind":
		r.Header.Set("Authorization", "Basic "+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	case "unknown":
		x.unknown(r, route)
	case "bad signature":
		x.credentials(r, func(d *Device) { d.Signing = trust.GenerateSigningKey() })
	case "too old":
		x.Clock.Advance(cloud.ClientLate)
	case "too new":
		x.Clock.Advance(-cloud.ClientEarly)
	case "too long":
		r.Body = bytes.Repeat([]byte{0xc1}, cloud.MaxRequest+1)
	case "garbage":
		r.Body = []byte{0xc1}
	case "more than one":
		r.Body = append(slices.Clone(r.Body), r.Body...)
	case "unknown command":
		r.Body = bytes.Replace(r.Body, []byte("cmd"), []byte("kmd"), 1)
	case "of another family":
		r.Body = Must(cloud.EncodeRequest(&cloud.VlobPollChangesReq{}))
		if route == "authenticated" {
			r.Body = Must(cloud.EncodeRequest(&cloud.InviteInfoReq{}))
		}
	}
}

// unknown names somebody who does not exist.
func (x *site) unknown(r *Request, route string) {
	switch route {
	case "invited":
		r.Header.Set("Authorization", Must(cloud.NewInvitationToken(trust.GenerateAccessToken())))
	case "account": // nobody is known
	default:
		x.credentials(r, func(d *Device) { d.ID = trust.NewDeviceID() })
	}
}

// enter brings a situation about, which stays.
func (x *site) enter(t *testing.T, situation string) {
	t.Helper()
	change := func(body fields) {
		same(t, admin(x.Server, "PATCH", x.AdministrationPath(""), body), 200, `{}`)
	}
	switch situation {
	case "invitation ended":
		OK(t, x.First.Do(&cloud.InviteCancelReq{Token: x.token}))
	case "expired":
		change(fields{"is_expired": true})
	case "revoked":
		x.First.Revoke(x.who)
	case "frozen":
		JSON[fields](t, admin(x.Server, "POST", x.AdministrationPath("/users/freeze"), fields{"user_id": x.who.User.String(), "frozen": true}), 200)
	case "terms":
		change(fields{"tos": map[string]string{"en": "https://example.com/terms"}})
	case "stopping":
		x.Hang()
	}
}

// statusOf sends a request and reads no more than the status, for a stream goes on.
func statusOf(t *testing.T, s *Server, r *Request) int {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	q := Must(http.NewRequestWithContext(ctx, r.Method, s.URL+r.Path, bytes.NewReader(r.Body)))
	q.Header = r.Header
	p, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Body.Close() }()
	version, supported := p.Header.Get(cloud.HeaderVersion), p.Header.Get(cloud.HeaderSupportedVersions)
	stream := p.StatusCode == 200 && r.Header.Get("Accept") == cloud.ContentEvents
	if bad := p.StatusCode == 422; (version == "") != (bad || stream) || (supported != "") != bad {
		t.Errorf("HTTP status %d has version %q and supported versions %q", p.StatusCode, version, supported)
	}
	return p.StatusCode
}

// situations are the rows that change the organisation or the server, the last one for good.
var situations = []string{"invitation ended", "expired", "revoked", "frozen", "terms", "stopping"}

func TestStatusesOfRoutes(t *testing.T) {
	withToken := func(c *rules.Config) { c.Server.OrganizationBootstrap = cloud.BootstrapWithBootstrapToken }
	Each(t, Options{Configure: withToken}, func(t *testing.T, s *Server) {
		normal := newSite(t, s)
		lines := strings.Split(strings.TrimSpace(statuses), "\n")
		routes := strings.Fields(lines[0])
		seen := map[string]bool{}
		for _, line := range lines[1:] {
			fault, rest, _ := strings.Cut(line, "  ")
			cells := strings.Fields(rest)
			if len(cells) != len(routes) {
				t.Fatalf("%s has %d cells", fault, len(cells))
			}
			x := normal
			if slices.Contains(situations, fault) {
				x = newSite(t, s)
				x.enter(t, fault)
			}
			for i, route := range routes {
				if cells[i] == "." {
					continue
				}
				now := s.Clock.Now()
				r := x.ask(route)
				x.spoil(r, fault, route)
				got := strconv.Itoa(statusOf(t, s, r))
				s.Clock.Advance(now.Sub(s.Clock.Now()))
				if seen[got] = true; got != cells[i] {
					t.Errorf("%s, %s: HTTP status %s, the table says %s", route, fault, got, cells[i])
				}
			}
		}
		if all := slices.Sorted(maps.Keys(seen)); !slices.Equal(all, strings.Fields("200 401 403 404 406 410 413 415 422 460 461 462 463 498 503")) {
			t.Errorf("the statuses are %v", all)
		}
	})
}
