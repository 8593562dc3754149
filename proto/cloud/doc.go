// Package cloud is the protocol of a metadata server: commands and replies with their MessagePack codecs, what HTTP is used
// for, and a typed client (docs/spec/parsec-cloud-rpc.md, sections 1 and 2).
//
// The structs are the one definition that client and server share; their codecs are generated from them (trust/mpack/codecgen), and
// a test compares them with docs/spec/parsec-cloud-rpc.json. A command is a struct whose name ends in Req. Its replies are an interface whose name ends in Rep,
// which the struct of each of its statuses implements, and [UnknownStatus] for what a newer server may say. Statuses with
// the same fields are one type whatever the command, so that a caller can treat [TimestampOutOfBallpark] in one place.
//
// Fields that came with a minor version are pointers, lists or interfaces, and nil when a peer did not send them. Fields that may be nil but must be
// there are nil too: the codecs know the difference. Unknown fields are passed over. Every text, list and map has a bound, stated at its field.
//
// # Client
//
// [NewClient] makes a client of one server, from which callers with different credentials are made ([Client.Device] and others); [Do] sends a command of any of them. Clients, callers and Do may be used
// by any number of goroutines; a [Listener] runs in one. Calls end with their context.
//
// Bounds: 1 MiB for a request, 64 MiB for a reply, 64 KiB for its headers, 32 connections besides those of listeners, two minutes for an attempt; 1 MiB for a line and
// for an event of a stream, which may be silent for 1.2 times what the server announced.
//
// Errors: [ErrOffline] and [ErrCertificate] for the way to the server, the kinds that an [HTTPError] unwraps to for what the server says about the organisation, the user, the
// credentials and the version, [ErrReply] for what is not the protocol, [ErrCaller] and [ErrTooLarge] for what was never sent. What a command did not do is no error but a status.
//
// # Memory
//
// Bytes are parts of the body that was read: nobody changes or reuses a body after it was decoded. Keys and tokens are
// copied into the secrets of trust, and are wiped by their owner. The client wipes the bodies that it sent; what net/http and TLS buffered it cannot reach.
package cloud
