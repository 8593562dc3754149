package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

// TestMain lets the test program be the services that bench starts from itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == serveArgument {
		os.Exit(serve(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// TestRunWithoutTheOriginal makes a whole run, as short as can be.
func TestRunWithoutTheOriginal(t *testing.T) {
	if os.Getuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("reading the memory of the agent's process takes root")
		}
		t.Skip("reading the memory of the agent's process takes root")
	}
	if testing.Short() {
		t.Skip("measures nothing under a detector of races")
	}
	tokentest.Need(t, "softhsm2", "softhsm2-util", tokentest.Library)
	tokentest.Need(t, "swtpm", "swtpm")
	tokentest.Need(t, "gcc", "gcc")
	dir := t.TempDir()
	o := options{
		service: true, rounds: 1, each: 10 * time.Millisecond, idle: 10 * time.Millisecond, hardware: true, out: filepath.Join(dir, "r.json"), profile: dir,
	}
	var report strings.Builder
	if err := run(t.Context(), o, &report); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"sign P-256", "sign Ed25519", "bare signer", "wake-ups", "profile of ours", hsmRSA, tpmP256, "overhead"} {
		if !strings.Contains(report.String(), want) {
			t.Errorf("the report has no %q:\n%s", want, report.String())
		}
	}
	b, err := os.ReadFile(o.out)
	if err != nil {
		t.Fatal(err)
	}
	var r results
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
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

// TestTrust makes a whole run over a small organisation, as short as can be.
func TestTrust(t *testing.T) {
	o := options{trust: true, rounds: 1, each: time.Millisecond, trustCertificates: 300, trustFolders: 20, out: filepath.Join(t.TempDir(), "r.json")}
	var report strings.Builder
	if err := run(t.Context(), o, &report); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(filepath.Dir(o.out), trustFile))
	if err != nil {
		t.Fatal(err)
	}
	var r trustResults
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Loads) < 9 || len(r.Goals) < 2 {
		t.Errorf("%d loads, %d goals", len(r.Loads), len(r.Goals))
	}
	for _, l := range r.Loads {
		if len(l.Samples) != 1 || l.Samples[0].Operations == 0 || l.Samples[0].Seconds <= 0 {
			t.Errorf("%s: %+v", l.Work, l.Samples)
		}
		if !strings.Contains(report.String(), l.Work) {
			t.Errorf("the report has no %q:\n%s", l.Work, report.String())
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
