package tpm

import (
	"strings"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// TestEveryCodeIsKnown goes through all numbers that the specification can assign.
func TestEveryCodeIsKnown(t *testing.T) {
	names := map[string]bool{}
	for rc, c := range codes {
		if names[c.name] {
			t.Errorf("%s stands twice", c.name)
		}
		names[c.name] = true
		if !strings.HasPrefix(c.name, "TPM_RC_") || c.meaning == "" || !c.status.Known() || c.status == wire.StatusSuccess {
			t.Errorf("0x%x: %+v", uint32(rc), c)
		}
		if bare, where := canonical(rc); bare != rc || where != "" {
			t.Errorf("%s is not canonical", c.name)
		}
		// The library's own text begins with the name, so both agree on the number.
		if text := rc.Error(); !strings.HasPrefix(text, c.name) {
			t.Errorf("0x%x is %s here and %q in the library", uint32(rc), c.name, text)
		}
	}
	unknown := 0
	for rc := tpm2.TPMRC(1); rc < 0x1000; rc++ {
		f := &fault{tpm2.TPMCCSign, rc}
		e := f.status()
		if !e.Status.Known() || e.Status == wire.StatusSuccess || !strings.HasPrefix(e.Reason, "TPM2_Sign: ") {
			t.Fatalf("0x%x: %+v", uint32(rc), e)
		}
		bare, _ := canonical(rc)
		if _, ok := codes[bare]; !ok {
			unknown++
		}
		if text := rc.Error(); !strings.Contains(text, "unknown") && !strings.Contains(text, "unrecognized") && strings.Contains(e.Reason, "response code 0x") && uint32(rc)&rcFormat1 == 0 {
			t.Errorf("0x%x is %q in the library and unknown here", uint32(rc), text)
		}
	}
	if len(codes) != 95 {
		t.Errorf("%d codes are known, %d of 4095 numbers are not", len(codes), unknown)
	}
}

func TestFaults(t *testing.T) {
	for want, c := range map[string]struct {
		rc     tpm2.TPMRC
		status wire.Status
	}{
		"TPM2_Sign: TPM_RC_SCHEME (parameter 2): scheme not supported or not compatible":                {0x2d2, wire.StatusNotSupported},
		"TPM2_Sign: TPM_RC_BAD_AUTH (session 1): the authorization is wrong":                            {0x9a2, wire.StatusNotPermitted},
		"TPM2_Sign: TPM_RC_HANDLE (handle 1): the handle is not correct for the use":                    {0x18b, wire.StatusInvalidHandle},
		"TPM2_Sign: TPM_RC_LOCKOUT: the TPM is locked after too many wrong authorizations":              {0x921, wire.StatusBadState},
		"TPM2_Sign: TPM_RC_COMMAND_CODE (from the resource manager): the TPM does not have the command": {0xb0143, wire.StatusNotSupported},
		"TPM2_Sign: response code 0x501: an error of the TPM's vendor":                                  {0x501, wire.StatusHardwareFailure},
		"TPM2_Sign: response code 0x1bf (handle 1): an unknown error":                                   {0x1bf, wire.StatusCommunicationFailure},
		"TPM2_Sign: TPM_RC_SIGNATURE: the signature is not valid":                                       {0x09b, wire.StatusInvalidSignature},
		"TPM2_Sign: TPM_RC_OBJECT_MEMORY: the TPM has no room for another object":                       {0x902, wire.StatusInsufficientMemory},
		"TPM2_Sign: TPM_RC_RETRY: the TPM was not able to start the command":                            {0x922, wire.StatusHardwareFailure},
		"TPM2_Sign: TPM_RC_REFERENCE_H0: the 1st handle is not loaded":                                  {0x910, wire.StatusInvalidHandle},
		"TPM2_Sign: TPM_RC_CURVE (parameter 15): curve not supported":                                   {0xfe6, wire.StatusNotSupported},
	} {
		e := (&fault{tpm2.TPMCCSign, c.rc}).status()
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
