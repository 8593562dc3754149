package journal

import (
	"fmt"
	"os"
	"syscall"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
)

// Detect returns the format that f, usually standard error, wants: the journal's when the
// service manager says that f leads there (JOURNAL_STREAM), else text.
func Detect(f *os.File, getenv func(string) string) config.LogFormat {
	var st syscall.Stat_t
	stream := getenv("JOURNAL_STREAM")
	if stream == "" || f == nil {
		return config.LogText
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return config.LogText
	}
	var statErr error
	if err := raw.Control(func(fd uintptr) { statErr = syscall.Fstat(int(fd), &st) }); err != nil || statErr != nil {
		return config.LogText
	}
	if stream != fmt.Sprintf("%d:%d", st.Dev, st.Ino) {
		return config.LogText
	}
	return config.LogJournal
}
