package tpm

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

var update = flag.Bool("update", false, "rewrite the generated document")

// standard are the response codes of Part 2 of the TPM specification, revision 1.85, table
// 17, without those that are bounds or masks, and without TPM_RC_NOT_USED.
var standard = map[string]tpm2.TPMRC{
	"TPM_RC_BAD_TAG": 0x01e, "TPM_RC_ASYMMETRIC": 0x081, "TPM_RC_ATTRIBUTES": 0x082, "TPM_RC_HASH": 0x083, "TPM_RC_VALUE": 0x084,
	"TPM_RC_HIERARCHY": 0x085, "TPM_RC_KEY_SIZE": 0x087, "TPM_RC_MGF": 0x088, "TPM_RC_MODE": 0x089, "TPM_RC_TYPE": 0x08a,
	"TPM_RC_HANDLE": 0x08b, "TPM_RC_KDF": 0x08c, "TPM_RC_RANGE": 0x08d, "TPM_RC_AUTH_FAIL": 0x08e, "TPM_RC_NONCE": 0x08f,
	"TPM_RC_PP": 0x090, "TPM_RC_SCHEME": 0x092, "TPM_RC_SIZE": 0x095, "TPM_RC_SYMMETRIC": 0x096, "TPM_RC_TAG": 0x097,
	"TPM_RC_SELECTOR": 0x098, "TPM_RC_INSUFFICIENT": 0x09a, "TPM_RC_SIGNATURE": 0x09b, "TPM_RC_KEY": 0x09c,
	"TPM_RC_POLICY_FAIL": 0x09d, "TPM_RC_INTEGRITY": 0x09f, "TPM_RC_TICKET": 0x0a0, "TPM_RC_RESERVED_BITS": 0x0a1,
	"TPM_RC_BAD_AUTH": 0x0a2, "TPM_RC_EXPIRED": 0x0a3, "TPM_RC_POLICY_CC": 0x0a4, "TPM_RC_BINDING": 0x0a5, "TPM_RC_CURVE": 0x0a6,
	"TPM_RC_ECC_POINT": 0x0a7, "TPM_RC_FW_LIMITED": 0x0a8, "TPM_RC_SVN_LIMITED": 0x0a9, "TPM_RC_PARMS": 0x0aa,
	"TPM_RC_EXT_MU": 0x0ab, "TPM_RC_ONE_SHOT_SIGNATURE": 0x0ac, "TPM_RC_SIGN_CONTEXT_KEY": 0x0ad, "TPM_RC_CHANNEL": 0x0b0,
	"TPM_RC_CHANNEL_KEY": 0x0b1, "TPM_RC_INITIALIZE": 0x100, "TPM_RC_FAILURE": 0x101, "TPM_RC_SEQUENCE": 0x103,
	"TPM_RC_PRIVATE": 0x10b, "TPM_RC_HMAC": 0x119, "TPM_RC_DISABLED": 0x120, "TPM_RC_EXCLUSIVE": 0x121, "TPM_RC_AUTH_TYPE": 0x124,
	"TPM_RC_AUTH_MISSING": 0x125, "TPM_RC_POLICY": 0x126, "TPM_RC_PCR": 0x127, "TPM_RC_PCR_CHANGED": 0x128,
	"TPM_RC_UPGRADE": 0x12d, "TPM_RC_TOO_MANY_CONTEXTS": 0x12e, "TPM_RC_AUTH_UNAVAILABLE": 0x12f, "TPM_RC_REBOOT": 0x130,
	"TPM_RC_UNBALANCED": 0x131, "TPM_RC_COMMAND_SIZE": 0x142, "TPM_RC_COMMAND_CODE": 0x143, "TPM_RC_AUTHSIZE": 0x144,
	"TPM_RC_AUTH_CONTEXT": 0x145, "TPM_RC_NV_RANGE": 0x146, "TPM_RC_NV_SIZE": 0x147, "TPM_RC_NV_LOCKED": 0x148,
	"TPM_RC_NV_AUTHORIZATION": 0x149, "TPM_RC_NV_UNINITIALIZED": 0x14a, "TPM_RC_NV_SPACE": 0x14b, "TPM_RC_NV_DEFINED": 0x14c,
	"TPM_RC_BAD_CONTEXT": 0x150, "TPM_RC_CPHASH": 0x151, "TPM_RC_PARENT": 0x152, "TPM_RC_NEEDS_TEST": 0x153,
	"TPM_RC_NO_RESULT": 0x154, "TPM_RC_SENSITIVE": 0x155, "TPM_RC_CONTEXT_GAP": 0x901, "TPM_RC_OBJECT_MEMORY": 0x902,
	"TPM_RC_SESSION_MEMORY": 0x903, "TPM_RC_MEMORY": 0x904, "TPM_RC_SESSION_HANDLES": 0x905, "TPM_RC_OBJECT_HANDLES": 0x906,
	"TPM_RC_LOCALITY": 0x907, "TPM_RC_YIELDED": 0x908, "TPM_RC_CANCELED": 0x909, "TPM_RC_TESTING": 0x90a,
	"TPM_RC_REFERENCE_H0": 0x910, "TPM_RC_REFERENCE_H1": 0x911, "TPM_RC_REFERENCE_H2": 0x912, "TPM_RC_REFERENCE_H3": 0x913,
	"TPM_RC_REFERENCE_H4": 0x914, "TPM_RC_REFERENCE_H5": 0x915, "TPM_RC_REFERENCE_H6": 0x916, "TPM_RC_REFERENCE_S0": 0x918,
	"TPM_RC_REFERENCE_S1": 0x919, "TPM_RC_REFERENCE_S2": 0x91a, "TPM_RC_REFERENCE_S3": 0x91b, "TPM_RC_REFERENCE_S4": 0x91c,
	"TPM_RC_REFERENCE_S5": 0x91d, "TPM_RC_REFERENCE_S6": 0x91e, "TPM_RC_NV_RATE": 0x920, "TPM_RC_LOCKOUT": 0x921,
	"TPM_RC_RETRY": 0x922, "TPM_RC_NV_UNAVAILABLE": 0x923,
}

// TestEveryCodeIsKnown goes through all codes of the standard, and through all numbers that
// it can assign.
func TestEveryCodeIsKnown(t *testing.T) {
	for name, rc := range standard {
		c, ok := codes[rc]
		if !ok || c.name != name || c.meaning == "" || !c.status.Known() || c.status == wire.StatusSuccess {
			t.Errorf("0x%03x is %s: %+v", uint32(rc), name, c)
		}
		if bare, where := canonical(rc); bare != rc || where.n != 0 {
			t.Errorf("%s is not canonical", name)
		}
		// The library's own text begins with the name where it knows it.
		if text := rc.Error(); !strings.HasPrefix(text, name) && !strings.HasPrefix(text, "unknown") && !strings.HasPrefix(text, "unrecognized") {
			t.Errorf("0x%03x is %s here and %q in the library", uint32(rc), name, text)
		}
	}
	if len(codes) != len(standard) {
		t.Errorf("the table has %d codes, the standard %d", len(codes), len(standard))
	}
	for rc := tpm2.TPMRC(1); rc < 0x1000; rc++ {
		e := refusal(tpm2.Sign{}, rc).status()
		bare, _ := canonical(rc)
		_, known := codes[bare]
		if !e.Status.Known() || e.Status == wire.StatusSuccess || !strings.HasPrefix(e.Reason, "TPM2_Sign: ") {
			t.Fatalf("0x%x: %+v", uint32(rc), e)
		}
		if hex := fmt.Sprintf("response code 0x%x", uint32(rc)); known == strings.Contains(e.Reason, hex) || !known && e.Remedy == "" {
			t.Errorf("0x%x: %+v", uint32(rc), e)
		}
		if text := rc.Error(); !known && strings.HasPrefix(text, "TPM_RC_") && !strings.Contains(text, "unknown") {
			t.Errorf("0x%x is %q in the library and unknown here", uint32(rc), text)
		}
	}
}

// damaged are the codes that say that a command arrived in pieces or was malformed: the one
// thing that is a failure of communication.
var damaged = []tpm2.TPMRC{
	tpm2.TPMRCCommandSize, tpm2.TPMRCAuthSize, tpm2.TPMRCAuthContext, tpm2.TPMRCNonce, tpm2.TPMRCTag, tpm2.TPMRCSelector,
	tpm2.TPMRCInsufficient, tpm2.TPMRCReservedBits,
}

func TestCommunicationFailuresAreFailuresOfCommunication(t *testing.T) {
	for rc, c := range codes {
		if (c.status == wire.StatusCommunicationFailure) != slices.Contains(damaged, rc) {
			t.Errorf("%s has status %d", c.name, c.status)
		}
	}
}

// helpless are the codes at which nobody but the caller, whose request it was, can do
// anything, and of which the meaning says what is wrong with it.
var helpless = map[wire.Status]bool{
	wire.StatusNotSupported: true, wire.StatusInvalidArgument: true, wire.StatusInvalidSignature: true, wire.StatusNotPermitted: true,
	wire.StatusDataCorrupt: true, wire.StatusAlreadyExists: true, wire.StatusInvalidHandle: true,
}

func TestFailuresOfTheMachineHaveARemedy(t *testing.T) {
	for _, c := range codes {
		if c.remedy == "" && !helpless[c.status] && c.name != "TPM_RC_NV_UNINITIALIZED" {
			t.Errorf("%s has no remedy", c.name)
		}
	}
}

func TestErrorsDocumentIsCurrent(t *testing.T) {
	const document = "../../docs/errors/tpm.md"
	b := &bytes.Buffer{}
	b.WriteString(`# What a TPM answers

The response codes of TPM 2.0 (Part 2 of the specification, 6.6.3, to revision 1.85), the status that callers get and what to do. An error names the command, the code, and the handle, parameter
or session at fault, such as ` + "`TPM2_Load: TPM_RC_INTEGRITY (parameter 1: inPrivate): the integrity check failed`" + `; "from the resource manager" is added where it, and not the TPM, answered.
Numbers are without those of handles, parameters and sessions. Codes of vendors and numbers that the standard does not assign are shown in hexadecimal, with status 1147 and 1145.

Made from ` + "`providers/tpm/rctable.go`" + ` by ` + "`make docs`" + `.

| Code | Number | Meaning | Status | What to do |
|---|---|---|---|---|
`)
	for _, rc := range slices.Sorted(maps.Keys(codes)) {
		c := codes[rc]
		fmt.Fprintf(b, "| %s | 0x%03x | %s | %d %s | %s |\n", c.name, uint32(rc), c.meaning, c.status, c.status.String(), strings.ReplaceAll(c.remedy, "|", "\\|"))
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

func TestFaults(t *testing.T) {
	for want, c := range map[string]struct {
		rc     tpm2.TPMRC
		status wire.Status
	}{
		"TPM2_Sign: TPM_RC_SCHEME (parameter 2: inScheme): scheme not supported or not compatible":      {0x2d2, wire.StatusNotSupported},
		"TPM2_Sign: TPM_RC_BAD_AUTH (session 1): the authorization is wrong":                            {0x9a2, wire.StatusNotPermitted},
		"TPM2_Sign: TPM_RC_HANDLE (handle 1: keyHandle): the handle is not correct for the use":         {0x18b, wire.StatusInvalidHandle},
		"TPM2_Sign: TPM_RC_LOCKOUT: the TPM is locked after too many wrong authorizations":              {0x921, wire.StatusBadState},
		"TPM2_Sign: TPM_RC_COMMAND_CODE (from the resource manager): the TPM does not have the command": {0xb0143, wire.StatusNotSupported},
		"TPM2_Sign: response code 0x501: an error of the TPM's vendor":                                  {0x501, wire.StatusHardwareFailure},
		"TPM2_Sign: response code 0x1bf (handle 1: keyHandle): an unknown error":                        {0x1bf, wire.StatusCommunicationFailure},
		"TPM2_Sign: TPM_RC_SIGNATURE: the signature is not valid":                                       {0x09b, wire.StatusInvalidSignature},
		"TPM2_Sign: TPM_RC_OBJECT_MEMORY: the TPM has no room for another object":                       {0x902, wire.StatusInsufficientMemory},
		"TPM2_Sign: TPM_RC_RETRY: the TPM was not able to start the command":                            {0x922, wire.StatusHardwareFailure},
		"TPM2_Sign: TPM_RC_REFERENCE_H0: the 1st handle is not loaded":                                  {0x910, wire.StatusInvalidHandle},
		"TPM2_Sign: TPM_RC_CURVE (parameter 15): curve not supported":                                   {0xfe6, wire.StatusNotSupported},
	} {
		e := refusal(tpm2.Sign{}, c.rc).status()
		if e.Reason != want || e.Status != c.status {
			t.Errorf("0x%x: %q, %v; want %q, %v", uint32(c.rc), e.Reason, e.Status, want, c.status)
		}
	}
}

// TestCommandsHaveNames: an error names the command as the specification does.
func TestCommandsHaveNames(t *testing.T) {
	if commandName(tpm2.TPMCCECDHZGen) != "TPM2_ECDH_ZGen" || commandName(0x1ff) != "command 0x1ff" {
		t.Error("wrong names")
	}
}
