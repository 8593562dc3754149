package tpm

import (
	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// code is what we know of a response code: its name, what it means, the status for the
// caller and what to do.
type code struct {
	name, meaning string
	status        wire.Status
	remedy        string
}

const (
	remedyOwner   = "see whether the TPM's owner hierarchy was cleared or disabled: tpm2_getcap properties-variable"
	remedyAuth    = "see owner_hierarchy_auth and endorsement_hierarchy_auth in the configuration"
	remedyLockout = "wait until the lockout ends (tpm2_getcap properties-variable), or tpm2_dictionarylockout --clear-lockout"
	remedyMemory  = "close other programs that use the TPM, or use the resource manager: tcti = \"device:/dev/tpmrm0\""
	remedyReset   = "restart the machine"
	remedyLater   = "try again"
	remedyReport  = "the TPM refuses what its specification allows: report it with the TPM's vendor and firmware version (tpm2_getcap properties-fixed)"
)

// The response codes that the library does not name yet: those of revision 1.85, and one of
// TPM 1.2 for a command that it takes for its own.
//
//nolint:errname // named like the library's
const (
	rcBadTag         tpm2.TPMRC = 0x01e
	rcFWLimited      tpm2.TPMRC = 0x0a8
	rcSVNLimited     tpm2.TPMRC = 0x0a9
	rcParms          tpm2.TPMRC = 0x0aa
	rcExtMu          tpm2.TPMRC = 0x0ab
	rcOneShot        tpm2.TPMRC = 0x0ac
	rcSignContextKey tpm2.TPMRC = 0x0ad
	rcChannel        tpm2.TPMRC = 0x0b0
	rcChannelKey     tpm2.TPMRC = 0x0b1
)

// codes are the response codes of Part 2 of the TPM specification, section 6.6.3, without
// the numbers of parameters, handles and sessions. Communication failure is kept for what
// shows that commands or responses were damaged. docs/errors/tpm.md is made of it.
var codes = map[tpm2.TPMRC]code{
	rcBadTag: {"TPM_RC_BAD_TAG", "the tag of the command is wrong; a TPM 1.2 answers so", wire.StatusNotSupported, "see whether the machine's TPM is a TPM 2.0, or can be switched to it"},

	tpm2.TPMRCInitialize:      {"TPM_RC_INITIALIZE", "the TPM was not started", wire.StatusBadState, remedyReset},
	tpm2.TPMRCFailure:         {"TPM_RC_FAILURE", "the TPM failed its self-test", wire.StatusHardwareFailure, remedyReset},
	tpm2.TPMRCSequence:        {"TPM_RC_SEQUENCE", "a sequence handle is used wrongly", wire.StatusBadState, remedyReport},
	tpm2.TPMRCPrivate:         {"TPM_RC_PRIVATE", "not used", wire.StatusHardwareFailure, remedyReport},
	tpm2.TPMRCHMAC:            {"TPM_RC_HMAC", "not used", wire.StatusHardwareFailure, remedyReport},
	tpm2.TPMRCDisabled:        {"TPM_RC_DISABLED", "the command is disabled", wire.StatusNotSupported, remedyOwner},
	tpm2.TPMRCExclusive:       {"TPM_RC_EXCLUSIVE", "an audit sequence required exclusivity", wire.StatusBadState, remedyLater},
	tpm2.TPMRCAuthType:        {"TPM_RC_AUTH_TYPE", "the authorization is of the wrong type for the command", wire.StatusNotPermitted, remedyReport},
	tpm2.TPMRCAuthMissing:     {"TPM_RC_AUTH_MISSING", "the command lacks an authorization", wire.StatusNotPermitted, remedyReport},
	tpm2.TPMRCPolicy:          {"TPM_RC_POLICY", "the policy is invalid", wire.StatusNotPermitted, ""},
	tpm2.TPMRCPCR:             {"TPM_RC_PCR", "the PCR do not have the values of the policy", wire.StatusNotPermitted, ""},
	tpm2.TPMRCPCRChanged:      {"TPM_RC_PCR_CHANGED", "the PCR changed since they were checked", wire.StatusNotPermitted, remedyLater},
	tpm2.TPMRCUpgrade:         {"TPM_RC_UPGRADE", "the TPM is in field upgrade mode", wire.StatusBadState, "finish the firmware upgrade of the TPM"},
	tpm2.TPMRCTooManyContexts: {"TPM_RC_TOO_MANY_CONTEXTS", "the counter of saved contexts is at its end", wire.StatusInsufficientMemory, remedyReset},
	tpm2.TPMRCAuthUnavailable: {"TPM_RC_AUTH_UNAVAILABLE", "the object has no such authorization", wire.StatusNotPermitted, remedyReport},
	tpm2.TPMRCReboot:          {"TPM_RC_REBOOT", "the TPM needs a restart", wire.StatusBadState, remedyReset},
	tpm2.TPMRCUnbalanced:      {"TPM_RC_UNBALANCED", "the hash and the cipher are not balanced", wire.StatusNotSupported, ""},
	tpm2.TPMRCCommandSize:     {"TPM_RC_COMMAND_SIZE", "the command has the wrong size", wire.StatusCommunicationFailure, remedyReport},
	tpm2.TPMRCCommandCode:     {"TPM_RC_COMMAND_CODE", "the TPM does not have the command", wire.StatusNotSupported, ""},
	tpm2.TPMRCAuthSize:        {"TPM_RC_AUTHSIZE", "the authorization area has the wrong size", wire.StatusCommunicationFailure, remedyReport},
	tpm2.TPMRCAuthContext:     {"TPM_RC_AUTH_CONTEXT", "the command cannot have an authorization session", wire.StatusCommunicationFailure, remedyReport},
	tpm2.TPMRCNVRange:         {"TPM_RC_NV_RANGE", "NV offset and size are out of range", wire.StatusInvalidArgument, ""},
	tpm2.TPMRCNVSize:          {"TPM_RC_NV_SIZE", "the NV allocation is larger than allowed", wire.StatusInvalidArgument, ""},
	tpm2.TPMRCNVLocked:        {"TPM_RC_NV_LOCKED", "NV access is locked", wire.StatusNotPermitted, remedyReset},
	tpm2.TPMRCNVAuthorization: {"TPM_RC_NV_AUTHORIZATION", "NV access is not authorized", wire.StatusNotPermitted, remedyAuth},
	tpm2.TPMRCNVUninitialized: {"TPM_RC_NV_UNINITIALIZED", "the NV index was not written", wire.StatusBadState, ""},
	tpm2.TPMRCNVSpace:         {"TPM_RC_NV_SPACE", "the TPM's NV memory is full", wire.StatusInsufficientStorage, "remove persistent handles or NV indexes that nobody needs"},
	tpm2.TPMRCNVDefined:       {"TPM_RC_NV_DEFINED", "the NV index or persistent object exists", wire.StatusAlreadyExists, ""},
	tpm2.TPMRCBadContext:      {"TPM_RC_BAD_CONTEXT", "the saved context is not valid", wire.StatusDataCorrupt, ""},
	tpm2.TPMRCCPHash:          {"TPM_RC_CPHASH", "the hash of the command's parameters is wrong", wire.StatusNotPermitted, ""},
	tpm2.TPMRCParent:          {"TPM_RC_PARENT", "the parent is no storage key", wire.StatusInvalidHandle, remedyReport},
	tpm2.TPMRCNeedsTest:       {"TPM_RC_NEEDS_TEST", "the TPM needs to test itself", wire.StatusBadState, "tpm2_selftest --fulltest"},
	tpm2.TPMRCNoResult:        {"TPM_RC_NO_RESULT", "the TPM cannot compute a result", wire.StatusGenericError, remedyReport},
	tpm2.TPMRCSensitive:       {"TPM_RC_SENSITIVE", "the private part of the key cannot be read", wire.StatusDataCorrupt, ""},

	tpm2.TPMRCAsymmetric:   {"TPM_RC_ASYMMETRIC", "asymmetric algorithm not supported or not correct", wire.StatusNotSupported, ""},
	tpm2.TPMRCAttributes:   {"TPM_RC_ATTRIBUTES", "the key's attributes do not allow it", wire.StatusNotPermitted, ""},
	tpm2.TPMRCHash:         {"TPM_RC_HASH", "hash algorithm not supported or not appropriate", wire.StatusNotSupported, ""},
	tpm2.TPMRCValue:        {"TPM_RC_VALUE", "value out of range or not correct for the context", wire.StatusInvalidArgument, ""},
	tpm2.TPMRCHierarchy:    {"TPM_RC_HIERARCHY", "the hierarchy is disabled or not correct for the use", wire.StatusBadState, remedyOwner},
	tpm2.TPMRCKeySize:      {"TPM_RC_KEY_SIZE", "key size not supported", wire.StatusNotSupported, ""},
	tpm2.TPMRCMGF:          {"TPM_RC_MGF", "mask generation function not supported", wire.StatusNotSupported, ""},
	tpm2.TPMRCMode:         {"TPM_RC_MODE", "mode of operation not supported", wire.StatusNotSupported, ""},
	tpm2.TPMRCType:         {"TPM_RC_TYPE", "the type of the value is not appropriate", wire.StatusNotSupported, ""},
	tpm2.TPMRCHandle:       {"TPM_RC_HANDLE", "the handle is not correct for the use", wire.StatusInvalidHandle, ""},
	tpm2.TPMRCKDF:          {"TPM_RC_KDF", "key derivation function not supported", wire.StatusNotSupported, ""},
	tpm2.TPMRCRange:        {"TPM_RC_RANGE", "value out of the allowed range", wire.StatusInvalidArgument, ""},
	tpm2.TPMRCAuthFail:     {"TPM_RC_AUTH_FAIL", "the authorization is wrong and was counted", wire.StatusNotPermitted, remedyAuth},
	tpm2.TPMRCNonce:        {"TPM_RC_NONCE", "the nonce has the wrong size or value", wire.StatusCommunicationFailure, remedyReport},
	tpm2.TPMRCPP:           {"TPM_RC_PP", "physical presence is required", wire.StatusNotPermitted, ""},
	tpm2.TPMRCScheme:       {"TPM_RC_SCHEME", "scheme not supported or not compatible", wire.StatusNotSupported, ""},
	tpm2.TPMRCSize:         {"TPM_RC_SIZE", "the structure has the wrong size", wire.StatusInvalidArgument, ""},
	tpm2.TPMRCSymmetric:    {"TPM_RC_SYMMETRIC", "symmetric algorithm or key size not supported", wire.StatusNotSupported, ""},
	tpm2.TPMRCTag:          {"TPM_RC_TAG", "incorrect structure tag", wire.StatusCommunicationFailure, remedyReport},
	tpm2.TPMRCSelector:     {"TPM_RC_SELECTOR", "incorrect union selector", wire.StatusCommunicationFailure, remedyReport},
	tpm2.TPMRCInsufficient: {"TPM_RC_INSUFFICIENT", "the command ends too early", wire.StatusCommunicationFailure, remedyReport},
	tpm2.TPMRCSignature:    {"TPM_RC_SIGNATURE", "the signature is not valid", wire.StatusInvalidSignature, ""},
	tpm2.TPMRCKey:          {"TPM_RC_KEY", "the key's fields do not fit the use", wire.StatusNotSupported, ""},
	tpm2.TPMRCPolicyFail:   {"TPM_RC_POLICY_FAIL", "a policy check failed", wire.StatusNotPermitted, ""},
	tpm2.TPMRCIntegrity:    {"TPM_RC_INTEGRITY", "the integrity check failed", wire.StatusDataCorrupt, ""},
	tpm2.TPMRCTicket:       {"TPM_RC_TICKET", "invalid ticket", wire.StatusInvalidArgument, ""},
	tpm2.TPMRCReservedBits: {"TPM_RC_RESERVED_BITS", "reserved bits are set", wire.StatusCommunicationFailure, remedyReport},
	tpm2.TPMRCBadAuth:      {"TPM_RC_BAD_AUTH", "the authorization is wrong", wire.StatusNotPermitted, remedyAuth},
	tpm2.TPMRCExpired:      {"TPM_RC_EXPIRED", "the policy has expired", wire.StatusNotPermitted, remedyLater},
	tpm2.TPMRCPolicyCC:     {"TPM_RC_POLICY_CC", "the policy is for another command", wire.StatusNotPermitted, ""},
	tpm2.TPMRCBinding:      {"TPM_RC_BINDING", "the public and the private part do not belong together", wire.StatusDataCorrupt, ""},
	tpm2.TPMRCCurve:        {"TPM_RC_CURVE", "curve not supported", wire.StatusNotSupported, ""},
	tpm2.TPMRCECCPoint:     {"TPM_RC_ECC_POINT", "the point is not on the curve", wire.StatusInvalidArgument, ""},

	rcFWLimited:      {"TPM_RC_FW_LIMITED", "the hierarchy is limited to a firmware whose secret is not available", wire.StatusBadState, "see whether the TPM's firmware was changed"},
	rcSVNLimited:     {"TPM_RC_SVN_LIMITED", "the hierarchy is limited to a firmware version whose secret is not available", wire.StatusBadState, "see whether the TPM's firmware was changed"},
	rcParms:          {"TPM_RC_PARMS", "parameter set not supported", wire.StatusNotSupported, ""},
	rcExtMu:          {"TPM_RC_EXT_MU", "a message representative from outside is not supported", wire.StatusNotSupported, ""},
	rcOneShot:        {"TPM_RC_ONE_SHOT_SIGNATURE", "the key signs no messages in parts", wire.StatusNotSupported, ""},
	rcSignContextKey: {"TPM_RC_SIGN_CONTEXT_KEY", "another key began the signature", wire.StatusInvalidHandle, remedyReport},
	rcChannel:        {"TPM_RC_CHANNEL", "the command needs a secure channel to the TPM", wire.StatusNotPermitted, remedyReport},
	rcChannelKey:     {"TPM_RC_CHANNEL_KEY", "the secure channel was not made with the right key", wire.StatusNotPermitted, remedyReport},

	tpm2.TPMRCContextGap:     {"TPM_RC_CONTEXT_GAP", "a saved context is too old", wire.StatusInsufficientMemory, remedyMemory},
	tpm2.TPMRCObjectMemory:   {"TPM_RC_OBJECT_MEMORY", "the TPM has no room for another object", wire.StatusInsufficientMemory, remedyMemory},
	tpm2.TPMRCSessionMemory:  {"TPM_RC_SESSION_MEMORY", "the TPM has no room for another session", wire.StatusInsufficientMemory, remedyMemory},
	tpm2.TPMRCMemory:         {"TPM_RC_MEMORY", "the TPM is out of memory", wire.StatusInsufficientMemory, remedyMemory},
	tpm2.TPMRCSessionHandles: {"TPM_RC_SESSION_HANDLES", "the TPM is out of session handles", wire.StatusInsufficientMemory, remedyMemory},
	tpm2.TPMRCObjectHandles:  {"TPM_RC_OBJECT_HANDLES", "the TPM is out of object handles", wire.StatusInsufficientMemory, remedyReset},
	tpm2.TPMRCLocality:       {"TPM_RC_LOCALITY", "wrong locality", wire.StatusNotPermitted, ""},
	tpm2.TPMRCYielded:        {"TPM_RC_YIELDED", "the TPM suspended the command again and again", wire.StatusHardwareFailure, remedyLater},
	tpm2.TPMRCCanceled:       {"TPM_RC_CANCELED", "the command was cancelled", wire.StatusHardwareFailure, remedyLater},
	tpm2.TPMRCTesting:        {"TPM_RC_TESTING", "the TPM did not finish its self-test in time", wire.StatusHardwareFailure, remedyLater},
	tpm2.TPMRCNVRate:         {"TPM_RC_NV_RATE", "the TPM limits the rate of NV writes", wire.StatusHardwareFailure, remedyLater},
	tpm2.TPMRCLockout:        {"TPM_RC_LOCKOUT", "the TPM is locked after too many wrong authorizations", wire.StatusBadState, remedyLockout},
	tpm2.TPMRCRetry:          {"TPM_RC_RETRY", "the TPM was not able to start the command", wire.StatusHardwareFailure, remedyLater},
	tpm2.TPMRCNVUnavailable:  {"TPM_RC_NV_UNAVAILABLE", "the TPM's NV memory is not accessible", wire.StatusHardwareFailure, remedyLater},

	tpm2.TPMRCReferenceH0: gone("H0", "1st handle"), tpm2.TPMRCReferenceH1: gone("H1", "2nd handle"),
	tpm2.TPMRCReferenceH2: gone("H2", "3rd handle"), tpm2.TPMRCReferenceH3: gone("H3", "4th handle"),
	tpm2.TPMRCReferenceH4: gone("H4", "5th handle"), tpm2.TPMRCReferenceH5: gone("H5", "6th handle"),
	tpm2.TPMRCReferenceH6: gone("H6", "7th handle"),
	tpm2.TPMRCReferenceS0: gone("S0", "1st session"), tpm2.TPMRCReferenceS1: gone("S1", "2nd session"),
	tpm2.TPMRCReferenceS2: gone("S2", "3rd session"), tpm2.TPMRCReferenceS3: gone("S3", "4th session"),
	tpm2.TPMRCReferenceS4: gone("S4", "5th session"), tpm2.TPMRCReferenceS5: gone("S5", "6th session"),
	tpm2.TPMRCReferenceS6: gone("S6", "7th session"),
}

func gone(suffix, what string) code {
	return code{"TPM_RC_REFERENCE_" + suffix, "the " + what + " is not loaded", wire.StatusInvalidHandle, remedyLater}
}
