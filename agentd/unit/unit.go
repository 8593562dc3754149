package unit

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
)

// DropIn is the path of a drop-in below the directory of units.
type DropIn string

// The drop-ins. Those of an administrator in /etc come after them when their names do.
const (
	ServiceDropIn DropIn = "parsec.service.d/50-configuration.conf"
	SocketDropIn  DropIn = "parsec.socket.d/50-configuration.conf"
)

// System is what the machine has.
type System struct {
	// HasGroup reports whether a group exists: a unit with one that does not would not start.
	HasGroup func(name string) bool
	// WorkingDirectory is what an administrator's drop-in sets, or empty.
	WorkingDirectory string
}

// hole is one reason to open the sandbox, with the settings that do.
type hole struct {
	reason   string
	settings []string
}

// DropIns returns the drop-ins that a configuration of the system's agent needs, with
// their texts; none for the defaults.
func DropIns(cfg *config.Config, s System) map[DropIn]string {
	out := map[DropIn]string{}
	if text := write("[Service]", service(cfg, s)); text != "" {
		out[ServiceDropIn] = text
	}
	if text := write("[Socket]", socket(cfg)); text != "" {
		out[SocketDropIn] = text
	}
	return out
}

const preface = `# Written from /etc/parsec/config.toml by parsec-agent-generator at each start of the machine
# and each "systemctl daemon-reload": change the configuration, or add a drop-in of your own.

`

func write(section string, holes []hole) string {
	if len(holes) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(preface + section + "\n")
	var written []string // a second reason for the same setting is left out
	for _, h := range holes {
		text := "# " + printable(h.reason) + "\n"
		fresh := len(h.settings) == 0 && !slices.Contains(written, text)
		for _, set := range h.settings {
			if !slices.Contains(written, set) {
				text += set + "\n"
				written = append(written, set)
				fresh = true
			}
		}
		if fresh {
			b.WriteString(text)
			written = append(written, text)
		}
	}
	return b.String()
}

// printable keeps a name of the configuration from ending the comment it stands in.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == '\\' {
			return '?'
		}
		return r
	}, s)
}

func service(cfg *config.Config, s System) []hole {
	var holes []hole
	if s.WorkingDirectory != "" {
		holes = append(holes, writable(cfg, "the working directory that another drop-in sets", s.WorkingDirectory)...)
	}
	for _, m := range cfg.KeyManagers {
		dir := m.Path
		if m.Type == config.ManagerSQLite {
			dir = filepath.Dir(dir)
		}
		holes = append(holes, writable(cfg, fmt.Sprintf("key manager %q", m.Name), dir)...)
	}
	for _, p := range cfg.Providers {
		holes = append(holes, provider(cfg, p, s)...)
	}
	holes = append(holes, writable(cfg, "devices", cfg.Agent.Devices.Directory)...)
	if a := cfg.Agent.Audit; a.Kind == config.AuditFile {
		holes = append(holes, writable(cfg, "audit records", filepath.Dir(a.Path))...)
	}
	switch m := cfg.Agent.Metrics; m.Network {
	case "unix":
		holes = append(holes, writable(cfg, "metrics", filepath.Dir(m.Address))...)
	case "tcp":
		holes = append(holes, listening("metrics", m.Address))
	}
	for _, a := range cfg.Authenticators() {
		holes = append(holes, endpoint(a.WorkloadEndpoint)...)
	}
	return holes
}
