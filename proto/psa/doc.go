// Package psa holds the bodies of key operations: the protobuf messages of
// docs/spec/parsec-service.md section 3 (generated, in psapb), the model of key
// attributes that all other rooms use, the conversion between both with every
// validation of the wire, and the policy rules of section 3.4.
//
// The model is plain data: an Algorithm or an Attributes can be compared with == and
// copied. Messages exist only at the edges (listener and client); providers and key info
// managers never see one.
//
// Errors are wire.Status values or carry one: StatusDeserializingBody for bytes that are
// not the message, StatusInvalidEncoding for a message that breaks a rule.
package psa
