package pkcs11

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers"
)

const (
	// UUID identifies the provider in the protocol and in key info managers.
	UUID = "30e39502-eba6-4d60-a4af-c518b7f5e38f"
	// DefaultName is the instance name when none is configured.
	DefaultName = "pkcs11-provider"
	// DefaultSessions is how many sessions a provider keeps with a token that allows them.
	DefaultSessions = 8
	// HelperName is the name of the helper's program.
	HelperName = "parsec-pkcs11-helper"
	// HelperVariable is an environment variable with the path of the helper, for a helper
	// that is not where it is looked for.
	HelperVariable = "PARSEC_PKCS11_HELPER"
	// libexec is where packages put the helper.
	libexec = "/usr/libexec/parsec-agent"
)

// PIN gives access to a PIN for the length of a call.
type PIN interface {
	// Use calls f with the bytes, which f neither keeps nor changes.
	Use(f func([]byte) error) error
}

// Options configures a provider.
type Options struct {
	// Name is the instance name; empty means DefaultName.
	Name string
	// Library is the path of the vendor's library, or a bare name for the dynamic loader.
	Library string
	// Token says which token of the library is meant.
	Token Selection
	// PIN is the user PIN, nil for none: what the token shows without a login then works.
	PIN PIN
	// Prompt says that a person gives the PIN (Unlock) while the agent runs; PIN is nil then.
	Prompt bool
	// Lifetime is how long such a PIN is kept, 0 for as long as the provider.
	Lifetime time.Duration
	// SoftwarePublicOperations verifies and encrypts in the agent, with the public key.
	SoftwarePublicOperations bool
	// RefuseExport refuses new keys with the export flag before the token does.
	RefuseExport bool
	// KnownIDs are the ids that the key info manager maps to this instance. They are not
	// given out again, even when their objects are missing.
	KnownIDs []providers.KeyID
	// StateDir is where refused PINs are remembered.
	StateDir string
	// Helper is the path of the helper; empty means FindHelper.
	Helper string
	// Sessions is the most sessions to keep; 0 means DefaultSessions.
	Sessions int
	// CallLimit is the time after which a library that does not answer is taken for hanging;
	// 0 means a minute. Key generation gets ten times as much.
	CallLimit time.Duration
	// Logger receives what nobody asked for; nil discards it.
	Logger *slog.Logger
}

func (o *Options) complete() error {
	if o.Name == "" {
		o.Name = DefaultName
	}
	if o.Sessions == 0 {
		o.Sessions = DefaultSessions
	}
	if o.CallLimit == 0 {
		o.CallLimit = time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case o.Library == "":
		return errors.New("the PKCS#11 provider needs a library_path")
	case o.StateDir == "":
		return errors.New("the PKCS#11 provider needs a directory to remember refused PINs in")
	case o.Sessions < 0 || o.CallLimit < 0 || o.Lifetime < 0:
		return fmt.Errorf("%d sessions, a limit of %v and a lifetime of %v are not possible", o.Sessions, o.CallLimit, o.Lifetime)
	case o.Prompt && o.PIN != nil:
		return errors.New("the PIN is given by a person or by the configuration, not by both")
	}
	return nil
}

// logsIn reports whether there is a login.
func (o *Options) logsIn() bool { return o.Prompt || o.PIN != nil }

// FindHelper returns the path of the helper: what HelperVariable says, else beside this
// program, else where packages put it.
func FindHelper() (string, error) {
	if path := os.Getenv(HelperVariable); path != "" {
		return path, nil
	}
	var tried []string
	if self, err := os.Executable(); err == nil {
		tried = append(tried, filepath.Join(filepath.Dir(self), HelperName))
	}
	tried = append(tried, filepath.Join(libexec, HelperName))
	for _, path := range tried {
		if found, err := exec.LookPath(path); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("cannot find the program %s, which loads PKCS#11 libraries: it is in none of %q; build it with cgo (make build), or set %s",
		HelperName, tried, HelperVariable)
}
