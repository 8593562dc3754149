package outfile

import (
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// umask returns the process's mask without changing it, even for a moment: other
// goroutines may be making files.
func umask() fs.FileMode {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0o022
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "Umask:"); ok {
			if m, err := strconv.ParseUint(strings.TrimSpace(value), 8, 9); err == nil {
				return fs.FileMode(m)
			}
		}
	}
	return 0o022
}
