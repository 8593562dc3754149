// Package ctl is the command line parsecctl: every command asks the agent through package
// client and prints what it answers. Nothing is decided here that the agent decides.
//
// Standard output carries results only; confirmations, progress and errors go to standard
// error. With --json a result is one JSON document whose fields are only ever added to,
// and an error is {"error": {…}} on standard error. Exit statuses are in exit.go.
//
// A Program is for one run. Nothing of it is safe for concurrent use.
package ctl

//go:generate go run ./internal/gendocs ../docs/cli
