package agentdtest

import (
	"fmt"
	"sync"
	"syscall"
)

// limitMu: the limit of open files belongs to the whole process, so one start at a time
// may change it.
var limitMu sync.Mutex

// limitFiles calls start with another limit of open files, which the child inherits.
func limitFiles(files uint64, start func() error) error {
	if files == 0 {
		return start()
	}
	limitMu.Lock()
	defer limitMu.Unlock()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		return fmt.Errorf("cannot read the limit of open files: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: files, Max: max(files, old.Max)}); err != nil {
		return fmt.Errorf("cannot set the limit of open files to %d: %w", files, err)
	}
	err := start()
	if restore := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); restore != nil && err == nil {
		return fmt.Errorf("cannot restore the limit of open files: %w", restore)
	}
	return err
}
