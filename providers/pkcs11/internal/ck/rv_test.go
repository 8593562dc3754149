package ck

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

var update = flag.Bool("update", false, "rewrite the generated document")

// original is the table of docs/spec/parsec-service.md 6.3, which callers rely on.
var original = map[RV]wire.Status{
	0x02: wire.StatusInsufficientMemory,
	0x30: wire.StatusHardwareFailure, 0x32: wire.StatusHardwareFailure, 0xe0: wire.StatusHardwareFailure, 0xe1: wire.StatusHardwareFailure,
	0x180: wire.StatusHardwareFailure,
	0x31:  wire.StatusInsufficientStorage,
	0xc0:  wire.StatusInvalidSignature, 0xc1: wire.StatusInvalidSignature,
	0x121: wire.StatusInsufficientEntropy,
	0x140: wire.StatusNotSupported, 0x130: wire.StatusNotSupported, 0x54: wire.StatusNotSupported,
	0x40: wire.StatusInvalidPadding,
}

// standard are the return values of PKCS #11: those of version 2.40, and what 3.0 and 3.2
// added.
var standard = map[string]RV{
	"CKR_OK": 0x0, "CKR_CANCEL": 0x1, "CKR_HOST_MEMORY": 0x2, "CKR_SLOT_ID_INVALID": 0x3, "CKR_GENERAL_ERROR": 0x5,
	"CKR_FUNCTION_FAILED": 0x6, "CKR_ARGUMENTS_BAD": 0x7, "CKR_NO_EVENT": 0x8, "CKR_NEED_TO_CREATE_THREADS": 0x9,
	"CKR_CANT_LOCK": 0xa, "CKR_ATTRIBUTE_READ_ONLY": 0x10, "CKR_ATTRIBUTE_SENSITIVE": 0x11, "CKR_ATTRIBUTE_TYPE_INVALID": 0x12,
	"CKR_ATTRIBUTE_VALUE_INVALID": 0x13, "CKR_ACTION_PROHIBITED": 0x1b, "CKR_DATA_INVALID": 0x20, "CKR_DATA_LEN_RANGE": 0x21,
	"CKR_DEVICE_ERROR": 0x30, "CKR_DEVICE_MEMORY": 0x31, "CKR_DEVICE_REMOVED": 0x32, "CKR_AEAD_DECRYPT_FAILED": 0x35,
	"CKR_ENCRYPTED_DATA_INVALID": 0x40, "CKR_ENCRYPTED_DATA_LEN_RANGE": 0x41, "CKR_FUNCTION_CANCELED": 0x50,
	"CKR_FUNCTION_NOT_PARALLEL": 0x51, "CKR_FUNCTION_NOT_SUPPORTED": 0x54, "CKR_KEY_HANDLE_INVALID": 0x60,
	"CKR_KEY_SIZE_RANGE": 0x62, "CKR_KEY_TYPE_INCONSISTENT": 0x63, "CKR_KEY_NOT_NEEDED": 0x64, "CKR_KEY_CHANGED": 0x65,
	"CKR_KEY_NEEDED": 0x66, "CKR_KEY_INDIGESTIBLE": 0x67, "CKR_KEY_FUNCTION_NOT_PERMITTED": 0x68, "CKR_KEY_NOT_WRAPPABLE": 0x69,
	"CKR_KEY_UNEXTRACTABLE": 0x6a, "CKR_MECHANISM_INVALID": 0x70, "CKR_MECHANISM_PARAM_INVALID": 0x71,
	"CKR_OBJECT_HANDLE_INVALID": 0x82, "CKR_OPERATION_ACTIVE": 0x90, "CKR_OPERATION_NOT_INITIALIZED": 0x91,
	"CKR_PIN_INCORRECT": 0xa0, "CKR_PIN_INVALID": 0xa1, "CKR_PIN_LEN_RANGE": 0xa2, "CKR_PIN_EXPIRED": 0xa3,
	"CKR_PIN_LOCKED": 0xa4, "CKR_SESSION_CLOSED": 0xb0, "CKR_SESSION_COUNT": 0xb1, "CKR_SESSION_HANDLE_INVALID": 0xb3,
	"CKR_SESSION_PARALLEL_NOT_SUPPORTED": 0xb4, "CKR_SESSION_READ_ONLY": 0xb5, "CKR_SESSION_EXISTS": 0xb6,
	"CKR_SESSION_READ_ONLY_EXISTS": 0xb7, "CKR_SESSION_READ_WRITE_SO_EXISTS": 0xb8, "CKR_SIGNATURE_INVALID": 0xc0,
	"CKR_SIGNATURE_LEN_RANGE": 0xc1, "CKR_TEMPLATE_INCOMPLETE": 0xd0, "CKR_TEMPLATE_INCONSISTENT": 0xd1,
	"CKR_TOKEN_NOT_PRESENT": 0xe0, "CKR_TOKEN_NOT_RECOGNIZED": 0xe1, "CKR_TOKEN_WRITE_PROTECTED": 0xe2,
	"CKR_UNWRAPPING_KEY_HANDLE_INVALID": 0xf0, "CKR_UNWRAPPING_KEY_SIZE_RANGE": 0xf1,
	"CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT": 0xf2, "CKR_USER_ALREADY_LOGGED_IN": 0x100, "CKR_USER_NOT_LOGGED_IN": 0x101,
	"CKR_USER_PIN_NOT_INITIALIZED": 0x102, "CKR_USER_TYPE_INVALID": 0x103, "CKR_USER_ANOTHER_ALREADY_LOGGED_IN": 0x104,
	"CKR_USER_TOO_MANY_TYPES": 0x105, "CKR_WRAPPED_KEY_INVALID": 0x110, "CKR_WRAPPED_KEY_LEN_RANGE": 0x112,
	"CKR_WRAPPING_KEY_HANDLE_INVALID": 0x113, "CKR_WRAPPING_KEY_SIZE_RANGE": 0x114, "CKR_WRAPPING_KEY_TYPE_INCONSISTENT": 0x115,
	"CKR_RANDOM_SEED_NOT_SUPPORTED": 0x120, "CKR_RANDOM_NO_RNG": 0x121, "CKR_DOMAIN_PARAMS_INVALID": 0x130,
	"CKR_CURVE_NOT_SUPPORTED": 0x140, "CKR_BUFFER_TOO_SMALL": 0x150, "CKR_SAVED_STATE_INVALID": 0x160,
	"CKR_INFORMATION_SENSITIVE": 0x170, "CKR_STATE_UNSAVEABLE": 0x180, "CKR_CRYPTOKI_NOT_INITIALIZED": 0x190,
	"CKR_CRYPTOKI_ALREADY_INITIALIZED": 0x191, "CKR_MUTEX_BAD": 0x1a0, "CKR_MUTEX_NOT_LOCKED": 0x1a1, "CKR_NEW_PIN_MODE": 0x1b0,
	"CKR_NEXT_OTP": 0x1b1, "CKR_EXCEEDED_MAX_ITERATIONS": 0x1b5, "CKR_FIPS_SELF_TEST_FAILED": 0x1b6,
	"CKR_LIBRARY_LOAD_FAILED": 0x1b7, "CKR_PIN_TOO_WEAK": 0x1b8, "CKR_PUBLIC_KEY_INVALID": 0x1b9, "CKR_FUNCTION_REJECTED": 0x200,
	"CKR_TOKEN_RESOURCE_EXCEEDED": 0x201, "CKR_OPERATION_CANCEL_FAILED": 0x202, "CKR_KEY_EXHAUSTED": 0x203, "CKR_PENDING": 0x204,
	"CKR_SESSION_ASYNC_NOT_SUPPORTED": 0x205, "CKR_SEED_RANDOM_REQUIRED": 0x206, "CKR_OPERATION_NOT_VALIDATED": 0x207,
	"CKR_TOKEN_NOT_INITIALIZED": 0x208, "CKR_PARAMETER_SET_NOT_SUPPORTED": 0x209, "CKR_VENDOR_DEFINED": 0x80000000,
}

// vague are the results that say nothing more than that something failed.
var vague = map[RV]bool{RVGeneralError: true, RVFunctionFailed: true, vendorDefined: true}

// TestEveryResultHasItsStatus goes through all return values of the standard.
func TestEveryResultHasItsStatus(t *testing.T) {
	for name, rv := range standard {
		if r, ok := results[rv]; !ok || r.name != name || rv.String() != name || rv.Error() != name {
			t.Errorf("%#x is called %q, not %q", uint64(rv), rv, name)
		}
		if !rv.Status().Known() || (rv.Status() == wire.StatusSuccess) != (rv == RVOK) {
			t.Errorf("%s has status %d", rv, rv.Status())
		}
		if (rv.Status() == wire.StatusCommunicationFailure) != vague[rv] {
			t.Errorf("%s has status %d", rv, rv.Status())
		}
	}
	if len(results) != len(standard) {
		t.Errorf("the table has %d results, the standard %d", len(results), len(standard))
	}
	for rv, want := range original {
		if rv.Status() != want {
			t.Errorf("%s has status %d, the original's is %d", rv, rv.Status(), want)
		}
	}
	for rv, want := range map[RV]string{0x80000010: "CKR_VENDOR_DEFINED+0x10", 0x7777: "CKR 0x7777"} {
		if rv.String() != want || rv.Status() != wire.StatusCommunicationFailure || rv.Remedy() == "" {
			t.Errorf("%q, status %d", rv, rv.Status())
		}
	}
}

// helpless are the statuses of which the name of the result says all: the request was not
// right, or the token does not do it.
var helpless = map[wire.Status]bool{
	wire.StatusSuccess: true, wire.StatusNotSupported: true, wire.StatusInvalidArgument: true, wire.StatusInvalidSignature: true,
	wire.StatusInvalidPadding: true, wire.StatusNotPermitted: true, wire.StatusDoesNotExist: true,
}

func TestFailuresOfTheTokenHaveARemedy(t *testing.T) {
	for rv, r := range results {
		if r.remedy == "" && !helpless[r.status] {
			t.Errorf("%s has no remedy", rv)
		}
	}
}

func TestErrorsDocumentIsCurrent(t *testing.T) {
	const document = "../../../../docs/errors/pkcs11.md"
	b := &bytes.Buffer{}
	b.WriteString(`# What a PKCS#11 library answers

The return values of PKCS #11 (versions 2.40 to 3.2), the status that callers get and what to do. An error names token, serial number, slot, library, what was to be done with which mechanism, the function and
the return value, such as ` + "`token \"prod\" with serial number \"93f…\" in slot 3 of /usr/lib/libvendor.so cannot sign with CKM_ECDSA: C_Sign answered CKR_DEVICE_ERROR`" + `. Values of vendors and values that the
standard does not have are shown as numbers, with status 1145.

Made from ` + "`providers/pkcs11/internal/ck/rvtable.go`" + ` by ` + "`make docs`" + `.

| Return value | Number | Status | What to do |
|---|---|---|---|
`)
	for _, rv := range slices.Sorted(maps.Keys(results)) {
		fmt.Fprintf(b, "| %s | %#x | %d %s | %s |\n", rv, uint64(rv), rv.Status(), rv.Status().String(), rv.Remedy())
	}
	if *update {
		if err := os.WriteFile(document, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(document); err != nil || !bytes.Equal(got, b.Bytes()) {
		t.Errorf("%s is not what the table says: run make docs (%v)", document, err)
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		MechanismName(MechECDSA): "CKM_ECDSA", MechanismName(0x9999): "CKM 0x9999",
		AttributeName(AttrAllowedMechanisms): "CKA_ALLOWED_MECHANISMS", AttributeName(0x9999): "CKA 0x9999",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
