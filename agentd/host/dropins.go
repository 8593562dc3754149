package host

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/agentd/unit"
)

// unitDir is where administrators change units.
const unitDir = "/etc/systemd/system"

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
	texts := unit.DropIns(cfg, thisSystem(unitDir))
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

// thisSystem looks at the machine; units is the directory of the administrator's units.
func thisSystem(units string) unit.System {
	s := unit.System{HasGroup: func(name string) bool {
		_, err := user.LookupGroup(name)
		return err == nil
	}}
	files, err := filepath.Glob(filepath.Join(units, "parsec.service.d", "*.conf"))
	if err != nil {
		return s
	}
	for _, name := range append([]string{filepath.Join(units, "parsec.service")}, files...) {
		text, err := os.ReadFile(name) //nolint:gosec // units of the machine
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if dir, ok := strings.CutPrefix(strings.TrimSpace(line), "WorkingDirectory="); ok {
				s.WorkingDirectory = workingDirectory(dir)
			}
		}
	}
	return s
}

// workingDirectory returns what a unit's setting means; ~ and an absent one are of no use
// to the agent.
func workingDirectory(value string) string {
	dir := strings.TrimPrefix(value, "-")
	if !filepath.IsAbs(dir) || filepath.Clean(dir) == "/" {
		return ""
	}
	return dir
}
