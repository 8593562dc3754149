package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// hardware is a SoftHSM2 token and a software TPM of one subject.
type hardware struct {
	token string // for SOFTHSM2_CONF
	tpm   tpm.TCTI
}

// makeHardware makes both in a directory. The TPM runs until the bed is closed.
func (b *bed) makeHardware(ctx context.Context, dir string) (hardware, error) {
	config, err := tokentest.Make(ctx, filepath.Join(dir, "softhsm"), "bench")
	if err != nil {
		return hardware{}, err
	}
	port, err := tpmtest.FreePorts()
	if err != nil {
		return hardware{}, err
	}
	h := hardware{config, tpm.TCTI{Kind: "swtpm", Host: "127.0.0.1", Port: port}}
	state := filepath.Join(dir, "swtpm")
	if err := os.Mkdir(state, 0o700); err != nil {
		return h, err
	}
	p := tpmtest.Command(state, h.tpm)
	if err := p.Start(); err != nil {
		return h, fmt.Errorf("cannot start swtpm (Debian package swtpm): %w", err)
	}
	b.undo = append(b.undo, func() error {
		err := p.Process.Kill()
		if exit, ok := errors.AsType[*exec.ExitError](p.Wait()); ok && exit.ExitCode() < 0 {
			return err // killed
		}
		return errors.Join(err, errors.New("swtpm ended by itself"))
	})
	return h, tpmtest.Ready(h.tpm)
}

// config are the lines of a configuration for both services.
func (h hardware) config() string {
	return fmt.Sprintf(`
[[provider]]
provider_type = "Pkcs11"
key_info_manager = "manager"
library_path = %q
user_pin = "str:%s"

[[provider]]
provider_type = "Tpm"
key_info_manager = "manager"
tcti = %q
owner_hierarchy_auth = ""
`, tokentest.Library, tokentest.PIN, h.tpm)
}

// env is the environment of what uses the token.
func (h hardware) env() string { return "SOFTHSM2_CONF=" + h.token }

// hardware prepares the subjects with a token and a TPM, each with its own.
func (b *bed) hardware(ctx context.Context) ([]*subject, error) {
	mine, err := b.oursHardware(ctx)
	if err != nil {
		return nil, err
	}
	only, err := b.bareHardware(ctx)
	all := []*subject{mine, only}
	for name, sleep := range map[string]int{originalHardware: -1, originalHardware1ms: 1, originalHardware0ms: 0} {
		if b.tree == nil || err != nil {
			break
		}
		var s *subject
		s, err = b.originalHardware(ctx, name, sleep)
		all = append(all, s)
	}
	return all, err
}

func (b *bed) oursHardware(ctx context.Context) (*subject, error) {
	dir, log, err := b.state("ours")
	if err != nil {
		return nil, err
	}
	h, err := b.makeHardware(ctx, dir)
	if err != nil {
		return nil, err
	}
	s, err := b.oursIn(dir, log, oursHardware, h.config(), h.env(), pkcs11.HelperVariable+"="+b.helper)
	if err == nil {
		s.works = hardwareWorks
	}
	return s, err
}

func (b *bed) originalHardware(ctx context.Context, name string, sleep int) (*subject, error) {
	dir, log, err := b.shared(ctx)
	if err != nil {
		return nil, err
	}
	h, err := b.makeHardware(ctx, dir)
	if err != nil {
		return nil, err
	}
	s := b.originalIn(log, name, original.Settings{Dir: dir, IdleSleep: sleep, More: h.config(), Env: []string{h.env()}})
	s.works = hardwareWorks
	return s, nil
}

// bareHardware is this program, which calls the library and sends the command itself.
func (b *bed) bareHardware(ctx context.Context) (*subject, error) {
	dir, _, err := b.state("bare")
	if err != nil {
		return nil, err
	}
	h, err := b.makeHardware(ctx, dir)
	if err != nil {
		return nil, err
	}
	s := &subject{name: bareHardware}
	calls := map[string]func() (requester, error){}
	if err := b.bareTPM(h.tpm, calls); err != nil {
		return nil, err
	}
	if err := b.bareToken(h, calls); err != nil {
		return nil, err
	}
	for _, w := range hardwareWorks {
		if calls[w] != nil { // without cgo there is no token
			s.works = append(s.works, w)
		}
	}
	s.call = func(work string) (requester, error) { return calls[work]() }
	return s, nil
}
