package unit

import (
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
)

// Root is where the directories of units lie, for tests; empty on a machine.
type Root string

// unitDirs are the directories of drop-ins that this package looks at: the administrator's,
// and that of generators.
var unitDirs = []string{"/etc/systemd/system", "/run/systemd/system", "/run/systemd/generator"}

// System looks at the machine.
func (r Root) System() System {
	s := System{HasGroup: func(name string) bool {
		_, err := user.LookupGroup(name)
		return err == nil
	}}
	lines := append(r.lines("/etc/systemd/system/parsec.service"), r.lines("/etc/systemd/system/parsec.service.d/*.conf")...)
	for _, line := range lines {
		if dir, ok := strings.CutPrefix(line, "WorkingDirectory="); ok {
			s.WorkingDirectory = workingDirectory(dir)
		}
	}
	return s
}

// Missing returns the settings that a configuration needs and no drop-in of the service
// makes.
func (r Root) Missing(cfg *config.Config) []string {
	var there, missing []string
	for _, dir := range unitDirs {
		there = append(there, r.lines(dir+"/parsec.service.d/*.conf")...)
	}
	for _, h := range service(cfg, r.System()) {
		for _, set := range h.settings {
			if !slices.Contains(there, set) && !slices.Contains(missing, set) {
				missing = append(missing, set)
			}
		}
	}
	return missing
}

// Within reports whether this process runs as the system's unit.
func Within() bool {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasSuffix(strings.TrimSpace(line), "/parsec.service") {
			return true
		}
	}
	return false
}

// lines returns the lines of the files that match a pattern, in the order of their names.
func (r Root) lines(pattern string) []string {
	names, err := filepath.Glob(string(r) + pattern)
	if err != nil {
		return nil
	}
	var lines []string
	for _, name := range names {
		text, err := os.ReadFile(name) //nolint:gosec // units of the machine
		if err != nil {
			continue // then systemd does not read it either
		}
		for line := range strings.Lines(string(text)) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// workingDirectory returns what a unit's setting means; ~ and the root directory are of no
// use to the agent.
func workingDirectory(value string) string {
	dir := strings.TrimPrefix(value, "-")
	if !filepath.IsAbs(dir) || filepath.Clean(dir) == "/" {
		return ""
	}
	return dir
}
