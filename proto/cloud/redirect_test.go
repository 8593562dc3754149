package cloud

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestRedirection(t *testing.T) {
	for native, web := range map[string]string{
		"parsec3://host/Org?a=claim_user&p=xBA":              "https://host/redirect/Org?a=claim_user&p=xBA",
		"parsec3://host:4430/Org?no_ssl=true&a=path&p=a%20b": "http://host:4430/redirect/Org?a=path&p=a%20b",
		"parsec3://host":                 "https://host/redirect/",
		"parsec3://[::1]/%C3%89cole?a=b": "https://[::1]/redirect/%C3%89cole?a=b",
	} {
		if got, err := Redirection(native); err != nil || got != web {
			t.Errorf("%s: %s, %v", native, got, err)
		}
	}
	for _, bad := range []string{"", "https://host/redirect/Org", "parsec3://", "parsec3://host/%zz", "parsec3://host?no_ssl=x"} {
		if got, err := Redirection(bad); err == nil {
			t.Errorf("%s: %s", bad, got)
		}
	}
}

func TestRedirectTarget(t *testing.T) {
	for _, c := range []struct{ server, path, query, want string }{
		{"parsec3://host", "Org", "a=x&p=y", "parsec3://host/Org?a=x&p=y"},
		{"parsec3://host", "Org", "no_ssl=true&a=x&no%5Fssl=1", "parsec3://host/Org?a=x"},
		{"parsec3://host:81?no_ssl=true", "Org", "no_ssl=false", "parsec3://host:81/Org?no_ssl=true"},
		{"parsec3://host", "École/\r\nx?y", "", "parsec3://host/%C3%89cole/%0D%0Ax%3Fy"},
	} {
		server, err := trust.ParseServerAddress(c.server)
		if err != nil {
			t.Fatal(err)
		}
		if got := RedirectTarget(server, c.path, c.query); got != c.want {
			t.Errorf("%s, not %s", got, c.want)
		}
	}
}
