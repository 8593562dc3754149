package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"

	"github.com/seed-73b3884f/parsec-agent/server/command"
)

// profileFrom is the signal from which on our server watches itself: what fills it is not looked at.
const profileFrom = syscall.SIGUSR1

// profiles repeats the loads on our server under the profiler, a file of each kind for each load.
func (b *serverBed) profiles(ctx context.Context, o options, out io.Writer) error {
	dir, err := filepath.Abs(o.profile)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for _, name := range []string{oursSQLite, oursPostgres} {
		for _, work := range o.asked(slices.Concat(serverWorks, serverBlocks)) {
			file := filepath.Join(dir, strings.NewReplacer(" ", "-", ",", "").Replace(name+"-"+work))
			got, err := b.profileServer(ctx, name, work, file, o)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%s, %s, %d connections: %.0f per second, %.1f µs of the processors each: go tool pprof -top %s.cpu\n",
				name, work, serverClients, got.PerSecond, got.CPU, file)
		}
	}
	return nil
}

func (b *serverBed) profileServer(ctx context.Context, name, work, file string, o options) (got serverSample, err error) {
	argv, address, err := b.command(ctx, name)
	if err != nil {
		return got, err
	}
	argv = append([]string{b.self, serveArgument, serverArgument, file}, argv[1:]...)
	s, err := b.spawn(ctx, name, argv, address)
	if err != nil {
		return got, err
	}
	if err := s.fill(ctx, o.serverCertificates); err != nil {
		return got, err
	}
	shots, err := s.org.shots(work, serverClients, o.each)
	if err != nil {
		return got, err
	}
	if err := s.process.Signal(profileFrom); err != nil {
		return got, err
	}
	got, err = s.shoot(ctx, shots, o.each)
	s.org.client.Close()
	b.subjects = slices.DeleteFunc(b.subjects, func(other *serverSubject) bool { return other == s })
	return got, errors.Join(err, s.process.Stop())
}

// serveServerProfiled is our server under the profiler: where processors work, and where goroutines wait.
func serveServerProfiled(file string, args []string) (err error) {
	cpu, err := os.Create(file + ".cpu") //nolint:gosec // named by the caller
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cpu.Close()) }()
	begin := make(chan os.Signal, 1)
	signal.Notify(begin, profileFrom)
	go func() {
		<-begin
		runtime.SetBlockProfileRate(10_000) // nanoseconds
		runtime.MemProfileRate = 64 << 10
		_ = pprof.StartCPUProfile(cpu) // an empty file says it
	}()
	status := command.Main(args, "profiled")
	pprof.StopCPUProfile()
	if status != 0 {
		return fmt.Errorf("the server ended with status %d", status)
	}
	for _, kind := range []string{"block", "allocs"} {
		f, err := os.Create(file + "." + kind) //nolint:gosec // named by the caller
		if err != nil {
			return err
		}
		if err := errors.Join(pprof.Lookup(kind).WriteTo(f, 0), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
