//go:build interop

package interop

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/interop/requesttest"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// hardware is a token or a TPM that each service has for itself.
type hardware struct {
	// theirs and ours are the settings of both with their own hardware, once it is there.
	theirs func(dir string) original.Settings
	ours   func(dir string) (original.Settings, []string)
	// copy makes our hardware equal to the original's, which nobody uses meanwhile.
	copy func()
}

// begin starts both services on equal state and equal hardware. The original made the keys
// that the source is given: then their private halves are the same on both sides, although
// the original imports none into hardware.
func (d *differential) begin(h hardware) {
	d.t.Helper()
	tree := openTree(d.t)
	theirs, ours := sharedDir(d.t, tree, 0), agentdtest.Dir(d.t)
	s := h.theirs(theirs)
	d.pair.original = filepath.Join(theirs, "parsec.sock")
	var p *agentdtest.Process
	start := func() {
		d.t.Helper()
		var err error
		if p, err = tree.Start(d.t.Context(), s, 0, nil); err != nil {
			d.t.Fatal(err)
		}
	}
	stop := func() {
		d.t.Helper()
		if err := p.Stop(); err != nil {
			d.t.Errorf("the original: %v", err)
		}
	}
	start()
	d.give()
	stop()
	if err := os.Remove(d.pair.original); err != nil && !errors.Is(err, os.ErrNotExist) {
		d.t.Fatal(err)
	}
	if err := os.CopyFS(ours, os.DirFS(theirs)); err != nil {
		d.t.Fatal(err)
	}
	h.copy()
	start()
	d.t.Cleanup(stop)
	mine, env := h.ours(ours)
	a := agentdtest.Start(d.t, agentdtest.Options{Dir: ours, Config: mine.Config(), Env: env})
	d.pair.ours, d.settings = a.Socket, mine
	d.restart = func() {
		stop()
		start()
		a.Stop()
		a.Start()
	}
}

// give lets the original make keys for some users.
func (d *differential) give() {
	d.t.Helper()
	for _, uid := range users[1:] { // the administrator deletes its own keys now and then
		s := socket.Session{Path: d.pair.original, UID: uid, Provider: d.focus.Provider}
		for i, a := range d.focus.Given {
			name := psa.KeyName(fmt.Sprintf("given-%d", i))
			m := &psapb.GenerateKey{KeyName: string(name), Attributes: encoded(d.t, a)}
			switch err := s.Do(d.t.Context(), wire.OpGenerateKey, m, nil); {
			case errors.Is(err, wire.StatusDeprecatedPrimitive) && !d.settings.AllowDeprecated:
			case err != nil:
				d.t.Fatalf("the original does not make %+v: %v", a, err)
			default:
				d.source.Give(uid, name, a)
			}
		}
	}
}

// softHSM is a SoftHSM2 token for each service.
func softHSM(t *testing.T, tree *original.Tree, s original.Settings, more string) hardware {
	t.Helper()
	if err := tree.Need(t.Context(), tokentest.Library, "softhsm2"); err != nil {
		t.Fatal(err)
	}
	theirs, ours := tokentest.New(t), tokentest.New(t)
	tokens := func(h *tokentest.SoftHSM) string { return filepath.Join(filepath.Dir(h.Config), "tokens") }
	s.More = pkcs11Table("manager") + more
	return hardware{
		theirs: func(dir string) original.Settings {
			theirs.Move(filepath.Join(dir, "softhsm"))
			theirs.Token("differential")
			s.Dir, s.Env = dir, []string{"SOFTHSM2_CONF=" + theirs.Config}
			return s
		},
		ours: func(dir string) (original.Settings, []string) {
			s.Dir = dir
			return s, pkcs11Env(t, ours)
		},
		copy: func() {
			if err := os.CopyFS(tokens(ours), os.DirFS(tokens(theirs))); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// TestDifferentialPKCS11 compares the PKCS#11 provider with the original's, both over
// SoftHSM2, as TestDifferential does the software provider.
func TestDifferentialPKCS11(t *testing.T) {
	for name, c := range map[string]struct {
		s    original.Settings
		more string
	}{
		"token":    {},
		"software": {original.Settings{AllowDeprecated: true}, "software_public_operations = true\n"},
		"on-disk":  {original.Settings{Manager: "OnDisk"}, "allow_export = false\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c.s.IdleSleep, c.s.Timeout = 1, 5000
			d := newDifferential(t, c.s, requesttest.PKCS11)
			d.begin(softHSM(t, openTree(t), c.s, c.more))
			d.run(rounds(200, 5000))
		})
	}
}

// softTPM is a software TPM for each service, with the same seeds.
func softTPM(t *testing.T, s original.Settings) hardware {
	t.Helper()
	theirs, ours := tpmtest.StartTCP(t), tpmtest.StartTCP(t)
	return hardware{
		theirs: func(dir string) original.Settings {
			s := s
			s.Dir, s.More = dir, tpmConfig("manager", theirs.TCTI())
			return s
		},
		ours: func(dir string) (original.Settings, []string) {
			s := s
			s.Dir, s.More = dir, tpmConfig("manager", ours.TCTI())
			return s, nil
		},
		copy: func() {
			theirs.Stop()
			ours.Stop()
			err := os.RemoveAll(ours.State)
			if err == nil {
				err = os.CopyFS(ours.State, os.DirFS(theirs.State))
			}
			if err != nil {
				t.Fatal(err)
			}
			theirs.Start()
			ours.Start()
		},
	}
}

// TestDifferentialTPM compares the TPM provider with the original's, both over swtpm.
func TestDifferentialTPM(t *testing.T) {
	for name, s := range map[string]original.Settings{
		"sqlite":  {},
		"on-disk": {Manager: "OnDisk", AllowDeprecated: true},
	} {
		t.Run(name, func(t *testing.T) {
			s.IdleSleep, s.Timeout = 1, 5000
			d := newDifferential(t, s, requesttest.TPM)
			d.begin(softTPM(t, s))
			d.run(rounds(150, 2000))
		})
	}
}
