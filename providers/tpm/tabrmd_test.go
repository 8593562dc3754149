package tpm_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// TestBrokerConformance uses keys of every kind of object in the ways that the suite knows,
// through the real access broker.
func TestBrokerConformance(t *testing.T) {
	p := open(t, tpm.Options{TCTI: tpmtest.StartBroker(t).TCTI()})
	sha256 := func(k psa.Kind) psa.Algorithm { return psa.Algorithm{Kind: k, Hash: psa.HashSHA256} }
	for _, a := range []psa.Attributes{
		ecc(256), ecc(384),
		{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 521, Usage: psa.UsageDerive, Alg: psa.Algorithm{Kind: psa.AlgECDH}},
		{Type: psa.KeyRSAPair, Bits: 1024, Usage: psa.UsageSignHash | psa.UsageVerifyHash, Alg: sha256(psa.AlgRSAPSS)},
		{Type: psa.KeyRSAPair, Bits: 1024, Usage: psa.UsageEncrypt | psa.UsageDecrypt, Alg: sha256(psa.AlgRSAOAEP)},
		{Type: psa.KeyHMAC, Bits: 256, Usage: psa.UsageSignMessage | psa.UsageVerifyMessage, Alg: sha256(psa.AlgHMAC)},
	} {
		providertest.Exercise(t, p, providertest.Generate(t, p, a))
	}
	b := make([]byte, 1000)
	if err := p.Random(t.Context(), b); err != nil || bytes.Contains(b, make([]byte, 16)) {
		t.Errorf("%x, %v", b, err)
	}
}

// TestBrokerRestart: a broker that ends takes with it what was loaded; service resumes
// with the next one, and a request between both says what is missing.
func TestBrokerRestart(t *testing.T) {
	broker := tpmtest.StartBroker(t)
	p := open(t, tpm.Options{TCTI: broker.TCTI()})
	k := providertest.Generate(t, p, ecc(256))
	sign(t, p, k)
	for range 3 {
		broker.Stop()
		_, err := p.SignHash(t.Context(), k, k.Attributes.Alg, make([]byte, 32))
		if wire.StatusOf(err) != wire.StatusHardwareFailure || !strings.Contains(err.Error(), "no access broker has the name com.intel.tss2.Tabrmd on the session bus") {
			t.Fatalf("without the broker: %v", err)
		}
		broker.Start()
		sign(t, p, k)
	}
}

// TestBrokerIsShared: another program that fills the TPM with its own objects through the
// broker is in nobody's way.
func TestBrokerIsShared(t *testing.T) {
	broker := tpmtest.StartBroker(t)
	first := open(t, tpm.Options{TCTI: broker.TCTI()})
	// Providers of one process share the connection to one TCTI, so the same bus is the
	// system's as well.
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", broker.Bus.Address)
	other := broker.TCTI()
	other.BusType = "system"
	second := open(t, tpm.Options{TCTI: other})
	var callers sync.WaitGroup
	for _, p := range []*tpm.Provider{first, second} {
		var keys []providers.Key
		for range 5 {
			keys = append(keys, providertest.Generate(t, p, ecc(256)))
		}
		callers.Go(func() {
			for range 5 {
				for _, k := range keys {
					providertest.Exercise(t, p, k)
				}
			}
		})
	}
	callers.Wait()
}

func TestBrokerAbsent(t *testing.T) {
	b := tpmtest.StartBus(t)
	way := tpm.TCTI{Kind: "tabrmd", BusName: "com.intel.tss2.Tabrmd", BusType: "session"}
	refused := func(want string) {
		t.Helper()
		_, err := tpm.Open(t.Context(), tpm.Options{TCTI: way, Root: &tpmtest.Memory{}})
		if !errors.Is(err, tpm.ErrAbsent) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), way.String()) {
			t.Errorf("%v", err)
		}
	}
	refused("start tpm2-abrmd, or use the kernel's resource manager")
	way.BusName = "org.freedesktop.DBus"
	refused("gives no connection: org.freedesktop.DBus.Error.")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", b.Address+"x")
	refused("see whether the session bus runs")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "tcp:host=127.0.0.1,port=1")
	refused("names no Unix socket")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	refused("there is no session bus")
	way.BusType = "system"
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", b.Address+"x")
	refused("see whether the system bus runs")
}
