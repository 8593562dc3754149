package ck

import "github.com/seed-73b3884f/parsec-agent/proto/wire"

// result is what a return value is called, what callers of the service see of it, and what
// a person can do.
type result struct {
	name   string
	status wire.Status
	remedy string
}

const (
	remedyLook     = "see the log for what the library wrote; if it fails again, report it to the library's vendor"
	remedyAgain    = "repeat the request"
	remedyInsert   = "insert the token; service resumes by itself"
	remedyReinsert = "insert the token again; service resumes by itself"
	remedyMech     = "see what the token can do: pkcs11-tool --module LIBRARY --list-mechanisms"
	remedyLost     = "insert the token that has the key, or give the key up: parsecctl key delete NAME"
	remedyRoom     = "remove objects from the token that nobody needs: pkcs11-tool --list-objects"
	remedyOthers   = "end other programs that use the token"
	remedyPin      = "correct user_pin"
	remedyOfficer  = "end the program in which somebody else is logged in to the token"
	remedyWrite    = "use a token that can be written, or keys that are on it"
)

// results has every return value of PKCS #11 up to version 3.2. What the original tells
// callers in docs/spec/parsec-service.md 6.3 is kept; what it passes off as a communication
// failure is so only where nothing more is known. docs/errors/pkcs11.md is made of it.
var results = map[RV]result{
	0x0:        {"CKR_OK", wire.StatusSuccess, ""},
	0x1:        {"CKR_CANCEL", wire.StatusNotPermitted, remedyAgain},
	0x2:        {"CKR_HOST_MEMORY", wire.StatusInsufficientMemory, "free memory"},
	0x3:        {"CKR_SLOT_ID_INVALID", wire.StatusHardwareFailure, remedyInsert},
	0x5:        {"CKR_GENERAL_ERROR", wire.StatusCommunicationFailure, remedyLook},
	0x6:        {"CKR_FUNCTION_FAILED", wire.StatusCommunicationFailure, remedyLook},
	0x7:        {"CKR_ARGUMENTS_BAD", wire.StatusInvalidArgument, ""},
	0x8:        {"CKR_NO_EVENT", wire.StatusBadState, remedyAgain},
	0x9:        {"CKR_NEED_TO_CREATE_THREADS", wire.StatusNotSupported, remedyLook},
	0xa:        {"CKR_CANT_LOCK", wire.StatusNotSupported, remedyLook},
	0x10:       {"CKR_ATTRIBUTE_READ_ONLY", wire.StatusNotSupported, ""},
	0x11:       {"CKR_ATTRIBUTE_SENSITIVE", wire.StatusNotPermitted, ""},
	0x12:       {"CKR_ATTRIBUTE_TYPE_INVALID", wire.StatusNotSupported, ""},
	0x13:       {"CKR_ATTRIBUTE_VALUE_INVALID", wire.StatusNotSupported, ""},
	0x1b:       {"CKR_ACTION_PROHIBITED", wire.StatusNotPermitted, ""},
	0x20:       {"CKR_DATA_INVALID", wire.StatusInvalidArgument, ""},
	0x21:       {"CKR_DATA_LEN_RANGE", wire.StatusInvalidArgument, ""},
	0x30:       {"CKR_DEVICE_ERROR", wire.StatusHardwareFailure, "repeat the request; if it fails again, take the token out and insert it"},
	0x31:       {"CKR_DEVICE_MEMORY", wire.StatusInsufficientStorage, remedyRoom},
	0x32:       {"CKR_DEVICE_REMOVED", wire.StatusHardwareFailure, remedyReinsert},
	0x35:       {"CKR_AEAD_DECRYPT_FAILED", wire.StatusInvalidSignature, ""},
	0x40:       {"CKR_ENCRYPTED_DATA_INVALID", wire.StatusInvalidPadding, ""},
	0x41:       {"CKR_ENCRYPTED_DATA_LEN_RANGE", wire.StatusInvalidArgument, ""},
	0x50:       {"CKR_FUNCTION_CANCELED", wire.StatusNotPermitted, remedyAgain},
	0x51:       {"CKR_FUNCTION_NOT_PARALLEL", wire.StatusNotSupported, ""},
	0x54:       {"CKR_FUNCTION_NOT_SUPPORTED", wire.StatusNotSupported, remedyMech},
	0x60:       {"CKR_KEY_HANDLE_INVALID", wire.StatusDoesNotExist, remedyLost},
	0x62:       {"CKR_KEY_SIZE_RANGE", wire.StatusNotSupported, remedyMech},
	0x63:       {"CKR_KEY_TYPE_INCONSISTENT", wire.StatusNotSupported, remedyMech},
	0x64:       {"CKR_KEY_NOT_NEEDED", wire.StatusGenericError, remedyLook},
	0x65:       {"CKR_KEY_CHANGED", wire.StatusDoesNotExist, remedyLost},
	0x66:       {"CKR_KEY_NEEDED", wire.StatusGenericError, remedyLook},
	0x67:       {"CKR_KEY_INDIGESTIBLE", wire.StatusInvalidArgument, ""},
	0x68:       {"CKR_KEY_FUNCTION_NOT_PERMITTED", wire.StatusNotPermitted, "see what the key was made for: pkcs11-tool --module LIBRARY --login --list-objects"},
	0x69:       {"CKR_KEY_NOT_WRAPPABLE", wire.StatusNotPermitted, ""},
	0x6a:       {"CKR_KEY_UNEXTRACTABLE", wire.StatusNotPermitted, ""},
	0x70:       {"CKR_MECHANISM_INVALID", wire.StatusNotSupported, remedyMech},
	0x71:       {"CKR_MECHANISM_PARAM_INVALID", wire.StatusNotSupported, remedyMech},
	0x82:       {"CKR_OBJECT_HANDLE_INVALID", wire.StatusDoesNotExist, remedyLost},
	0x90:       {"CKR_OPERATION_ACTIVE", wire.StatusBadState, remedyAgain},
	0x91:       {"CKR_OPERATION_NOT_INITIALIZED", wire.StatusBadState, remedyAgain},
	0xa0:       {"CKR_PIN_INCORRECT", wire.StatusBadState, remedyPin},
	0xa1:       {"CKR_PIN_INVALID", wire.StatusBadState, remedyPin},
	0xa2:       {"CKR_PIN_LEN_RANGE", wire.StatusBadState, remedyPin},
	0xa3:       {"CKR_PIN_EXPIRED", wire.StatusBadState, "change the PIN with the vendor's tool, and user_pin accordingly"},
	0xa4:       {"CKR_PIN_LOCKED", wire.StatusBadState, "unlock the PIN as security officer or with the PUK"},
	0xb0:       {"CKR_SESSION_CLOSED", wire.StatusBadState, remedyAgain},
	0xb1:       {"CKR_SESSION_COUNT", wire.StatusBadState, remedyOthers},
	0xb3:       {"CKR_SESSION_HANDLE_INVALID", wire.StatusBadState, remedyAgain},
	0xb4:       {"CKR_SESSION_PARALLEL_NOT_SUPPORTED", wire.StatusNotSupported, ""},
	0xb5:       {"CKR_SESSION_READ_ONLY", wire.StatusNotPermitted, remedyWrite},
	0xb6:       {"CKR_SESSION_EXISTS", wire.StatusBadState, remedyOthers},
	0xb7:       {"CKR_SESSION_READ_ONLY_EXISTS", wire.StatusNotPermitted, remedyOthers},
	0xb8:       {"CKR_SESSION_READ_WRITE_SO_EXISTS", wire.StatusBadState, remedyOfficer},
	0xc0:       {"CKR_SIGNATURE_INVALID", wire.StatusInvalidSignature, ""},
	0xc1:       {"CKR_SIGNATURE_LEN_RANGE", wire.StatusInvalidSignature, ""},
	0xd0:       {"CKR_TEMPLATE_INCOMPLETE", wire.StatusNotSupported, ""},
	0xd1:       {"CKR_TEMPLATE_INCONSISTENT", wire.StatusNotSupported, ""},
	0xe0:       {"CKR_TOKEN_NOT_PRESENT", wire.StatusHardwareFailure, remedyInsert},
	0xe1:       {"CKR_TOKEN_NOT_RECOGNIZED", wire.StatusHardwareFailure, "check that the library supports this token"},
	0xe2:       {"CKR_TOKEN_WRITE_PROTECTED", wire.StatusNotPermitted, remedyWrite},
	0xf0:       {"CKR_UNWRAPPING_KEY_HANDLE_INVALID", wire.StatusDoesNotExist, ""},
	0xf1:       {"CKR_UNWRAPPING_KEY_SIZE_RANGE", wire.StatusNotSupported, ""},
	0xf2:       {"CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT", wire.StatusNotSupported, ""},
	0x100:      {"CKR_USER_ALREADY_LOGGED_IN", wire.StatusBadState, remedyAgain},
	0x101:      {"CKR_USER_NOT_LOGGED_IN", wire.StatusBadState, "set user_pin"},
	0x102:      {"CKR_USER_PIN_NOT_INITIALIZED", wire.StatusBadState, "set a user PIN as security officer, such as with pkcs11-tool --init-pin"},
	0x103:      {"CKR_USER_TYPE_INVALID", wire.StatusBadState, "check that the library supports a login as user"},
	0x104:      {"CKR_USER_ANOTHER_ALREADY_LOGGED_IN", wire.StatusBadState, remedyOfficer},
	0x105:      {"CKR_USER_TOO_MANY_TYPES", wire.StatusBadState, remedyOfficer},
	0x110:      {"CKR_WRAPPED_KEY_INVALID", wire.StatusInvalidArgument, ""},
	0x112:      {"CKR_WRAPPED_KEY_LEN_RANGE", wire.StatusInvalidArgument, ""},
	0x113:      {"CKR_WRAPPING_KEY_HANDLE_INVALID", wire.StatusDoesNotExist, ""},
	0x114:      {"CKR_WRAPPING_KEY_SIZE_RANGE", wire.StatusNotSupported, ""},
	0x115:      {"CKR_WRAPPING_KEY_TYPE_INCONSISTENT", wire.StatusNotSupported, ""},
	0x120:      {"CKR_RANDOM_SEED_NOT_SUPPORTED", wire.StatusNotSupported, ""},
	0x121:      {"CKR_RANDOM_NO_RNG", wire.StatusInsufficientEntropy, "take random bytes from another provider"},
	0x130:      {"CKR_DOMAIN_PARAMS_INVALID", wire.StatusNotSupported, remedyMech},
	0x140:      {"CKR_CURVE_NOT_SUPPORTED", wire.StatusNotSupported, remedyMech},
	0x150:      {"CKR_BUFFER_TOO_SMALL", wire.StatusBufferTooSmall, remedyLook},
	0x160:      {"CKR_SAVED_STATE_INVALID", wire.StatusDataInvalid, remedyLook},
	0x170:      {"CKR_INFORMATION_SENSITIVE", wire.StatusNotPermitted, ""},
	0x180:      {"CKR_STATE_UNSAVEABLE", wire.StatusHardwareFailure, remedyLook},
	0x190:      {"CKR_CRYPTOKI_NOT_INITIALIZED", wire.StatusBadState, remedyAgain},
	0x191:      {"CKR_CRYPTOKI_ALREADY_INITIALIZED", wire.StatusBadState, remedyLook},
	0x1a0:      {"CKR_MUTEX_BAD", wire.StatusGenericError, remedyLook},
	0x1a1:      {"CKR_MUTEX_NOT_LOCKED", wire.StatusGenericError, remedyLook},
	0x1b0:      {"CKR_NEW_PIN_MODE", wire.StatusBadState, "log in once with the vendor's tool"},
	0x1b1:      {"CKR_NEXT_OTP", wire.StatusBadState, "log in once with the vendor's tool"},
	0x1b5:      {"CKR_EXCEEDED_MAX_ITERATIONS", wire.StatusNotPermitted, ""},
	0x1b6:      {"CKR_FIPS_SELF_TEST_FAILED", wire.StatusHardwareFailure, "take the token out and insert it; if it fails again, the token is broken"},
	0x1b7:      {"CKR_LIBRARY_LOAD_FAILED", wire.StatusGenericError, "install what the library needs; the log may name it"},
	0x1b8:      {"CKR_PIN_TOO_WEAK", wire.StatusBadState, "set a stronger PIN with the vendor's tool, and user_pin accordingly"},
	0x1b9:      {"CKR_PUBLIC_KEY_INVALID", wire.StatusInvalidArgument, ""},
	0x200:      {"CKR_FUNCTION_REJECTED", wire.StatusNotPermitted, "confirm at the token when it asks, and repeat the request"},
	0x201:      {"CKR_TOKEN_RESOURCE_EXCEEDED", wire.StatusInsufficientStorage, remedyOthers},
	0x202:      {"CKR_OPERATION_CANCEL_FAILED", wire.StatusBadState, remedyAgain},
	0x203:      {"CKR_KEY_EXHAUSTED", wire.StatusNotPermitted, "make a new key"},
	0x204:      {"CKR_PENDING", wire.StatusBadState, remedyAgain},
	0x205:      {"CKR_SESSION_ASYNC_NOT_SUPPORTED", wire.StatusNotSupported, ""},
	0x206:      {"CKR_SEED_RANDOM_REQUIRED", wire.StatusInsufficientEntropy, "seed the token's generator with the vendor's tool"},
	0x207:      {"CKR_OPERATION_NOT_VALIDATED", wire.StatusNotPermitted, "see whether the token is in a mode that its vendor certified"},
	0x208:      {"CKR_TOKEN_NOT_INITIALIZED", wire.StatusBadState, "initialise the token with the vendor's tool"},
	0x209:      {"CKR_PARAMETER_SET_NOT_SUPPORTED", wire.StatusNotSupported, remedyMech},
	0x80000000: {"CKR_VENDOR_DEFINED", wire.StatusCommunicationFailure, "look the number up in the documents of the library's vendor"},
}
