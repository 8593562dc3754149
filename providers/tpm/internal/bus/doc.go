// Package bus is as much of D-Bus as the way to a TPM through the access broker needs: a
// connection to a bus on a Unix socket, methods that take no arguments, and the file
// descriptors that come with an answer. The libraries for Go give a program only those
// descriptors that the body of a message refers to; the broker's does not refer to its one
// (decision 0025).
//
// It follows the D-Bus specification, version 0.43: "Message Protocol", "Authentication
// Protocol", "Server Addresses". What a bus sends is decoded like a stranger's: sizes are
// bounded before anything is allocated, every wait has a deadline, and descriptors that
// nobody asked for are closed. A Conn is for one caller at a time.
package bus
