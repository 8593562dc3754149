// Command bench measures this agent against the original service, and against a program
// that does nothing but sign, in one run on one machine, and prints the ratios.
//
//	go run ./bench                      everything, about ten minutes; takes root
//	go run ./bench -trust=false -server=false -people=false   the key service alone
//	go run ./bench -original=false      without the original and its Debian tree
//	go run ./bench -hardware=false      without tokens and TPMs
//	go run ./bench -cpuprofile DIR      besides, a CPU profile of the agent for each load on it
//	go run ./bench -service=false -server=false -people=false what workspaces rest on alone, about three minutes
//	go run ./bench -service=false -trust=false -people=false  the metadata server alone, about six minutes; takes PostgreSQL
//	go run ./bench -service=false -trust=false -server=false      devices and enrolment alone, about five minutes; takes root
//	go run ./bench -service=false -trust=false -people=false -cpuprofile DIR   profiles of our metadata server under each load, and no numbers
//
// Metadata servers are asked by one generator over kept connections, each of a device of its own in a workspace of its own; requests are written down and signed before the
// clock runs. Ours keeps everything on the disk, where the original has it in memory; or both have one PostgreSQL, whose commits wait for the disk. Beside them are measured an HTTP
// handler that does nothing, files of 512 KiB that are written and synchronised, and blocks in PostgreSQL with nothing before it. At the end thousands
// listen for events. The numbers go to server.json.
//
// All services get the same configuration, the same client (package bench's own, one
// request at a time for each of its connections) and the same time, in rounds that take
// turns; what is printed is the median of the rounds. Raw numbers go to a JSON file.
//
// What workspaces rest on is room trust, measured in this process on one and two processors,
// against the same cryptography by the libraries and nothing else; its numbers go to trust.json beside the others. One operation is
//
//   - validating: a certificate of an organisation of -certificates (100,000). Half of them are users with a device each, of whom one in
//     a hundred is an admin and enrols the hundred that follow; the others are realms of one owner with a key, a name and 48
//     roles. MB held is the memory of the store, without the certificates as received.
//   - adding: a batch of 100 certificates, 50 users and devices and 50 in two realms, to that store
//   - opening a folder: deriving its key, decrypting, verifying and reading one of -folders (10,000) manifests of 16 entries
//   - sealing and opening: a block of 512 KiB with its derived key and its digest. Bare is secretbox, then SHA-256, into
//     memory that is used again. GB are 10^9 bytes.
//   - encoding and decoding: the body of a command with what it carries
//
// Devices and enrolment are rooms enrol, device and session in this process, and the agent as a process of its own, against our metadata server on loopback; the numbers go
// to people.json, and what they mean is in docs/people-costs.md.
//
// Allocations are those of one operation. CPU µs are the time of all processors for one operation: of a busy machine they
// say more than the others do.
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
	service  bool
	server   bool
	trust    bool
	people   bool
	each     time.Duration
	idle     time.Duration
	original bool
	hardware bool
	out      string
	profile  string
	// trustCertificates is how large the organisation is that is validated.
	trustCertificates int
	trustFolders      int
	// serverCertificates is how many certificates the organisation has that metadata servers are asked for.
	serverCertificates int
	listeners          int
	// peopleRuns is how often a flow is run in each round: it takes a second or two, most of it Argon2id.
	peopleRuns int
	// peopleCertificates is how large the organisation is that a device starts with, peopleDevices how many devices one agent has.
	peopleCertificates, peopleDevices int
	peopleIdle                        time.Duration
	// work is what the requests have in their names that metadata servers are asked for.
	work string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == serveArgument {
		os.Exit(serve(os.Args[2:]))
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "how often everything is measured")
	flag.DurationVar(&o.each, "each", time.Second, "how long each load lasts in a round")
	flag.DurationVar(&o.idle, "idle", 20*time.Second, "how long the idle services are watched")
	flag.BoolVar(&o.service, "service", true, "measure the key service")
	flag.BoolVar(&o.trust, "trust", true, "measure what workspaces rest on")
	flag.BoolVar(&o.server, "server", true, "measure the metadata server")
	flag.BoolVar(&o.people, "people", true, "measure devices and enrolment")
	flag.IntVar(&o.peopleRuns, "flows", 3, "how often people's flows are run in each round")
	flag.IntVar(&o.peopleCertificates, "people-certificates", 100_000, "how many certificates the organisation has that a device starts cold with")
	flag.IntVar(&o.peopleDevices, "devices", 10, "how many devices of one agent follow their servers")
	flag.DurationVar(&o.peopleIdle, "idle-devices", time.Minute, "how long the agent with these devices is watched")
	flag.IntVar(&o.serverCertificates, "server-certificates", serverCertificates, "how many certificates certificate_get returns")
	flag.StringVar(&o.work, "request", "", "ask metadata servers only for requests with this in their names, such as block_")
	flag.IntVar(&o.listeners, "listeners", 5000, "how many listen for events")
	flag.IntVar(&o.trustCertificates, "certificates", 100_000, "how many certificates the organisation has that is validated")
	flag.IntVar(&o.trustFolders, "folders", 10_000, "how many folder manifests are opened")
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
