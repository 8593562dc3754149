// Package config reads the agent's configuration file: the tables of the original
// service with its names, defaults and rules, and our own settings in [agent].
//
// Load and Parse return a Config that is complete (every default applied, every path
// absolute), checked, and not changed afterwards: it may be read concurrently and must
// not be written to. They touch no other file: whether a directory exists or a group is
// known is for whoever uses it.
//
// A file that the original service accepts is accepted, with four exceptions that would
// make it lose keys or stop later: thread_pool_size 0, two key managers on one store, two
// software providers of different key managers on one key directory, and a PIN that
// begins with "hex:" but is not hexadecimal. What the original ignores silently (unknown
// keys, duplicates) is a Warning.
//
// Every problem names file, line and key. All problems of a file are reported at once.
//
// Secrets of the file (user_pin, hierarchy authorisations) become a Secret, which no
// formatting verb, logger or encoder shows. The bytes of the file are wiped after reading
// by Load; the copies that the TOML decoder makes are Go strings and stay in memory until
// the garbage collector reuses it. No error text quotes a line that holds a secret.
//
// Specification: docs/spec/parsec-service.md section 4.4.
package config
