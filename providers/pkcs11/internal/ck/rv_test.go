package ck

import (
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

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

// vague are the results that say nothing more than that something failed.
var vague = map[RV]bool{
	RVGeneralError: true, RVFunctionFailed: true, RVCancel: true, 0x8: true, 0x9: true, 0xa: true, 0x50: true, 0x64: true, 0x66: true,
	0x110: true, 0x112: true, 0x113: true, 0x114: true, 0x115: true, 0xf0: true, 0xf1: true, 0xf2: true, 0x160: true,
	RVCryptokiNotInitialized: true, RVCryptokiAlreadyInitialized: true, 0x1a0: true, 0x1a1: true, 0x1b7: true, vendorDefined: true,
}

// TestEveryResultHasItsStatus goes through all results of the standard.
func TestEveryResultHasItsStatus(t *testing.T) {
	names := map[string]bool{}
	for rv, r := range results {
		if !strings.HasPrefix(r.name, "CKR_") || names[r.name] || rv.String() != r.name || rv.Error() != r.name {
			t.Errorf("%#x is called %q", uint64(rv), r.name)
		}
		names[r.name] = true
		if !rv.Status().Known() || (rv.Status() == wire.StatusSuccess) != (rv == RVOK) {
			t.Errorf("%s has status %d", rv, rv.Status())
		}
		if failed := rv.Status() == wire.StatusCommunicationFailure; failed && !vague[rv] {
			t.Errorf("%s is passed off as a communication failure", rv)
		}
	}
	for rv, want := range original {
		if rv.Status() != want {
			t.Errorf("%s has status %d, the original's is %d", rv, rv.Status(), want)
		}
	}
	if len(results) < 90 {
		t.Errorf("only %d results", len(results))
	}
	for rv, want := range map[RV]string{0x80000010: "CKR_VENDOR_DEFINED+0x10", 0x7777: "CKR 0x7777"} {
		if rv.String() != want || rv.Status() != wire.StatusCommunicationFailure {
			t.Errorf("%q, status %d", rv, rv.Status())
		}
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
