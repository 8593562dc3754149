package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
)

// errRoot refuses to run as root.
var errRoot = errors.New("insecure configuration; the agent should not run as root: " +
	"give it an account of its own, or set core_settings.allow_root = true (or give --allow-root) if you know why")

// checkRoot refuses the real uid 0 unless that is allowed.
func checkRoot(uid int, allowed bool) error {
	if uid == 0 && !allowed {
		return errRoot
	}
	return nil
}

// privateMask lets files and sockets be private unless somebody gives them a mode.
const privateMask = 0o077

// harden keeps what is in memory from leaving it: no core dump, no debugger or reading of
// /proc/PID/mem by other processes of the same user, private files.
func harden() error {
	syscall.Umask(privateMask)
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("cannot forbid core dumps: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot forbid debuggers: %w", err)
	}
	return nil
}

// tune fits the runtime to the configuration.
//
// The garbage collector stays at its default (GOGC=100). Measured with 8 clients that sign
// with P-256 on two cores: 50 makes a signature cost a quarter more time of the CPU and saves
// 2 MB after the load; 200 wins nothing that can be told from noise and keeps 5 MB more; 400
// wins 6 % and keeps 13 MB more. After the load the agent has 24 MB, at the start 17.
func tune(c config.Core) {
	if c.Threads > 0 {
		runtime.GOMAXPROCS(min(c.Threads, runtime.NumCPU()))
	}
}

// spareFiles are descriptors beside those of connections: stores, logs, standard streams.
const spareFiles = 64

// checkFiles warns when the limit on open files is below the configured connections. The Go
// runtime has raised the soft limit to the hard one.
func checkFiles(ctx context.Context, log *slog.Logger, connections int) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return
	}
	if l.Max < uint64(connections)+spareFiles { //nolint:gosec // a validated positive number
		log.LogAttrs(ctx, slog.LevelWarn, "few_file_descriptors", slog.Uint64("limit", l.Max), slog.Int("connections", connections),
			slog.String("remedy", "raise LimitNOFILE= of the unit, or lower agent.limits.connections"))
	}
}
