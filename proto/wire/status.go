package wire

import (
	"errors"
	"fmt"
	"strings"
)

// Status is the result code of a response. A Status other than StatusSuccess is an
// error by itself, so that errors.Is(err, wire.StatusDoesNotExist) works on every error
// that carries one.
type Status uint16 //nolint:errname // the protocol's word, and a status before it is an error

// The status codes of docs/spec/parsec-service.md, section 2.3.
//
//nolint:errname // these are the names of the protocol, and statuses before they are errors
const (
	StatusSuccess                    Status = 0
	StatusWrongProviderID            Status = 1
	StatusContentType                Status = 2
	StatusAcceptType                 Status = 3
	StatusVersionTooBig              Status = 4
	StatusProviderNotRegistered      Status = 5
	StatusProviderDoesNotExist       Status = 6
	StatusDeserializingBody          Status = 7
	StatusSerializingBody            Status = 8
	StatusOpcodeDoesNotExist         Status = 9
	StatusResponseTooLarge           Status = 10
	StatusAuthenticationError        Status = 11
	StatusAuthenticatorDoesNotExist  Status = 12
	StatusAuthenticatorNotRegistered Status = 13
	StatusKeyInfoManagerError        Status = 14
	StatusConnectionError            Status = 15
	StatusInvalidEncoding            Status = 16
	StatusInvalidHeader              Status = 17
	StatusWrongProviderUUID          Status = 18
	StatusNotAuthenticated           Status = 19
	StatusBodySizeExceedsLimit       Status = 20
	StatusAdminOperation             Status = 21
	StatusDeprecatedPrimitive        Status = 22
	StatusGenericError               Status = 1132
	StatusNotPermitted               Status = 1133
	StatusNotSupported               Status = 1134
	StatusInvalidArgument            Status = 1135
	StatusInvalidHandle              Status = 1136
	StatusBadState                   Status = 1137
	StatusBufferTooSmall             Status = 1138
	StatusAlreadyExists              Status = 1139
	StatusDoesNotExist               Status = 1140
	StatusInsufficientMemory         Status = 1141
	StatusInsufficientStorage        Status = 1142
	StatusInsufficientData           Status = 1143
	StatusCommunicationFailure       Status = 1145
	StatusStorageFailure             Status = 1146
	StatusHardwareFailure            Status = 1147
	StatusInsufficientEntropy        Status = 1148
	StatusInvalidSignature           Status = 1149
	StatusInvalidPadding             Status = 1150
	StatusCorruptionDetected         Status = 1151
	StatusDataCorrupt                Status = 1152
	StatusDataInvalid                Status = 1153
)

var statusTexts = map[Status][2]string{
	StatusSuccess:                    {"Success", "success"},
	StatusWrongProviderID:            {"WrongProviderId", "requested provider identifier does not match that of the backend"},
	StatusContentType:                {"ContentTypeNotSupported", "requested content type is not supported"},
	StatusAcceptType:                 {"AcceptTypeNotSupported", "requested accept type is not supported"},
	StatusVersionTooBig:              {"WireProtocolVersionNotSupported", "requested version of the wire protocol is not supported"},
	StatusProviderNotRegistered:      {"ProviderNotRegistered", "no provider of that kind is configured"},
	StatusProviderDoesNotExist:       {"ProviderDoesNotExist", "no provider has that number"},
	StatusDeserializingBody:          {"DeserializingBodyFailed", "the body is not the message of that operation"},
	StatusSerializingBody:            {"SerializingBodyFailed", "the result cannot be encoded"},
	StatusOpcodeDoesNotExist:         {"OpcodeDoesNotExist", "no operation has that number"},
	StatusResponseTooLarge:           {"ResponseTooLarge", "the response would exceed the limit"},
	StatusAuthenticationError:        {"AuthenticationError", "authentication failed"},
	StatusAuthenticatorDoesNotExist:  {"AuthenticatorDoesNotExist", "no authenticator has that number"},
	StatusAuthenticatorNotRegistered: {"AuthenticatorNotRegistered", "no authenticator of that kind is configured"},
	StatusKeyInfoManagerError:        {"KeyInfoManagerError", "the key info manager failed"},
	StatusConnectionError:            {"ConnectionError", "the connection failed before the request was whole"},
	StatusInvalidEncoding:            {"InvalidEncoding", "a field has an invalid value"},
	StatusInvalidHeader:              {"InvalidHeader", "the header is invalid"},
	StatusWrongProviderUUID:          {"WrongProviderUuid", "the provider UUID does not match"},
	StatusNotAuthenticated:           {"NotAuthenticated", "the operation needs authentication"},
	StatusBodySizeExceedsLimit:       {"BodySizeExceedsLimit", "the body is larger than the limit"},
	StatusAdminOperation:             {"AdminOperation", "the operation is for administrators"},
	StatusDeprecatedPrimitive:        {"DeprecatedPrimitive", "the key type or algorithm is deprecated"},
	StatusGenericError:               {"PsaErrorGenericError", "an unexpected error occurred"},
	StatusNotPermitted:               {"PsaErrorNotPermitted", "the key's policy does not permit it"},
	StatusNotSupported:               {"PsaErrorNotSupported", "not supported here"},
	StatusInvalidArgument:            {"PsaErrorInvalidArgument", "an argument is invalid"},
	StatusInvalidHandle:              {"PsaErrorInvalidHandle", "the key handle is invalid"},
	StatusBadState:                   {"PsaErrorBadState", "the operation cannot be performed in this state"},
	StatusBufferTooSmall:             {"PsaErrorBufferTooSmall", "an output buffer is too small"},
	StatusAlreadyExists:              {"PsaErrorAlreadyExists", "a key of that name exists already"},
	StatusDoesNotExist:               {"PsaErrorDoesNotExist", "no key has that name"},
	StatusInsufficientMemory:         {"PsaErrorInsufficientMemory", "not enough memory"},
	StatusInsufficientStorage:        {"PsaErrorInsufficientStorage", "not enough storage"},
	StatusInsufficientData:           {"PsaErrorInsufficientData", "not enough data"},
	StatusCommunicationFailure:       {"PsaErrorCommunicationFailure", "the device does not answer as it should"},
	StatusStorageFailure:             {"PsaErrorStorageFailure", "the storage failed"},
	StatusHardwareFailure:            {"PsaErrorHardwareFailure", "the hardware failed"},
	StatusInsufficientEntropy:        {"PsaErrorInsufficientEntropy", "not enough entropy"},
	StatusInvalidSignature:           {"PsaErrorInvalidSignature", "the signature, tag or hash does not match"},
	StatusInvalidPadding:             {"PsaErrorInvalidPadding", "the padding is invalid"},
	StatusCorruptionDetected:         {"PsaErrorCorruptionDetected", "corruption was detected"},
	StatusDataCorrupt:                {"PsaErrorDataCorrupt", "stored data is corrupt"},
	StatusDataInvalid:                {"PsaErrorDataInvalid", "stored data is invalid"},
}

// Known reports whether the protocol assigns the code.
func (s Status) Known() bool { _, ok := statusTexts[s]; return ok }

// String returns the protocol's name of the code.
func (s Status) String() string {
	if t, ok := statusTexts[s]; ok {
		return t[0]
	}
	return fmt.Sprintf("status %d", uint16(s))
}

// Error returns one short English sentence, without the name.
func (s Status) Error() string {
	if t, ok := statusTexts[s]; ok {
		return t[1]
	}
	return fmt.Sprintf("unknown status %d", uint16(s))
}

// Error is a Status together with what a person needs to act on it. Its texts are safe
// for the caller: they name the caller's own objects and hold no secret.
type Error struct {
	// Status is what every client sees.
	Status Status
	// Object is what the operation was about, such as `key "web/tls"`; may be empty.
	Object string
	// Reason says why, in lower case without a trailing dot; empty means Status.Error().
	Reason string
	// Remedy says what to do, a command where possible; may be empty.
	Remedy string
	// Reference is the id under which the log holds the cause; may be empty.
	Reference string
	// Err is the cause. It is logged and never sent.
	Err error
}

// Errorf returns an Error with a formatted reason. A %w operand becomes the cause.
func Errorf(s Status, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Status: s, Reason: err.Error(), Err: errors.Unwrap(err)}
}

// Error returns `object: reason`.
func (e *Error) Error() string {
	reason := e.Reason
	if reason == "" {
		reason = e.Status.Error()
	}
	if e.Object == "" {
		return reason
	}
	return strings.Join([]string{e.Object, reason}, ": ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, status) true for the status that the error carries.
func (e *Error) Is(target error) bool {
	s, ok := target.(Status)
	return ok && s == e.Status
}

// StatusOf returns the status that err carries: StatusSuccess for nil and
// StatusGenericError for an error that carries none.
func StatusOf(err error) Status {
	if err == nil {
		return StatusSuccess
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status
	}
	if s, ok := errors.AsType[Status](err); ok {
		return s
	}
	return StatusGenericError
}
