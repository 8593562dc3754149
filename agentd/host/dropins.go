package host

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/seed-73b3884f/parsec-agent/agentd/unit"
)

// writeDropIns is --drop-ins. Drop-ins that are no longer needed are removed.
func writeDropIns(o Options, dir string) error {
	if o.UserMode {
		return errors.New("the unit of a user's agent opens everything that a user may: it needs no drop-ins")
	}
	layout, err := o.layout()
	if err != nil {
		return err
	}
	cfg, _, err := load(o.ConfigPath, layout)
	if err != nil {
		return err
	}
	defer cfg.WipeSecrets()
	texts := unit.DropIns(cfg, unit.Root("").System())
	for _, name := range []unit.DropIn{unit.ServiceDropIn, unit.SocketDropIn} {
		if err := writeDropIn(filepath.Join(dir, string(name)), texts[name]); err != nil {
			return err
		}
	}
	return nil
}

func writeDropIn(path, text string) error {
	if text == "" {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // units are public
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644) //nolint:gosec // units are public
}
