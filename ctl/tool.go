package ctl

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/seed-73b3884f/parsec-agent/ctl/internal/tool"
)

// Tool runs parsecctl as the original's parsec-tool, with the arguments after its name,
// and returns the exit status.
func Tool(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return tool.Run(ctx, args, tool.Env{Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv})
}
