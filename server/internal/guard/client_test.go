package guard_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
)

func trusted(t testing.TB, text string) guard.Trusted {
	t.Helper()
	list, err := guard.ParseTrusted(text)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestTrusted(t *testing.T) {
	for text, peers := range map[string]map[string]bool{
		"":                             {"127.0.0.1": false, "": false, "10.0.0.1": false},
		"localhost":                    {"127.0.0.1": true, "127.9.9.9": true, "::1": true, "": true, "10.0.0.1": false},
		"*":                            {"127.0.0.1": true, "": true, "8.8.8.8": true},
		"10.0.0.1, 192.168.0.0/16,::5": {"10.0.0.1": true, "10.0.0.2": false, "192.168.7.7": true, "::5": true, "::6": false, "": false},
		"::ffff:10.0.0.1":              {"10.0.0.1": true},
		"2001:db8::1/32":               {"2001:db8:ffff::": true, "2001:db9::": false, "32.1.13.184": false},
		" 127.0.0.1 ,, localhost,":     {"::1": true},
		"0.0.0.0/0":                    {"8.8.8.8": true, "::1": false, "": false},
	} {
		list := trusted(t, text)
		for peer, want := range peers {
			addr := netip.Addr{}
			if peer != "" {
				addr = netip.MustParseAddr(peer)
			}
			if got := list.Trusts(addr); got != want {
				t.Errorf("%q trusts %q: %v", text, peer, got)
			}
		}
	}
	for _, text := range []string{"proxy.example", "10.0.0.0/33", "10.0.0", "fe80::1%eth0", "::ffff:10.0.0.0/100", strings.Repeat("10.0.0.1,", 300)} {
		if _, err := guard.ParseTrusted(text); err == nil {
			t.Errorf("%.40q is read", text)
		}
	}
}

func TestClients(t *testing.T) {
	for name, c := range map[string]struct {
		peer   string
		header http.Header
		tls    bool
		want   guard.Client
	}{
		"direct":            {peer: "8.8.8.8:1", want: client("8.8.8.8", false, false)},
		"direct with TLS":   {peer: "[2001:db8::1]:1", tls: true, want: client("2001:db8::1", false, true)},
		"a liar":            {peer: "8.8.8.8:1", header: forward("1.2.3.4", "https"), want: client("8.8.8.8", false, false)},
		"a proxy":           {peer: "10.0.0.1:1", header: forward("1.2.3.4", "https"), want: client("1.2.3.4", false, true)},
		"a proxy with http": {peer: "10.0.0.1:1", tls: true, header: forward("1.2.3.4", "http"), want: client("1.2.3.4", false, false)},
		"two proxies":       {peer: "10.0.0.1:1", header: forward("1.2.3.4, 10.0.0.2", ""), want: client("1.2.3.4", false, false)},
		"a liar by a proxy": {peer: "10.0.0.1:1", header: forward("127.0.0.1, 1.2.3.4", ""), want: client("1.2.3.4", false, false)},
		"two headers":       {peer: "10.0.0.1:1", header: http.Header{"X-Forwarded-For": {"5.5.5.5", "1.2.3.4,10.0.0.2"}}, want: client("1.2.3.4", false, false)},
		"two protocols":     {peer: "10.0.0.1:1", header: http.Header{"X-Forwarded-Proto": {"https", "http"}}, want: client("10.0.0.1", true, false)},
		"proxies only":      {peer: "10.0.0.1:1", header: forward("10.0.0.3,10.0.0.2", ""), want: client("10.0.0.3", true, false)},
		"no header":         {peer: "10.0.0.1:1", want: client("10.0.0.1", true, false)},
		"nonsense":          {peer: "10.0.0.1:1", header: forward("1.2.3.4, unknown, 10.0.0.2", ""), want: client("10.0.0.2", true, false)},
		"empty":             {peer: "10.0.0.1:1", header: forward("", ""), want: client("10.0.0.1", true, false)},
		"with port":         {peer: "10.0.0.1:1", header: forward("1.2.3.4:567", ""), want: client("1.2.3.4", false, false)},
		"IPv6":              {peer: "10.0.0.1:1", header: forward("2001:db8::7", ""), want: client("2001:db8::7", false, false)},
		"IPv6 in brackets":  {peer: "10.0.0.1:1", header: forward("[2001:db8::7]", ""), want: client("2001:db8::7", false, false)},
		"IPv6 with port":    {peer: "10.0.0.1:1", header: forward("[2001:db8::7]:8", ""), want: client("2001:db8::7", false, false)},
		"IPv4 in IPv6":      {peer: "[::ffff:10.0.0.1]:1", header: forward("::ffff:1.2.3.4", ""), want: client("1.2.3.4", false, false)},
		"endless":           {peer: "10.0.0.1:1", header: forward("1.2.3.4"+strings.Repeat(",10.0.0.2", 10_000), ""), want: client("10.0.0.2", true, false)},
		"a Unix socket":     {peer: "@", header: forward("1.2.3.4", "https"), want: guard.Client{}},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.TLS = c.peer, nil
		if c.header != nil {
			r.Header = c.header
		}
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		guard.Clients(trusted(t, "10.0.0.0/24"), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if got := guard.ClientOf(r.Context()); got != c.want {
				t.Errorf("%s: %+v, want %+v", name, got, c.want)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
}

func client(addr string, proxy, secure bool) guard.Client {
	return guard.Client{Addr: netip.MustParseAddr(addr), Proxy: proxy, Secure: secure}
}

func forward(clients, proto string) http.Header {
	h := http.Header{"X-Forwarded-For": {clients}}
	if proto != "" {
		h.Set("X-Forwarded-Proto", proto)
	}
	return h
}

// FuzzForwarded: whatever a proxy sends, the client is an address that is written there, or
// the proxy.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"", "1.2.3.4", "1.2.3.4, 10.0.0.2", "[::1]:8", "::ffff:1.2.3.4,,x", "fe80::1%eth0"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = "10.0.0.1:1", []string{one, two}
		guard.Clients(trusted(t, "10.0.0.0/24"), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c := guard.ClientOf(r.Context())
			if !c.Addr.IsValid() || c.Addr.Zone() != "" || c.Addr.Is4In6() || c.Proxy != trusted(t, "10.0.0.0/24").Trusts(c.Addr) {
				t.Errorf("%q, %q: %+v", one, two, c)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	})
}
