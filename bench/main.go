// Command bench measures this agent against the original service, and against a program
// that does nothing but sign, in one run on one machine, and prints the ratios.
//
//	go run ./bench                      everything, about seven minutes; takes root
//	go run ./bench -original=false      without the original and its Debian tree
//	go run ./bench -hardware=false      without tokens and TPMs
//	go run ./bench -cpuprofile DIR      besides, a CPU profile of the agent for each load on it
//
// All services get the same configuration, the same client (package bench's own, one
// request at a time for each of its connections) and the same time, in rounds that take
// turns; what is printed is the median of the rounds. Raw numbers go to a JSON file.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	rounds   int
	each     time.Duration
	idle     time.Duration
	original bool
	hardware bool
	out      string
	profile  string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == serveArgument {
		os.Exit(serve(os.Args[2:]))
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "how often everything is measured")
	flag.DurationVar(&o.each, "each", time.Second, "how long each load lasts in a round")
	flag.DurationVar(&o.idle, "idle", 20*time.Second, "how long the idle services are watched")
	flag.BoolVar(&o.original, "original", true, "measure the original too")
	flag.BoolVar(&o.hardware, "hardware", true, "measure a SoftHSM2 token and a software TPM too")
	flag.StringVar(&o.out, "out", "bench/results/latest.json", "file for the raw numbers")
	flag.StringVar(&o.profile, "cpuprofile", "", "directory for CPU profiles of the agent")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
