// Package unit tells what the sandbox of the system's unit must let through for a
// configuration: the unit itself (systemd/system/parsec.service) opens nothing but the state
// directory and Unix sockets. A drop-in with a reason beside each setting is the result; a
// generator writes it at every start of the machine and at every daemon-reload.
//
// The package only computes. It promises that an unusual path cannot become a setting of
// its own: what a unit cannot name without quoting is left closed, and the drop-in says so.
package unit
