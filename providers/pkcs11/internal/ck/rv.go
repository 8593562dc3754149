package ck

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// RV is a return value of a PKCS#11 function, a CK_RV. One other than OK is an error.
type RV uint64

// The return values that the code names. results has all of them.
//
//nolint:errname // the standard's words
const (
	RVOK                         RV = 0x0
	RVCancel                     RV = 0x1
	RVHostMemory                 RV = 0x2
	RVSlotIDInvalid              RV = 0x3
	RVGeneralError               RV = 0x5
	RVFunctionFailed             RV = 0x6
	RVArgumentsBad               RV = 0x7
	RVAttributeReadOnly          RV = 0x10
	RVAttributeSensitive         RV = 0x11
	RVAttributeTypeInvalid       RV = 0x12
	RVAttributeValueInvalid      RV = 0x13
	RVDeviceError                RV = 0x30
	RVDeviceRemoved              RV = 0x32
	RVAEADDecryptFailed          RV = 0x35
	RVEncryptedDataInvalid       RV = 0x40
	RVEncryptedDataLenRange      RV = 0x41
	RVFunctionNotSupported       RV = 0x54
	RVKeyHandleInvalid           RV = 0x60
	RVMechanismInvalid           RV = 0x70
	RVMechanismParamInvalid      RV = 0x71
	RVObjectHandleInvalid        RV = 0x82
	RVOperationActive            RV = 0x90
	RVOperationNotInitialized    RV = 0x91
	RVPINIncorrect               RV = 0xa0
	RVPINInvalid                 RV = 0xa1
	RVPINLenRange                RV = 0xa2
	RVPINExpired                 RV = 0xa3
	RVPINLocked                  RV = 0xa4
	RVSessionClosed              RV = 0xb0
	RVSessionCount               RV = 0xb1
	RVSessionHandleInvalid       RV = 0xb3
	RVSignatureInvalid           RV = 0xc0
	RVTemplateIncomplete         RV = 0xd0
	RVTemplateInconsistent       RV = 0xd1
	RVTokenNotPresent            RV = 0xe0
	RVTokenNotRecognized         RV = 0xe1
	RVTokenWriteProtected        RV = 0xe2
	RVUserAlreadyLoggedIn        RV = 0x100
	RVUserNotLoggedIn            RV = 0x101
	RVUserPINNotInitialized      RV = 0x102
	RVCryptokiNotInitialized     RV = 0x190
	RVCryptokiAlreadyInitialized RV = 0x191
)

// result is what a return value is called and what callers of the service see of it.
type result struct {
	name   string
	status wire.Status
}

// results is the whole table. What the original tells callers in
// docs/spec/parsec-service.md 6.3 is kept; what it passes off as a communication failure
// is so only where nothing more is known.
var results = map[RV]result{
	0x0:        {"CKR_OK", wire.StatusSuccess},
	0x1:        {"CKR_CANCEL", wire.StatusCommunicationFailure},
	0x2:        {"CKR_HOST_MEMORY", wire.StatusInsufficientMemory},
	0x3:        {"CKR_SLOT_ID_INVALID", wire.StatusHardwareFailure},
	0x5:        {"CKR_GENERAL_ERROR", wire.StatusCommunicationFailure},
	0x6:        {"CKR_FUNCTION_FAILED", wire.StatusCommunicationFailure},
	0x7:        {"CKR_ARGUMENTS_BAD", wire.StatusInvalidArgument},
	0x8:        {"CKR_NO_EVENT", wire.StatusCommunicationFailure},
	0x9:        {"CKR_NEED_TO_CREATE_THREADS", wire.StatusCommunicationFailure},
	0xa:        {"CKR_CANT_LOCK", wire.StatusCommunicationFailure},
	0x10:       {"CKR_ATTRIBUTE_READ_ONLY", wire.StatusNotSupported},
	0x11:       {"CKR_ATTRIBUTE_SENSITIVE", wire.StatusNotPermitted},
	0x12:       {"CKR_ATTRIBUTE_TYPE_INVALID", wire.StatusNotSupported},
	0x13:       {"CKR_ATTRIBUTE_VALUE_INVALID", wire.StatusNotSupported},
	0x1b:       {"CKR_ACTION_PROHIBITED", wire.StatusNotPermitted},
	0x20:       {"CKR_DATA_INVALID", wire.StatusInvalidArgument},
	0x21:       {"CKR_DATA_LEN_RANGE", wire.StatusInvalidArgument},
	0x30:       {"CKR_DEVICE_ERROR", wire.StatusHardwareFailure},
	0x31:       {"CKR_DEVICE_MEMORY", wire.StatusInsufficientStorage},
	0x32:       {"CKR_DEVICE_REMOVED", wire.StatusHardwareFailure},
	0x35:       {"CKR_AEAD_DECRYPT_FAILED", wire.StatusInvalidSignature},
	0x40:       {"CKR_ENCRYPTED_DATA_INVALID", wire.StatusInvalidPadding},
	0x41:       {"CKR_ENCRYPTED_DATA_LEN_RANGE", wire.StatusInvalidArgument},
	0x50:       {"CKR_FUNCTION_CANCELED", wire.StatusCommunicationFailure},
	0x51:       {"CKR_FUNCTION_NOT_PARALLEL", wire.StatusNotSupported},
	0x54:       {"CKR_FUNCTION_NOT_SUPPORTED", wire.StatusNotSupported},
	0x60:       {"CKR_KEY_HANDLE_INVALID", wire.StatusDoesNotExist},
	0x62:       {"CKR_KEY_SIZE_RANGE", wire.StatusNotSupported},
	0x63:       {"CKR_KEY_TYPE_INCONSISTENT", wire.StatusNotSupported},
	0x64:       {"CKR_KEY_NOT_NEEDED", wire.StatusCommunicationFailure},
	0x65:       {"CKR_KEY_CHANGED", wire.StatusDoesNotExist},
	0x66:       {"CKR_KEY_NEEDED", wire.StatusCommunicationFailure},
	0x67:       {"CKR_KEY_INDIGESTIBLE", wire.StatusInvalidArgument},
	0x68:       {"CKR_KEY_FUNCTION_NOT_PERMITTED", wire.StatusNotPermitted},
	0x69:       {"CKR_KEY_NOT_WRAPPABLE", wire.StatusNotPermitted},
	0x6a:       {"CKR_KEY_UNEXTRACTABLE", wire.StatusNotPermitted},
	0x70:       {"CKR_MECHANISM_INVALID", wire.StatusNotSupported},
	0x71:       {"CKR_MECHANISM_PARAM_INVALID", wire.StatusNotSupported},
	0x82:       {"CKR_OBJECT_HANDLE_INVALID", wire.StatusDoesNotExist},
	0x90:       {"CKR_OPERATION_ACTIVE", wire.StatusBadState},
	0x91:       {"CKR_OPERATION_NOT_INITIALIZED", wire.StatusBadState},
	0xa0:       {"CKR_PIN_INCORRECT", wire.StatusBadState},
	0xa1:       {"CKR_PIN_INVALID", wire.StatusBadState},
	0xa2:       {"CKR_PIN_LEN_RANGE", wire.StatusBadState},
	0xa3:       {"CKR_PIN_EXPIRED", wire.StatusBadState},
	0xa4:       {"CKR_PIN_LOCKED", wire.StatusBadState},
	0xb0:       {"CKR_SESSION_CLOSED", wire.StatusBadState},
	0xb1:       {"CKR_SESSION_COUNT", wire.StatusBadState},
	0xb3:       {"CKR_SESSION_HANDLE_INVALID", wire.StatusBadState},
	0xb4:       {"CKR_SESSION_PARALLEL_NOT_SUPPORTED", wire.StatusNotSupported},
	0xb5:       {"CKR_SESSION_READ_ONLY", wire.StatusNotPermitted},
	0xb6:       {"CKR_SESSION_EXISTS", wire.StatusBadState},
	0xb7:       {"CKR_SESSION_READ_ONLY_EXISTS", wire.StatusNotPermitted},
	0xb8:       {"CKR_SESSION_READ_WRITE_SO_EXISTS", wire.StatusBadState},
	0xc0:       {"CKR_SIGNATURE_INVALID", wire.StatusInvalidSignature},
	0xc1:       {"CKR_SIGNATURE_LEN_RANGE", wire.StatusInvalidSignature},
	0xd0:       {"CKR_TEMPLATE_INCOMPLETE", wire.StatusNotSupported},
	0xd1:       {"CKR_TEMPLATE_INCONSISTENT", wire.StatusNotSupported},
	0xe0:       {"CKR_TOKEN_NOT_PRESENT", wire.StatusHardwareFailure},
	0xe1:       {"CKR_TOKEN_NOT_RECOGNIZED", wire.StatusHardwareFailure},
	0xe2:       {"CKR_TOKEN_WRITE_PROTECTED", wire.StatusNotPermitted},
	0xf0:       {"CKR_UNWRAPPING_KEY_HANDLE_INVALID", wire.StatusDoesNotExist},
	0xf1:       {"CKR_UNWRAPPING_KEY_SIZE_RANGE", wire.StatusCommunicationFailure},
	0xf2:       {"CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT", wire.StatusCommunicationFailure},
	0x100:      {"CKR_USER_ALREADY_LOGGED_IN", wire.StatusBadState},
	0x101:      {"CKR_USER_NOT_LOGGED_IN", wire.StatusBadState},
	0x102:      {"CKR_USER_PIN_NOT_INITIALIZED", wire.StatusBadState},
	0x103:      {"CKR_USER_TYPE_INVALID", wire.StatusBadState},
	0x104:      {"CKR_USER_ANOTHER_ALREADY_LOGGED_IN", wire.StatusBadState},
	0x105:      {"CKR_USER_TOO_MANY_TYPES", wire.StatusBadState},
	0x110:      {"CKR_WRAPPED_KEY_INVALID", wire.StatusInvalidArgument},
	0x112:      {"CKR_WRAPPED_KEY_LEN_RANGE", wire.StatusInvalidArgument},
	0x113:      {"CKR_WRAPPING_KEY_HANDLE_INVALID", wire.StatusDoesNotExist},
	0x114:      {"CKR_WRAPPING_KEY_SIZE_RANGE", wire.StatusCommunicationFailure},
	0x115:      {"CKR_WRAPPING_KEY_TYPE_INCONSISTENT", wire.StatusCommunicationFailure},
	0x120:      {"CKR_RANDOM_SEED_NOT_SUPPORTED", wire.StatusNotSupported},
	0x121:      {"CKR_RANDOM_NO_RNG", wire.StatusInsufficientEntropy},
	0x130:      {"CKR_DOMAIN_PARAMS_INVALID", wire.StatusNotSupported},
	0x140:      {"CKR_CURVE_NOT_SUPPORTED", wire.StatusNotSupported},
	0x150:      {"CKR_BUFFER_TOO_SMALL", wire.StatusBufferTooSmall},
	0x160:      {"CKR_SAVED_STATE_INVALID", wire.StatusCommunicationFailure},
	0x170:      {"CKR_INFORMATION_SENSITIVE", wire.StatusNotPermitted},
	0x180:      {"CKR_STATE_UNSAVEABLE", wire.StatusHardwareFailure},
	0x190:      {"CKR_CRYPTOKI_NOT_INITIALIZED", wire.StatusCommunicationFailure},
	0x191:      {"CKR_CRYPTOKI_ALREADY_INITIALIZED", wire.StatusCommunicationFailure},
	0x1a0:      {"CKR_MUTEX_BAD", wire.StatusCommunicationFailure},
	0x1a1:      {"CKR_MUTEX_NOT_LOCKED", wire.StatusCommunicationFailure},
	0x1b0:      {"CKR_NEW_PIN_MODE", wire.StatusBadState},
	0x1b1:      {"CKR_NEXT_OTP", wire.StatusBadState},
	0x1b5:      {"CKR_EXCEEDED_MAX_ITERATIONS", wire.StatusNotPermitted},
	0x1b6:      {"CKR_FIPS_SELF_TEST_FAILED", wire.StatusHardwareFailure},
	0x1b7:      {"CKR_LIBRARY_LOAD_FAILED", wire.StatusCommunicationFailure},
	0x1b8:      {"CKR_PIN_TOO_WEAK", wire.StatusBadState},
	0x1b9:      {"CKR_PUBLIC_KEY_INVALID", wire.StatusInvalidArgument},
	0x200:      {"CKR_FUNCTION_REJECTED", wire.StatusNotPermitted},
	0x201:      {"CKR_TOKEN_RESOURCE_EXCEEDED", wire.StatusInsufficientStorage},
	0x202:      {"CKR_OPERATION_CANCEL_FAILED", wire.StatusBadState},
	0x203:      {"CKR_KEY_EXHAUSTED", wire.StatusNotPermitted},
	0x80000000: {"CKR_VENDOR_DEFINED", wire.StatusCommunicationFailure},
}

// String returns the standard's name, or the number of a value that the standard does not
// have.
func (rv RV) String() string {
	if r, ok := results[rv]; ok {
		return r.name
	}
	if rv > vendorDefined {
		return fmt.Sprintf("CKR_VENDOR_DEFINED+%#x", uint64(rv-vendorDefined))
	}
	return fmt.Sprintf("CKR %#x", uint64(rv))
}

// Error returns the name.
func (rv RV) Error() string { return rv.String() }

// Status returns what callers see.
func (rv RV) Status() wire.Status {
	if r, ok := results[rv]; ok {
		return r.status
	}
	return wire.StatusCommunicationFailure
}

const vendorDefined RV = 0x80000000 //nolint:errname // a bound

// SessionLost reports whether the session, the login or the token went away: what was
// open must be opened again. An operation that was begun and is not there any more went with
// its session.
func (rv RV) SessionLost() bool {
	switch rv {
	case RVOperationNotInitialized, RVSessionHandleInvalid, RVSessionClosed, RVUserNotLoggedIn, RVCryptokiNotInitialized:
		return true
	default:
		return rv.TokenLost()
	}
}

// TokenLost reports whether the token is, or just was, away.
func (rv RV) TokenLost() bool {
	switch rv {
	case RVDeviceRemoved, RVTokenNotPresent, RVTokenNotRecognized, RVSlotIDInvalid:
		return true
	default:
		return false
	}
}

// PINRefused reports whether the token looked at a PIN and did not take it.
func (rv RV) PINRefused() bool {
	switch rv {
	case RVPINIncorrect, RVPINInvalid, RVPINLenRange, RVPINExpired, RVPINLocked:
		return true
	default:
		return false
	}
}

// TemplateRefused reports whether a token did not like an attribute; nothing was made.
func (rv RV) TemplateRefused() bool {
	switch rv {
	case RVAttributeReadOnly, RVAttributeTypeInvalid, RVAttributeValueInvalid, RVTemplateInconsistent, RVTemplateIncomplete, RVAttributeSensitive:
		return true
	default:
		return false
	}
}
