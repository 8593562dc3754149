package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

// The subjects: what is measured.
const (
	ours            = "ours"
	oursNoAudit     = "ours, audit off"
	originalDefault = "original, default"
	original1ms     = "original, 1 ms"
	original0ms     = "original, 0 ms"
	bare            = "bare signer"

	oursHardware        = "ours, hardware"
	originalHardware    = "original, default, hardware"
	originalHardware1ms = "original, 1 ms, hardware"
	originalHardware0ms = "original, 0 ms, hardware"
	bareHardware        = "bare call"
)

// originals are all configurations of the original.
var originals = []string{originalDefault, original1ms, original0ms, originalHardware, originalHardware1ms, originalHardware0ms}

// subject is a service under measurement.
type subject struct {
	name string
	// keeps: it grants persistent connections.
	keeps bool
	// works are what it has keys for.
	works  []string
	socket string
	// command starts ours.
	command agentdtest.Command
	// start is nil for what is no process of its own.
	start func(ctx context.Context) (*agentdtest.Process, error)
	// call returns what does a work without a service, for a subject without process.
	call func(work string) (requester, error)

	process *agentdtest.Process
}

// bed is where the services lie: the built agent, the tree of the original.
type bed struct {
	dir    string
	agent  string
	self   string
	helper string // empty without hardware
	tree   *original.Tree
	undo   []func() error
}

// makeBed builds the agent and makes the directories.
func makeBed(ctx context.Context, o options) (*bed, error) {
	dir, err := os.MkdirTemp("/tmp", "pb-")
	if err != nil {
		return nil, err
	}
	b := &bed{dir: dir}
	if b.self, err = os.Executable(); err != nil {
		return b, err
	}
	if b.agent, err = agentdtest.Build(ctx, dir, false); err != nil {
		return b, err
	}
	if o.hardware {
		b.helper = filepath.Join(dir, "parsec-pkcs11-helper")
		if err = tokentest.BuildHelper(ctx, b.helper); err != nil {
			return b, err
		}
	}
	if !o.original {
		return b, nil
	}
	if b.tree, err = original.Open(ctx); err == nil && o.hardware {
		err = b.tree.Need(ctx, tokentest.Library, "softhsm2")
	}
	return b, err
}

// close removes everything.
func (b *bed) close() error {
	var errs []error
	for _, f := range slices.Backward(b.undo) {
		errs = append(errs, f())
	}
	return errors.Join(append(errs, os.RemoveAll(b.dir))...)
}

// state makes a state directory for a subject.
func (b *bed) state(name string) (string, *os.File, error) {
	dir, err := os.MkdirTemp(b.dir, name)
	if err != nil {
		return "", nil, err
	}
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // a directory of ours
	return dir, log, err
}

// oursWith is our agent with more lines of configuration.
func (b *bed) oursWith(name, more string) (*subject, error) {
	dir, log, err := b.state("ours")
	if err != nil {
		return nil, err
	}
	return b.oursIn(dir, log, name, more)
}

// oursIn is our agent on a state directory.
func (b *bed) oursIn(dir string, log *os.File, name, more string, env ...string) (*subject, error) {
	file := filepath.Join(dir, "config.toml")
	s := original.Settings{Dir: dir, IdleSleep: -1, Storage: "encrypted", More: more}
	if err := os.WriteFile(file, []byte(s.Config()), 0o600); err != nil {
		return nil, err
	}
	command := agentdtest.Command{
		Argv: []string{b.agent, "-c", file}, Dir: dir, Env: append([]string{"PATH=/usr/bin:/bin"}, env...), UID: uint32(os.Getuid()), //nolint:gosec // a uid
		Socket: filepath.Join(dir, "parsec.sock"), Output: log,
	}
	mine := &subject{name: name, keeps: true, works: softwareWorks, socket: command.Socket, command: command}
	mine.start = func(ctx context.Context) (*agentdtest.Process, error) {
		return agentdtest.StartProcess(ctx, mine.command)
	}
	return mine, nil
}

// originalWith is the original with an idle_listener_sleep_duration in milliseconds,
// negative for its default.
func (b *bed) originalWith(ctx context.Context, name string, sleep int) (*subject, error) {
	dir, log, err := b.shared(ctx)
	if err != nil {
		return nil, err
	}
	return b.originalIn(log, name, original.Settings{Dir: dir, IdleSleep: sleep}), nil
}

// shared makes a state directory that the tree sees too.
func (b *bed) shared(ctx context.Context) (string, *os.File, error) {
	dir, log, err := b.state("theirs")
	if err != nil {
		return "", nil, err
	}
	unshare, err := b.tree.Share(ctx, dir)
	if err == nil {
		b.undo = append(b.undo, unshare)
	}
	return dir, log, err
}

// originalIn is the original on a state directory.
func (b *bed) originalIn(log *os.File, name string, s original.Settings) *subject {
	return &subject{
		name: name, works: originalWorks, socket: filepath.Join(s.Dir, "parsec.sock"),
		start: func(ctx context.Context) (*agentdtest.Process, error) { return b.tree.Start(ctx, s, 0, log) },
	}
}

// bareSigner is this program, serving frames by signing and nothing else.
func (b *bed) bareSigner() (*subject, error) {
	dir, log, err := b.state("bare")
	if err != nil {
		return nil, err
	}
	command := agentdtest.Command{
		Argv: []string{b.self, serveArgument, bareArgument, filepath.Join(dir, "parsec.sock")}, Dir: dir,
		UID: uint32(os.Getuid()), Socket: filepath.Join(dir, "parsec.sock"), Output: log, //nolint:gosec // a uid
	}
	return &subject{
		name: bare, keeps: true, socket: command.Socket,
		start: func(ctx context.Context) (*agentdtest.Process, error) { return agentdtest.StartProcess(ctx, command) },
	}, nil
}

// profiled is our agent within this program, writing a CPU profile when it ends.
func (b *bed) profiled(ctx context.Context, name, profile string) (s *subject, err error) {
	if name == oursHardware {
		s, err = b.oursHardware(ctx)
	} else {
		s, err = b.oursWith(name, "")
	}
	if err != nil {
		return nil, err
	}
	s.command.Argv = append([]string{b.self, serveArgument, profileArgument, profile}, s.command.Argv[1:]...)
	s.command.Output = nil
	return s, nil
}

// subjects prepares all of them.
func (b *bed) subjects(ctx context.Context) ([]*subject, error) {
	var all []*subject
	add := func(s *subject, err error) error {
		all = append(all, s)
		return err
	}
	err := add(b.oursWith(ours, ""))
	if err == nil {
		err = add(b.oursWith(oursNoAudit, "[agent]\naudit = \"off\"\n"))
	}
	if err == nil {
		err = add(b.bareSigner())
	}
	if b.tree != nil && err == nil {
		err = add(b.originalWith(ctx, originalDefault, -1))
		for name, sleep := range map[string]int{original1ms: 1, original0ms: 0} {
			if err == nil {
				err = add(b.originalWith(ctx, name, sleep))
			}
		}
	}
	if b.helper != "" && err == nil {
		var more []*subject
		more, err = b.hardware(ctx)
		all = append(all, more...)
	}
	return all, err
}

// run starts the subject and makes its keys.
func (s *subject) run(ctx context.Context) (err error) {
	if s.start == nil {
		return nil
	}
	if s.process, err = s.start(ctx); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if s.name == bare {
		return nil
	}
	if err := makeKeys(ctx, s); err != nil {
		return fmt.Errorf("%s: %w\n%s", s.name, err, s.process.Log())
	}
	return nil
}

// stop stops the subject.
func (s *subject) stop() error {
	if s.process == nil {
		return nil
	}
	err := s.process.Stop()
	s.process = nil
	return err
}
