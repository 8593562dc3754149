// Package peer says who is on the other end of a Unix stream socket.
//
// FromConn asks the kernel once, with one system call, for what decides about access: uid,
// gid and pid of the process that connected, as they were at the moment of connect(2). A
// peer cannot forge them, and later changes of its credentials do not count. Supplementary
// groups and the cgroup are asked for when somebody first needs them, and kept.
//
// What is not promised:
//   - A descriptor can be handed on. The peer is the process that connected, not whoever
//     writes now.
//   - In a user namespace, ids that it does not map appear as the overflow id (65534), all
//     of them the same one. Callers that give rights must not give them to that id.
//   - PID and Cgroup are for audit records only. A pid is 0 for processes of another pid
//     namespace, and its process may be gone or, without SO_PEERPIDFD (Linux before 6.5),
//     replaced by another.
//
// A Peer may be used concurrently. What is asked for lazily needs the connection to be
// open; afterwards it fails, and the answers that were given stay.
//
// Specification: docs/spec/parsec-service.md section 1.5.
package peer
