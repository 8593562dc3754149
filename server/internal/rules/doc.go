// Package rules is what the server does when a command comes: who may, in which order it is checked, what is stored and whom it is told
// (docs/spec/parsec-cloud-rpc.md section 3). There is a file for each command, or for a few that are one idea.
//
// # A command
//
// A command is a method of [Service] that takes a [Call] and its request and returns one of its replies; [Service.handlers] lists
// them. An error is no outcome of a command: a [cloud.HTTPError] is answered with its status, everything else with 500 or 503.
//
// What needs no state (signatures, times, comparisons inside of the request) is checked before the transaction, because on SQLite all
// writers wait for it. What is checked inside relies on the locks that the transaction holds: see [Call.write]. Nothing is
// written before everything is checked, so a reply other than ok changes nothing.
//
// # Safe readings
//
// Where the original's two back ends differ, the order is that of its memory back end, and docs/server.md lists what we chose.
package rules
