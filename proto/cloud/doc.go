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
// Bytes are parts of the body that was read: nobody changes or reuses a body after it was decoded. Keys and tokens are
// copied into the secrets of trust, and are wiped by their owner.
package cloud
