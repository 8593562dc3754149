// Package enrol makes members of an organisation: its first user, from an address to bootstrap; users and devices, invited and
// certified by somebody who heard them read codes aloud; and users who lost their devices, by shares that others hold, or by a file
// (docs/spec/parsec-cloud-client.md 2.1 to 2.7).
//
// A flow does one such thing from end to end. It asks and tells a [Person], writes what must not be lost into a [Journal] before
// the step that could lose it, and is continued from there by [Desk.Continue] after a crash, a lost connection or a lost attempt.
// The keys of a new device are on disk under the protection that was chosen for them, in a file that is no device yet, before anybody
// certifies them; a claimer who comes back to an invitation brings the same keys, and a greeter who certified them already says
// again what it said. What the journal cannot bring to an end is listed: a user whom nobody can be is revoked, a device that nobody
// has is shown.
//
// Nothing that the server says about a greeting is believed: who hears the codes right has the keys of the other side, and an
// attempt in between is found out with all but the chance of a guess, once in 2^20 for each side (docs/threat-model.md).
//
// A Desk and a Journal may be used concurrently; a flow runs once, in the goroutine of its Run. Errors are *wire.Error with what
// to do, and wrap one of the sentinels of this package, of device or of proto/cloud where a caller may want to tell.
package enrol
