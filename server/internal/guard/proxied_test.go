package guard_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
)

const v2 = "\r\n\r\n\x00\r\nQUIT\n"

// headers are some of the PROXY protocol, and the client that they name.
var headers = map[string]string{
	"PROXY TCP4 1.2.3.4 5.6.7.8 90 443\r\n":                                             "1.2.3.4:90",
	"PROXY TCP6 2001:db8::1 2001:db8::2 65535 443\r\n":                                  "[2001:db8::1]:65535",
	"PROXY UNKNOWN\r\n":                                                                 "",
	"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n":                                             "",
	v2 + "\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x5a\x01\xbb":             "1.2.3.4:90",
	v2 + "\x21\x11\x00\x0f\x01\x02\x03\x04\x05\x06\x07\x08\x00\x5a\x01\xbb\x04\x00\x00": "1.2.3.4:90",
	v2 + "\x21\x21\x00\x24" + "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + strings.Repeat("\x02", 16) + "\x00\x5a\x01\xbb": "[2001:db8::1]:90",
	v2 + "\x20\x00\x00\x00":    "",
	v2 + "\x21\x31\x00\x03abc": "",
}

var noHeaders = []string{
	"", "PROXY", "GET / HTTP/1.1\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 90\r\n", "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
	"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 99999 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
	"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "PROXY TCP4 " + strings.Repeat("1", 200) + "\r\n", "PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n",
	v2, v2 + "\x31\x11\x00\x00", v2 + "\x22\x11\x00\x00", v2 + "\x21\x11\x00\x04abcd", v2 + "\x21\x11\xff\xff" + strings.Repeat("x", 70000),
	v2 + "\x21\x11\x00\x0cabc",
}

func TestProxyHeader(t *testing.T) {
	for text, want := range headers {
		r := strings.NewReader(text + "rest")
		got, err := guard.ReadProxyHeader(r)
		rest, _ := io.ReadAll(r)
		if err != nil || want == "" && got.IsValid() || want != "" && got != netip.MustParseAddrPort(want) || string(rest) != "rest" {
			t.Errorf("%q: %v, %v, rest %q, want %s", text, got, err, rest, want)
		}
	}
	for _, text := range noHeaders {
		if got, err := guard.ReadProxyHeader(strings.NewReader(text)); err == nil {
			t.Errorf("%.40q: %v", text, got)
		}
	}
}

// FuzzProxyHeader: a header is read in bounded space, and nothing after it.
func FuzzProxyHeader(f *testing.F) {
	for text := range headers {
		f.Add([]byte(text))
	}
	for _, text := range noHeaders {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		addr, err := guard.ReadProxyHeader(r)
		used := len(data) - r.Len()
		if used > 16+2048 {
			t.Errorf("%d bytes were read", used)
		}
		if err != nil {
			return
		}
		again, err := guard.ReadProxyHeader(bytes.NewReader(data[:used]))
		if err != nil || again != addr {
			t.Errorf("%v, and of these bytes alone %v, %v", addr, again, err)
		}
	})
}

// TestProxyProtocol: a trusted proxy says who asks, by its connection; from others the
// header is no HTTP.
func TestProxyProtocol(t *testing.T) {
	for _, c := range []struct {
		trusted, sent, want string
	}{
		{"localhost", "PROXY TCP4 1.2.3.4 5.6.7.8 90 443\r\n", "1.2.3.4"},
		{"localhost", "PROXY UNKNOWN\r\n", "127.0.0.1"},
		{"localhost", "", "closed"},
		{"10.0.0.1", "PROXY TCP4 1.2.3.4 5.6.7.8 90 443\r\n", "400 Bad Request"},
		{"10.0.0.1", "", "127.0.0.1"},
	} {
		var refused guard.Counter
		list := trusted(t, c.trusted)
		s := httptest.NewUnstartedServer(guard.Clients(list, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, guard.ClientOf(r.Context()).Addr.String())
		})))
		s.Listener = guard.Listen(s.Listener, guard.Connections{Trusted: list, ProxyProtocol: true, Refused: &refused})
		s.Start()
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, c.sent+"GET / HTTP/1.0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if c.want == "closed" && (err != nil || len(answer) > 0) && !strings.Contains(string(answer), "400") {
			t.Errorf("without a header: %q, %v", answer, err)
		} else if c.want != "closed" && !strings.Contains(string(answer), c.want) {
			t.Errorf("%s trusted, %q: %q, want %s", c.trusted, c.sent, answer, c.want)
		}
		_ = conn.Close() // it was read to its end
		s.Close()
	}
}
