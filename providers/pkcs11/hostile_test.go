package pkcs11_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
)

// TestHostileLengths: a library that lies about lengths costs a request, or its helper, and
// never the agent: whatever it claims, the agent's memory does not grow, the error says
// what happened, and service resumes.
func TestHostileLengths(t *testing.T) {
	tokentest.New(t).Token("hostile")
	shim := tokentest.NewShim(t)
	o := options(t)
	o.Library = shim.Library
	p := open(t, o)
	key := providertest.Generate(t, p, p256)
	const much = 64 << 20
	for _, length := range []uint64{0, 63, 65, 5 << 20, 0x7fffffff, 0x80000000, 1 << 40, 1<<63 - 1} {
		for function, use := range map[string]func() error{
			"C_Sign": func() error { return sign(t, p, key) },
			"C_GetAttributeValue": func() error {
				_, err := p.ExportPublicKey(t.Context(), key)
				return err
			},
		} {
			t.Run(fmt.Sprintf("%s/%#x", function, length), func(t *testing.T) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				shim.Set(fmt.Sprintf("%s length %#x", function, length))
				calls := shim.Count(function)
				var err error
				eventually(t, func() bool { // the provider may leave a failing helper alone first
					err = use()
					return shim.Count(function) > calls
				})
				runtime.ReadMemStats(&after)
				shim.Set()
				if err == nil || wire.StatusOf(err) == wire.StatusSuccess {
					t.Error("it was believed")
				}
				if grown := after.TotalAlloc - before.TotalAlloc; grown > much {
					t.Errorf("the agent allocated %d bytes", grown)
				}
				eventually(t, func() bool { return sign(t, p, key) == nil })
			})
		}
	}
}

// TestHostileLists: lists that no library can mean are refused, or cost the helper.
func TestHostileLists(t *testing.T) {
	tokentest.New(t).Token("hostile")
	shim := tokentest.NewShim(t)
	l := &providertest.Logs{}
	o := options(t)
	o.Library, o.Logger = shim.Library, l.Logger()
	p := open(t, o)
	key := providertest.Generate(t, p, p256)
	for _, count := range []string{"5000", "0x7fffffffffffff"} {
		shim.Set("C_GetSlotList length " + count)
		_ = syscall.Kill(helperPID(t, l), syscall.SIGKILL) // slots are listed when a helper begins
		calls := shim.Count("C_GetSlotList")
		var err error
		eventually(t, func() bool {
			err = sign(t, p, key)
			return shim.Count("C_GetSlotList") > calls
		})
		if err == nil {
			t.Errorf("%s slots were believed", count)
		}
		shim.Set()
		eventually(t, func() bool { return sign(t, p, key) == nil })
	}
}

// TestHelperWithGarbage: a helper that answers what is no frame is killed, and the next one
// serves.
func TestHelperWithGarbage(t *testing.T) {
	tokentest.New(t).Token("garbage")
	l := &providertest.Logs{}
	o := options(t)
	o.Logger = l.Logger()
	dir := t.TempDir()
	flag := filepath.Join(dir, "garbage")
	script := fmt.Sprintf("#!/bin/sh\nif [ -e %s ]; then printf '\\001\\000\\000\\000\\000' >&3; exec sleep 600; fi\nexec %s\n", flag, o.Helper)
	o.Helper = filepath.Join(dir, "helper")
	if err := os.WriteFile(o.Helper, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p := open(t, o)
	key := providertest.Generate(t, p, p256)
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = syscall.Kill(helperPID(t, l), syscall.SIGKILL) // its end shows in the next request
	err := sign(t, p, key)
	providertest.Status(t, "sign", err, wire.StatusHardwareFailure)
	mentions(t, err, "it sent what is no response")
	if err := os.Remove(flag); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return sign(t, p, key) == nil })
}
