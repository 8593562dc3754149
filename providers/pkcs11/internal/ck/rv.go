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
	RVDeviceMemory               RV = 0x31
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

// Remedy returns what a person can do about it, empty where that is nothing.
func (rv RV) Remedy() string {
	if r, ok := results[rv]; ok {
		return r.remedy
	}
	return results[vendorDefined].remedy
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
