package audit

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func sample() Record {
	return Record{
		Time:        time.Date(2026, 2, 3, 4, 5, 6, 7000, time.FixedZone("", 3600)),
		Application: "1000", AuthType: wire.AuthUnixPeer, UID: 1000, GID: 100, PID: 4711, Cgroup: "/user.slice",
		Operation: "PsaSignHash", Provider: "mbed-crypto-provider", Key: "web/tls",
		Result: wire.StatusDoesNotExist, Reference: "9f3c", Duration: 31500 * time.Nanosecond,
	}
}

// TestLine holds a line against the one in docs/audit-log.md.
func TestLine(t *testing.T) {
	t.Parallel()
	r := sample()
	want := `{"time":"2026-02-03T03:05:06.000007Z","event":"request","app":"1000","auth":"UnixPeerCredentials","uid":1000,"gid":100,"pid":4711,` +
		`"cgroup":"/user.slice","operation":"PsaSignHash","provider":"mbed-crypto-provider","key":"web/tls",` +
		`"result":"PsaErrorDoesNotExist","status":1140,"reference":"9f3c","duration_us":31}` + "\n"
	if got := string(appendRecord(nil, &r)); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	doc, err := os.ReadFile("../../../docs/audit-log.md")
	if err != nil || !strings.Contains(string(doc), "\n"+want) {
		t.Errorf("docs/audit-log.md does not show this line: %v", err)
	}
	want = `{"time":"0001-01-01T00:00:00.000000Z","event":"request","uid":0,"gid":0,"pid":0,"result":"Success","status":0,"duration_us":0}` + "\n"
	if got := string(appendRecord(nil, &Record{})); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestQuoting(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`plain é 鍵`:                 `plain é 鍵`,
		"a\"b\\c\n\x00\x1b[31m\x7f": `a\"b\\c\u000a\u0000\u001b[31m\u007f`,
		"\u202egnp.exe\u2066":       `\u202egnp.exe\u2066`, // text that runs backwards
		"\xff\xc3":                  `\ufffd\ufffd`,
		"\U000E0041":                `\udb40\udc41`, // an invisible tag
		"🔑":                         "🔑",
	} {
		if got := string(appendQuoted(nil, in)); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestLongTextIsCut(t *testing.T) {
	t.Parallel()
	a, b := Record{Key: strings.Repeat("é", 500) + "a"}, Record{Key: strings.Repeat("é", 500) + "b"}
	lineA, lineB := string(appendRecord(nil, &a)), string(appendRecord(nil, &b))
	if lineA == lineB {
		t.Error("two long names cannot be told apart")
	}
	want := `"key":"` + strings.Repeat("é", 128) + `... [1001 bytes, sha256:`
	if !strings.Contains(lineA, want) {
		t.Errorf("%s\nwithout %s", lineA, want)
	}
	odd := Record{Key: "x" + strings.Repeat("é", 500)}
	if line := string(appendRecord(nil, &odd)); !utf8.ValidString(line) || !strings.Contains(line, "é... [1001 bytes") {
		t.Errorf("cut within a character: %s", line)
	}
}

// FuzzRecord: whatever a peer names things, the line is one line of valid, printable and
// bounded JSON, and what was short and valid comes back.
func FuzzRecord(f *testing.F) {
	f.Add("1000", "web/tls", "/user.slice", uint16(0))
	f.Add("\xff", strings.Repeat("\n", 300), "\u202e", uint16(19))
	f.Add(`"},{"event":"request`, "\\", "\U000E0041", uint16(1133))
	f.Fuzz(func(t *testing.T, app, key, cgroup string, status uint16) {
		r := Record{Application: app, Key: key, Cgroup: cgroup, Result: wire.Status(status)}
		line := string(appendRecord(nil, &r))
		if len(line) > 6*maxText*3+1000 || strings.Index(line, "\n") != len(line)-1 {
			t.Fatalf("%d bytes: %q", len(line), line)
		}
		for _, c := range strings.TrimSuffix(line, "\n") {
			if !unicode.IsPrint(c) {
				t.Fatalf("%q in %q", c, line)
			}
		}
		var got struct {
			App, Key, Cgroup string
			Status           uint16
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ in, out string }{{app, got.App}, {key, got.Key}, {cgroup, got.Cgroup}} {
			if len(c.in) <= maxText && utf8.ValidString(c.in) && c.in != c.out {
				t.Fatalf("%q came back as %q", c.in, c.out)
			}
		}
		if got.Status != status {
			t.Fatal(got.Status)
		}
	})
}

func TestDropsLine(t *testing.T) {
	t.Parallel()
	var d drops
	r := sample()
	d.add(&r)
	r.Result = wire.StatusNotAuthenticated
	for range 3 {
		d.add(&r)
	}
	for uid := range uint32(100) {
		d.add(&Record{UID: uid, Result: wire.StatusAdminOperation})
	}
	var got struct {
		Event            string
		Records, Refused int
		Refusals         []struct {
			UID    int
			Result string
			Count  int
		}
	}
	if err := json.Unmarshal(d.appendTo(nil, time.Now()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Event != "dropped" || got.Records != 104 || got.Refused != 103 || len(got.Refusals) != maxKinds {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(got.Refusals[0], struct {
		UID    int
		Result string
		Count  int
	}{1000, "NotAuthenticated", 3}); diff != "" {
		t.Error(diff)
	}
}
