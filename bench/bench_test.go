package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
)

// TestMain lets the test program be the services that bench starts from itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == serveArgument {
		os.Exit(serve(os.Args[2:]))
	}
	pgtest.Exit(m.Run())
}

// TestRunWithoutTheOriginal makes a whole run, as short as can be.
func TestRunWithoutTheOriginal(t *testing.T) {
	needRoot(t)
	tokentest.Need(t, "softhsm2", "softhsm2-util", tokentest.Library)
	tokentest.Need(t, "swtpm", "swtpm")
	tokentest.Need(t, "gcc", "gcc")
	dir := t.TempDir()
	o := options{
		service: true, rounds: 1, each: 10 * time.Millisecond, idle: 10 * time.Millisecond, hardware: true, out: filepath.Join(dir, "r.json"), profile: dir,
	}
	r, report := runShort[results](t, o, filepath.Base(o.out))
	for _, want := range []string{"sign P-256", "sign Ed25519", "bare signer", "wake-ups", "profile of ours", hsmRSA, tpmP256, "overhead"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report has no %q:\n%s", want, report)
		}
	}
	if len(r.Loads) < 30 || r.Rest[ours] == nil || r.Rest[ours].Fresh.RSS == 0 || len(r.Goals) != 4 {
		t.Errorf("raw numbers: %d loads, %d goals, %+v", len(r.Loads), len(r.Goals), r.Rest)
	}
	for _, l := range r.Loads {
		if len(l.Samples) != 1 || l.Samples[0].Requests == 0 || l.Samples[0].P50 > l.Samples[0].P99 {
			t.Errorf("%v: %+v", l.cell, l.Samples)
		}
	}
}

// needRoot is for runs that read the memory of the agent's process.
func needRoot(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("measures nothing under a detector of races")
	}
	if os.Getuid() == 0 {
		return
	}
	const problem = "reading the memory of the agent's process takes root"
	if os.Getenv("CI") != "" {
		t.Fatal(problem)
	}
	t.Skip(problem)
}

// runShort makes a run, and returns the numbers that it wrote to a file and what it said.
func runShort[R any](t *testing.T, o options, file string) (r R, report string) {
	t.Helper()
	var said strings.Builder
	if err := run(t.Context(), o, &said); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(filepath.Dir(o.out), file))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r, said.String()
}

// TestTrust makes a whole run over a small organisation, as short as can be.
func TestTrust(t *testing.T) {
	o := options{trust: true, rounds: 1, each: time.Millisecond, trustCertificates: 300, trustFolders: 20, out: filepath.Join(t.TempDir(), "r.json")}
	r, report := runShort[trustResults](t, o, trustFile)
	if len(r.Loads) < 9 || len(r.Goals) < 2 {
		t.Errorf("%d loads, %d goals", len(r.Loads), len(r.Goals))
	}
	for _, l := range r.Loads {
		if len(l.Samples) != 1 || l.Samples[0].Operations == 0 || l.Samples[0].Seconds <= 0 {
			t.Errorf("%s: %+v", l.Work, l.Samples)
		}
		if !strings.Contains(report, l.Work) {
			t.Errorf("the report has no %q:\n%s", l.Work, report)
		}
	}
}

// TestServer makes a whole run on metadata servers of ours, as short as can be.
func TestServer(t *testing.T) {
	if testing.Short() {
		t.Skip("measures nothing under a detector of races")
	}
	pgtest.Database(t) // says what is missing
	o := options{server: true, rounds: 1, each: 10 * time.Millisecond, serverCertificates: 70, listeners: 40, out: filepath.Join(t.TempDir(), "r.json")}
	r, report := runShort[serverResults](t, o, serverFile)
	if len(r.Loads) != 7*2*3+2*2*3+2 || len(r.Goals) != 8 || r.Rest[oursSQLite] == 0 || r.RestAnonymous[oursSQLite] == 0 || r.RestAnonymous[oursSQLite] >= r.Rest[oursSQLite] {
		t.Errorf("%d loads, %d goals, %v", len(r.Loads), len(r.Goals), r.Rest)
	}
	for _, l := range r.Loads {
		if len(l.Samples) != 1 || l.Samples[0].Requests == 0 || l.Samples[0].P50 > l.Samples[0].P99 {
			t.Errorf("%s, %s, %d: %+v", l.Subject, l.Work, l.Clients, l.Samples)
		}
	}
	for _, name := range []string{oursSQLite, oursPostgres} {
		if l := r.Listeners[name]; l == nil || l.Lost != 0 || len(l.ToldMS) != toldTries {
			t.Errorf("%s: %+v", name, l)
		}
		if !strings.Contains(report, name) {
			t.Errorf("the report has no %q:\n%s", name, report)
		}
	}
}

// TestPeople makes a whole run with a small organisation and two devices, as short as can be.
func TestPeople(t *testing.T) {
	needRoot(t)
	const certificates = 420
	o := options{
		people: true, rounds: 1, peopleRuns: 1, peopleCertificates: certificates, peopleDevices: 2, peopleIdle: 10 * time.Millisecond, out: filepath.Join(t.TempDir(), "r.json"),
	}
	r, report := runShort[peopleResults](t, o, peopleFile)
	for _, name := range peopleFlows {
		for _, s := range r.Flows[name] {
			if s.Requests == 0 || s.Network <= 0 || s.Argon2id <= 0 || s.Rest <= 0 || s.Total < s.Network+s.Argon2id {
				t.Errorf("%s: %+v", name, s)
			}
		}
		if len(r.Flows[name]) != o.peopleRuns || !strings.Contains(report, name) {
			t.Errorf("%s: %d runs, the report:\n%s", name, len(r.Flows[name]), report)
		}
	}
	if u := r.Agent.Usages; len(u) != 3 || u[2].Devices != 2 || u[2].RSS == 0 || u[2].Files <= u[0].Files {
		t.Errorf("the agent holds %+v", u)
	}
	first, again := r.Starts[startFirst], r.Starts[startAgain]
	if len(first) != 1 || len(again) != 1 || first[0].Users != again[0].Users || first[0].Users < rolesPerUpload || first[0].Log != again[0].Log || first[0].Log < 200*certificates || again[0].Live == 0 {
		t.Errorf("first %+v\nagain %+v", first, again)
	}
}

// TestServerGoalsFromNumbers judges made-up numbers, met and missed.
func TestServerGoalsFromNumbers(t *testing.T) {
	r := &serverResults{Rest: map[string]int64{oursSQLite: 19, theirsMemory: 100}}
	add := func(subject, work string, clients int, rate float64, memory int64) {
		r.Loads = append(r.Loads, serverLoad{subject, work, clients, []serverSample{{sample: sample{PerSecond: rate}, Memory: memory}}})
	}
	add(oursSQLite, readVlob, serverClients, 99, 30)
	add(theirsMemory, readVlob, serverClients, 10, 100)
	add(oursSQLite, createVlob, serverClients, 51, 0)
	add(theirsMemory, createVlob, serverClients, 10, 0)
	add(oursSQLite, readVlob, 1, 31, 0)
	add(theirsMemory, readVlob, 1, 10, 0)
	add(oursSQLite, createBlock, 1, 71, 0)
	add(bareDisk, createBlock, 1, 100, 0)
	add(oursPostgres, readBlock, 1, 69, 0)
	add(barePostgres, readBlock, 1, 100, 0)
	got := map[float64]bool{}
	for _, g := range r.goals() {
		got[g.Got] = g.Met
	}
	for value, met := range map[float64]bool{9.9: false, 5.1: true, 3.1: true, 71: true, 69: false, 0.19: true, 0.3: false} {
		if is, ok := got[value]; !ok || is != met {
			t.Errorf("goals %v: %v is met %t, %t", got, value, is, ok)
		}
	}
}

func TestMedian(t *testing.T) {
	for want, of := range map[float64][]float64{0: nil, 3: {3}, 2: {9, 1, 2}, 2.5: {4, 1, 2, 3}} {
		if got := median(of); got != want {
			t.Errorf("median of %v is %v, want %v", of, got, want)
		}
	}
}

func TestBusyMachineIsSaid(t *testing.T) {
	var report strings.Builder
	r := &results{Machine: machine{CPUs: 2, Load: 1.5}, Rest: map[string]*rest{}}
	r.print(&report)
	if !strings.Contains(report.String(), "load 1.50") {
		t.Errorf("a busy machine is not mentioned:\n%s", report.String())
	}
}

// TestGoalsFromNumbers judges made-up numbers, met and missed.
func TestGoalsFromNumbers(t *testing.T) {
	r := &results{Rest: map[string]*rest{ours: {StartMS: []float64{60}, Wakeups: 2, Seconds: 20}}}
	add := func(c cell, s sample) { r.Loads = append(r.Loads, loaded{c, []sample{s}}) }
	add(cell{ours, p256, 1, false}, sample{P50: 100})
	add(cell{originalDefault, p256, 1, false}, sample{P50: 10000})
	add(cell{ours, p256, 8, true}, sample{PerSecond: 300})
	add(cell{originalDefault, p256, 8, false}, sample{PerSecond: 50})
	add(cell{original1ms, p256, 8, false}, sample{PerSecond: 100})
	add(cell{bare, p256, 8, true}, sample{PerSecond: 400})
	add(cell{oursHardware, hsmP256, 1, false}, sample{P50: 100})
	add(cell{originalHardware, hsmP256, 1, false}, sample{P50: 900})
	add(cell{oursHardware, tpmP256, 8, true}, sample{PerSecond: 160})
	add(cell{originalHardware, tpmP256, 8, false}, sample{PerSecond: 10})
	add(cell{originalHardware0ms, tpmP256, 8, false}, sample{PerSecond: 100})
	add(cell{oursHardware, tpmRSA, 8, true}, sample{PerSecond: 77})
	add(cell{originalHardware, tpmRSA, 8, false}, sample{PerSecond: 1})
	got := map[float64]bool{}
	for _, g := range goals(r) {
		got[g.Got] = g.Met
	}
	for value, met := range map[float64]bool{100: true, 3: false, 75: true, 2: false, 0: true, 60: false, 9: false, 1.6: true} {
		if is, ok := got[value]; !ok || is != met {
			t.Errorf("goals %v: %v is met %t, %t", got, value, is, ok)
		}
	}
	if _, ok := got[77]; ok {
		t.Error("nothing is promised of RSA in a TPM")
	}
}
