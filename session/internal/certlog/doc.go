// Package certlog keeps the certificates that a device has accepted in a file that grows at its end
// (docs/formats/certificate-log.md): rows sealed by the device, each bound to all before it, and a head that says up to where they go.
//
// A batch is there whole or not at all, whatever happens while it is written. What is missing before the head's place, or changed, is damage: the rows are put aside
// and everything is to be fetched again, up to the certificates that the head names at least. Who puts back both files together, as they were
// once, is not noticed.
//
// A Log is used by one goroutine at a time, and the directory by one Log, which holds its lock.
package certlog
