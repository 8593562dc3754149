package main

import (
	"errors"
	"syscall"
)

// pauseOthers stops the processes of all subjects but one for a while, so that what they
// do when idle is not measured as somebody else's slowness. With nil all run.
func pauseOthers(subjects []*subject, only *subject) error {
	var errs []error
	for _, s := range subjects {
		if s.process == nil {
			continue
		}
		sig := syscall.SIGSTOP
		if only == nil || s == only {
			sig = syscall.SIGCONT
		}
		errs = append(errs, s.process.Signal(sig))
	}
	return errors.Join(errs...)
}
