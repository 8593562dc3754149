package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// How a device comes to its certificates.
const (
	startFirst = "first download"
	startAgain = "start with what is kept"
)

// coldStart is what a process of its own took from unlocking to the certificates: Open reads the sealed log, which is empty the first time, and Refresh asks the server.
type coldStart struct {
	Open    float64 `json:"open_s"`
	Refresh float64 `json:"refresh_s"`
	// Network is the part of Refresh that waits for the first byte of answers.
	Network float64 `json:"network_s"`
	// OpenCPU and RefreshCPU are what the process ran on all processors.
	OpenCPU    float64 `json:"open_cpu_s"`
	RefreshCPU float64 `json:"refresh_cpu_s"`
	// Live is the heap that is in use with the certificates, Resident the process once what is free was given back, and Most the most that it had, in bytes.
	Live     int64 `json:"live_bytes"`
	Resident int64 `json:"resident_bytes"`
	Most     int64 `json:"most_bytes"`
	Users    int   `json:"users"`
	// Log is the size of the log on disk.
	Log int64 `json:"log_bytes"`
}

// measureStarts makes a large organisation and starts with it.
func (r *peopleResults) measureStarts(ctx context.Context, b *peopleBed, o options) (err error) {
	p, err := b.newSomeone()
	if err != nil {
		return err
	}
	server, err := b.address()
	if err != nil {
		return err
	}
	client, err := cloud.NewClient(cloud.Options{Server: server, Proxy: noProxy})
	if err != nil {
		return err
	}
	_, err = p.newLarge(ctx, client, o.peopleCertificates)
	client.Close()
	if err := errors.Join(err, p.close()); err != nil {
		return err
	}
	r.Certificates = o.peopleCertificates
	for range o.rounds {
		if err := os.RemoveAll(filepath.Join(p.dir, "organisations")); err != nil {
			return err
		}
		for _, name := range []string{startFirst, startAgain} {
			s, err := b.coldStart(ctx, p.dir)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			r.Starts[name] = append(r.Starts[name], s)
		}
	}
	return nil
}

// coldStart runs a process that starts with the device in a directory.
func (b *peopleBed) coldStart(ctx context.Context, dir string) (s coldStart, err error) {
	var problems bytes.Buffer
	cmd := exec.CommandContext(ctx, b.self, serveArgument, startArgument, dir) //nolint:gosec // this program
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return s, fmt.Errorf("%w\n%s", err, problems.Bytes())
	}
	return s, json.Unmarshal(out, &s)
}

// serveStart is such a process: it prints what it took.
func serveStart(dir string) (err error) {
	ctx := context.Background()
	p, err := (&peopleBed{budget: device.NewBudget()}).someoneIn(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	all, _, err := p.devices.List()
	if err != nil || len(all) != 1 {
		return fmt.Errorf("%d devices: %w", len(all), err)
	}
	u, err := p.open(ctx, all[0].ID)
	if err != nil {
		return err
	}
	debug.FreeOSMemory() // of Argon2id
	if err := resetMost(); err != nil {
		return err
	}
	s := coldStart{}
	if s.Open, s.OpenCPU, err = timed(func() error { return p.start(ctx, u) }); err != nil {
		return err
	}
	m := &meter{}
	if s.Refresh, s.RefreshCPU, err = timed(func() error { return p.session.Refresh(m.watch(ctx)) }); err != nil {
		return err
	}
	s.Network = m.network.Seconds()
	if err := s.hold(p.session); err != nil {
		return err
	}
	logs, err := filepath.Glob(filepath.Join(dir, "organisations", "*", "*", "certificates"))
	if err != nil || len(logs) != 1 {
		return fmt.Errorf("%d logs: %w", len(logs), err)
	}
	info, err := os.Stat(logs[0]) //nolint:gosec // in the directory of this run
	if err != nil {
		return err
	}
	s.Log = info.Size()
	return json.NewEncoder(os.Stdout).Encode(s)
}

func timed(do func() error) (took, cpu float64, err error) {
	begin, ran := time.Now(), processTime()
	err = do()
	return time.Since(begin).Seconds(), (processTime() - ran).Seconds(), err
}

// hold says what the process has with the certificates.
func (s *coldStart) hold(of *session.Session) (err error) {
	if s.Most, err = statusOf("VmHWM"); err != nil {
		return err
	}
	debug.FreeOSMemory()
	if s.Resident, err = statusOf("VmRSS"); err != nil {
		return err
	}
	m := memory()
	s.Live = int64(m.HeapAlloc) //nolint:gosec // the size of a heap
	return of.View(func(c *trust.Store) error {
		s.Users = len(c.Users())
		runtime.KeepAlive(c)
		return nil
	})
}

// resetMost has the kernel forget the most memory that this process had.
func resetMost() error {
	const most = "5"
	return os.WriteFile("/proc/self/clear_refs", []byte(most), 0)
}

// statusOf reads a size of this process, in bytes.
func statusOf(name string) (int64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("the kernel does not say %s", name)
}

// medianStart returns the medians of some starts.
func medianStart(all []coldStart) coldStart {
	of := func(value func(coldStart) float64) float64 {
		values := make([]float64, len(all))
		for i, s := range all {
			values[i] = value(s)
		}
		return median(values)
	}
	return coldStart{
		Open: of(func(s coldStart) float64 { return s.Open }), Refresh: of(func(s coldStart) float64 { return s.Refresh }), Network: of(func(s coldStart) float64 { return s.Network }),
		OpenCPU: of(func(s coldStart) float64 { return s.OpenCPU }), RefreshCPU: of(func(s coldStart) float64 { return s.RefreshCPU }),
		Live: int64(of(func(s coldStart) float64 { return float64(s.Live) })), Resident: int64(of(func(s coldStart) float64 { return float64(s.Resident) })),
		Most: int64(of(func(s coldStart) float64 { return float64(s.Most) })), Log: int64(of(func(s coldStart) float64 { return float64(s.Log) })),
	}
}

func (r *peopleResults) printStarts(w io.Writer) {
	fmt.Fprintf(w, "%d certificates\topen s\tCPU s\trefresh s\tCPU s\tnetwork s\tlive MB\tresident MB\tat most MB\tlog MB\n", r.Certificates)
	for _, name := range []string{startFirst, startAgain} {
		s := medianStart(r.Starts[name])
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.1f\t%.1f\t%.1f\t%.1f\n", name, s.Open, s.OpenCPU, s.Refresh, s.RefreshCPU, s.Network,
			megabytes(s.Live), megabytes(s.Resident), megabytes(s.Most), megabytes(s.Log))
	}
}
