package tpm_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

const (
	signing  = psa.UsageSignHash | psa.UsageVerifyHash | psa.UsageSignMessage | psa.UsageVerifyMessage
	crypting = psa.UsageEncrypt | psa.UsageDecrypt
)

func ecc(bits uint64) psa.Attributes {
	return psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: bits, Usage: signing,
		Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
	}
}

func oaep() psa.Attributes {
	return psa.Attributes{Type: psa.KeyRSAPair, Bits: 2048, Usage: crypting, Alg: psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256}}
}

func sign(t *testing.T, p *tpm.Provider, k providers.Key) {
	t.Helper()
	hash := sha256.Sum256([]byte("message"))
	signature, err := p.SignHash(t.Context(), k, k.Attributes.Alg, hash[:])
	if err == nil {
		err = p.VerifyHash(t.Context(), k, k.Attributes.Alg, hash[:], signature)
	}
	if err != nil {
		t.Errorf("sign and verify: %v", err)
	}
}

// TestManyKeys uses more keys than a TPM has room for, from several callers.
func TestManyKeys(t *testing.T) {
	p := open(t, tpm.Options{TCTI: tpmtest.Start(t).TCTI()})
	var keys []providers.Key
	for range 8 {
		keys = append(keys, providertest.Generate(t, p, ecc(256)))
	}
	keys = append(keys, providertest.Generate(t, p, oaep()))
	var callers sync.WaitGroup
	for n := range 4 {
		callers.Go(func() {
			for i := range 40 {
				providertest.Exercise(t, p, keys[(i*(n+1))%len(keys)])
			}
		})
	}
	callers.Wait()
}

// TestZeroBytes: authorisation values with zero bytes anywhere work. One in eight of the
// original's random values has one inside, one in 256 has one at its end.
func TestZeroBytes(t *testing.T) {
	p := open(t, tpm.Options{TCTI: tpmtest.Start(t).TCTI()})
	seen := 0
	for seen < 3 {
		k := providertest.Generate(t, p, ecc(256))
		auth := k.ID[24+8 : 24+8+32]
		if bytes.IndexByte(auth, 0) >= 0 {
			seen++
			sign(t, p, k)
		}
	}
}

func TestImportedPairs(t *testing.T) {
	root := &tpmtest.Memory{}
	v := tpmtest.Start(t)
	p := open(t, tpm.Options{TCTI: v.TCTI(), Root: root})
	var keys []providers.Key
	for bits, curve := range map[uint64]elliptic.Curve{224: elliptic.P224(), 256: elliptic.P256(), 384: elliptic.P384(), 521: elliptic.P521()} {
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		data, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		attrs := ecc(bits)
		id, err := p.ImportKey(t.Context(), attrs, data)
		if err != nil {
			t.Errorf("P-%d: %v", bits, err)
			continue
		}
		want, _ := k.PublicKey.Bytes()
		if got, err := p.ExportPublicKey(t.Context(), providers.Key{ID: id, Attributes: attrs}); err != nil || !bytes.Equal(got, want) {
			t.Errorf("P-%d: public half %x, %v", bits, got, err)
		}
		attrs.Bits = 0
		if n := p.Measure(attrs, data); n != bits {
			t.Errorf("P-%d measures %d", bits, n)
		}
		attrs.Bits = bits
		keys = append(keys, providers.Key{ID: id, Attributes: attrs})
		if _, err := p.ImportKey(t.Context(), attrs, make([]byte, len(data))); wire.StatusOf(err) != wire.StatusInvalidArgument {
			t.Errorf("P-%d, private key 0: %v", bits, err)
		}
	}
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	id, err := p.ImportKey(t.Context(), oaep(), x509.MarshalPKCS1PrivateKey(k))
	if err != nil {
		t.Fatal(err)
	}
	keys = append(keys, providers.Key{ID: id, Attributes: oaep()})
	wrong := oaep()
	wrong.Bits = 1024
	if _, err := p.ImportKey(t.Context(), wrong, x509.MarshalPKCS1PrivateKey(k)); wire.StatusOf(err) != wire.StatusInvalidArgument {
		t.Errorf("another size: %v", err)
	}
	for range 2 {
		for _, key := range keys {
			providertest.Exercise(t, p, key)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		p = open(t, tpm.Options{TCTI: v.TCTI(), Root: root})
	}
}

func TestHMAC(t *testing.T) {
	p := open(t, tpm.Options{TCTI: tpmtest.Start(t).TCTI()})
	attrs := psa.Attributes{
		Type: psa.KeyHMAC, Usage: psa.UsageSignMessage | psa.UsageVerifyMessage, Alg: psa.Algorithm{Kind: psa.AlgHMAC, Hash: psa.HashSHA256},
	}
	secret := []byte("a key of the caller")
	id, err := p.ImportKey(t.Context(), attrs, secret)
	if err != nil {
		t.Fatal(err)
	}
	key := providers.Key{ID: id, Attributes: attrs}
	for _, n := range []int{0, 1, 1023, 1024, 1025, 2048, 5000} {
		input := bytes.Repeat([]byte{'x'}, n)
		h := hmac.New(sha256.New, secret)
		h.Write(input)
		if got, err := p.MACCompute(t.Context(), key, attrs.Alg, input); err != nil || !bytes.Equal(got, h.Sum(nil)) {
			t.Errorf("%d bytes: %x, %v", n, got, err)
		}
	}
	for _, bits := range []uint64{8, 160, 512} {
		attrs.Bits = bits
		providertest.Exercise(t, p, providertest.Generate(t, p, attrs))
	}
	for _, bits := range []uint64{7, 520} {
		attrs.Bits = bits
		if _, err := p.GenerateKey(t.Context(), attrs); wire.StatusOf(err) != wire.StatusNotSupported {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
}

// TestLabels: what the standard library encrypts with any label is decrypted, and no other
// label or content is.
func TestLabels(t *testing.T) {
	p := open(t, tpm.Options{TCTI: tpmtest.Start(t).TCTI()})
	for _, hash := range []psa.Hash{psa.HashSHA1, psa.HashSHA256, psa.HashSHA512, psa.HashSHA3256} {
		attrs := oaep()
		attrs.Alg.Hash = hash
		key := providertest.Generate(t, p, attrs)
		der, err := p.ExportPublicKey(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		public, err := x509.ParsePKCS1PublicKey(der)
		if err != nil {
			t.Fatal(err)
		}
		for _, label := range []string{"", "label", "label\x00", "a\x00b", strings.Repeat("long ", 100)} {
			for _, plain := range []string{"", "plaintext"} {
				c, err := rsa.EncryptOAEP(hash.Std().New(), rand.Reader, public, []byte(plain), []byte(label))
				if err != nil {
					t.Fatal(err)
				}
				if got, err := p.AsymmetricDecrypt(t.Context(), key, attrs.Alg, c, []byte(label)); err != nil || string(got) != plain {
					t.Errorf("%s, label %q: %q, %v", hash, label, got, err)
				}
				if _, err := p.AsymmetricDecrypt(t.Context(), key, attrs.Alg, c, []byte(label+"!")); wire.StatusOf(err) != wire.StatusInvalidPadding {
					t.Errorf("%s, another label: %v", hash, err)
				}
				c[20] ^= 1
				if _, err := p.AsymmetricDecrypt(t.Context(), key, attrs.Alg, c, []byte(label)); wire.StatusOf(err) != wire.StatusInvalidPadding {
					t.Errorf("%s, changed: %v", hash, err)
				}
			}
		}
	}
}

// TestTryAgain: what a TPM asks to send again is sent again, within bounds and while the
// caller waits.
func TestTryAgain(t *testing.T) {
	r := tpmtest.NewRelay(t, tpmtest.Start(t))
	var busy, asked atomic.Int64
	var code atomic.Uint32
	r.Intercept = func(command []byte) ([]byte, error) {
		if tpmtest.Code(command) == 0x15d { // TPM2_Sign
			asked.Add(1)
			if busy.Add(-1) >= 0 {
				return tpmtest.Refusal(code.Load()), nil
			}
		}
		return nil, nil
	}
	p := open(t, tpm.Options{TCTI: r.TCTI()})
	k := providertest.Generate(t, p, ecc(256))
	for _, rc := range []uint32{0x922, 0x908, 0x90a, 0x920} { // RETRY, YIELDED, TESTING, NV_RATE
		code.Store(rc)
		busy.Store(3)
		asked.Store(0)
		sign(t, p, k)
		if asked.Load() != 4 {
			t.Errorf("0x%x: sent %d times", rc, asked.Load())
		}
	}
	busy.Store(1 << 40)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.SignHash(ctx, k, k.Attributes.Alg, make([]byte, 32)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a caller that gave up: %v", err)
	}
	busy.Store(0)
	sign(t, p, k)
	code.Store(0x921) // LOCKOUT
	busy.Store(1)
	asked.Store(0)
	_, err := p.SignHash(t.Context(), k, k.Attributes.Alg, make([]byte, 32))
	if e, ok := errors.AsType[*wire.Error](err); !ok || e.Status != wire.StatusBadState || !strings.Contains(e.Remedy, "tpm2_dictionarylockout") || asked.Load() != 1 {
		t.Errorf("lockout: %v after %d", err, asked.Load())
	}
}

// TestLostAndFound: the way breaks, the TPM is reset, it is gone and comes back. Callers
// wait or get a precise error, and nothing needs a restart.
func TestLostAndFound(t *testing.T) {
	v := tpmtest.Start(t)
	r := tpmtest.NewRelay(t, v)
	var hangUp atomic.Bool
	r.Intercept = func(command []byte) ([]byte, error) {
		if tpmtest.Code(command) == 0x15d && hangUp.CompareAndSwap(true, false) {
			return nil, tpmtest.ErrHangUp
		}
		return nil, nil
	}
	p := open(t, tpm.Options{TCTI: r.TCTI()})
	k := providertest.Generate(t, p, ecc(256))
	for range 3 {
		hangUp.Store(true)
		sign(t, p, k)
	}
	v.Stop()
	v.Start()
	sign(t, p, k)
	v.Stop()
	_, err := p.SignHash(t.Context(), k, k.Attributes.Alg, make([]byte, 32))
	if e, ok := errors.AsType[*wire.Error](err); !ok || e.Status != wire.StatusHardwareFailure || !strings.Contains(e.Reason, r.TCTI().String()) {
		t.Errorf("without TPM: %v", err)
	}
	if _, err := p.ExportPublicKey(t.Context(), k); err != nil {
		t.Errorf("the public half needs no TPM: %v", err)
	}
	v.Start()
	sign(t, p, k)
}

// TestForgedResponse: what is changed between the TPM and the agent is noticed, and the
// authorisation and plaintexts are not to be seen there.
func TestForgedResponse(t *testing.T) {
	v := tpmtest.Start(t)
	r := tpmtest.NewRelay(t, v)
	var spoil atomic.Uint32
	var mu sync.Mutex
	var seen []byte
	r.Spoil = func(command, response []byte) {
		mu.Lock()
		seen = append(append(seen, command...), response...)
		mu.Unlock()
		if tpmtest.Code(command) == spoil.Load() {
			response[30] ^= 1
		}
	}
	p := open(t, tpm.Options{TCTI: r.TCTI()})
	k := providertest.Generate(t, p, ecc(256))
	spoil.Store(0x15d)
	_, err := p.SignHash(t.Context(), k, k.Attributes.Alg, make([]byte, 32))
	if wire.StatusOf(err) != wire.StatusCorruptionDetected {
		t.Errorf("a changed signature: %v", err)
	}
	spoil.Store(0x17b) // TPM2_GetRandom
	if err := p.Random(t.Context(), make([]byte, 32)); wire.StatusOf(err) != wire.StatusCorruptionDetected {
		t.Errorf("changed random bytes: %v", err)
	}
	spoil.Store(0)

	enc := providertest.Generate(t, p, oaep())
	plain := []byte("this must not be seen on the bus")
	c, err := p.AsymmetricEncrypt(t.Context(), enc, enc.Attributes.Alg, plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.AsymmetricDecrypt(t.Context(), enc, enc.Attributes.Alg, c, nil); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%q, %v", got, err)
	}
	random := make([]byte, 32)
	if err := p.Random(t.Context(), random); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for what, secret := range map[string][]byte{"plaintext": plain, "random": random, "authorisation": k.ID[32:64], "authorisation of the other key": enc.ID[32:64]} {
		if bytes.Contains(seen, secret) {
			t.Errorf("the %s was on the bus", what)
		}
	}
}

func TestWrongTPM(t *testing.T) {
	root := &tpmtest.Memory{}
	p := open(t, tpm.Options{TCTI: tpmtest.Start(t).TCTI(), Root: root})
	k := providertest.Generate(t, p, ecc(256))
	other := tpmtest.Start(t).TCTI()
	_, err := tpm.Open(t.Context(), tpm.Options{TCTI: other, Root: root})
	if err == nil || errors.Is(err, tpm.ErrAbsent) || wire.StatusOf(err) != wire.StatusBadState || !strings.Contains(err.Error(), "belong to another TPM, or its owner hierarchy was cleared") {
		t.Errorf("another TPM: %v", err)
	}
	stranger := open(t, tpm.Options{TCTI: other})
	_, err = stranger.SignHash(t.Context(), k, k.Attributes.Alg, make([]byte, 32))
	if wire.StatusOf(err) != wire.StatusDataCorrupt || !strings.Contains(err.Error(), "TPM_RC_INTEGRITY (parameter 1: inPrivate)") {
		t.Errorf("a key of another TPM: %v", err)
	}
	sign(t, p, k)
	if id, err := root.Load(); err != nil || len(id) != 42 || binary.LittleEndian.Uint64(id) != 34 {
		t.Errorf("root key %x, %v", id, err)
	}
}

// secret is an authorisation value in memory.
type secret string

func (s secret) Use(f func([]byte) error) error { return f([]byte(s)) }

func TestWrongOwnerAuth(t *testing.T) {
	v := tpmtest.Start(t)
	_, err := tpm.Open(t.Context(), tpm.Options{TCTI: v.TCTI(), Root: &tpmtest.Memory{}, OwnerAuth: secret("wrong")})
	if err == nil || !strings.Contains(err.Error(), "owner_hierarchy_auth is not the TPM's: TPM2_CreatePrimary: TPM_RC_BAD_AUTH (session 1)") {
		t.Errorf("%v", err)
	}
	p := open(t, tpm.Options{TCTI: v.TCTI(), EndorsementAuth: secret("wrong")})
	k := providertest.Generate(t, p, ecc(256))
	if _, err := p.PrepareKeyAttestation(t.Context(), k); wire.StatusOf(err) != wire.StatusGenericError || !strings.Contains(err.Error(), "endorsement_hierarchy_auth is not") {
		t.Errorf("%v", err)
	}
	sign(t, p, k)
}

func TestAbsent(t *testing.T) {
	dir := t.TempDir()
	for want, way := range map[string]tpm.TCTI{
		"there is no TPM: no such file or directory; see whether the firmware": {Kind: "device", Path: dir + "/tpm0"},
		"see whether swtpm runs":  {Kind: "swtpm", Path: dir + "/socket"},
		"127.0.0.1:1: connect:":   {Kind: "swtpm", Host: "127.0.0.1", Port: 1},
		"platform port: dial tcp": {Kind: "mssim", Host: "127.0.0.1", Port: 1},
	} {
		_, err := tpm.Open(t.Context(), tpm.Options{TCTI: way, Root: &tpmtest.Memory{}})
		if !errors.Is(err, tpm.ErrAbsent) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), way.String()) {
			t.Errorf("%s: %v", way, err)
		}
	}
	if _, err := tpm.Open(t.Context(), tpm.Options{TCTI: tpm.TCTI{Kind: "pigeon"}, Root: &tpmtest.Memory{}}); err == nil || errors.Is(err, tpm.ErrAbsent) {
		t.Errorf("%v", err)
	}
}

// TestWays signs over every way that can be had here.
func TestWays(t *testing.T) {
	for name, way := range map[string]func(t *testing.T) tpm.TCTI{
		"unix":      func(t *testing.T) tpm.TCTI { return tpmtest.Start(t).TCTI() },
		"tcp":       func(t *testing.T) tpm.TCTI { return tpmtest.StartTCP(t).TCTI() },
		"simulator": func(t *testing.T) tpm.TCTI { return tpmtest.NewSimulator(t, tpmtest.Start(t)).TCTI() },
		"broker":    func(t *testing.T) tpm.TCTI { return tpmtest.StartBroker(t).TCTI() },
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, tpm.Options{TCTI: way(t)})
			sign(t, p, providertest.Generate(t, p, ecc(256)))
		})
	}
}

// TestTwoProviders share a TPM that can be opened once, as during a reload.
func TestTwoProviders(t *testing.T) {
	o := tpm.Options{TCTI: tpmtest.Start(t).TCTI(), Root: &tpmtest.Memory{}}
	first := open(t, o)
	k := providertest.Generate(t, first, ecc(256))
	second, err := tpm.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	sign(t, first, k)
	sign(t, second, k)
	bad := o
	bad.OwnerAuth = secret("wrong")
	if _, err := tpm.Open(t.Context(), bad); err == nil {
		t.Error("a wrong authorisation was not noticed")
	}
	sign(t, first, k)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	sign(t, first, k)
}

// TestLeftovers: what a killed agent left in a TPM without resource manager is in nobody's
// way.
func TestLeftovers(t *testing.T) {
	v := tpmtest.Start(t)
	root := &tpmtest.Memory{}
	for range 4 {
		r := tpmtest.NewRelay(t, v)
		var dead atomic.Bool
		r.Intercept = func([]byte) ([]byte, error) {
			if dead.Load() {
				return nil, tpmtest.ErrHangUp
			}
			return nil, nil
		}
		p, err := tpm.Open(t.Context(), tpm.Options{TCTI: r.TCTI(), Root: root})
		if err != nil {
			t.Fatal(err)
		}
		sign(t, p, providertest.Generate(t, p, ecc(256)))
		dead.Store(true)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
}

func TestLongWait(t *testing.T) {
	p := open(t, tpm.Options{TCTI: tpmtest.Start(t).TCTI()})
	k := providertest.Generate(t, p, ecc(256))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the caller left"))
	if _, err := p.SignHash(ctx, k, k.Attributes.Alg, make([]byte, 32)); err == nil || err.Error() != "the caller left" {
		t.Errorf("%v", err)
	}
	sign(t, p, k)
}

func BenchmarkSign(b *testing.B) {
	for _, callers := range []int{1, 8} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			p, k := benchmarked(b)
			hash := make([]byte, 32)
			b.SetParallelism(callers)
			if callers == 1 {
				for b.Loop() {
					if _, err := p.SignHash(b.Context(), k, k.Attributes.Alg, hash); err != nil {
						b.Fatal(err)
					}
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := p.SignHash(b.Context(), k, k.Attributes.Alg, hash); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func benchmarked(b *testing.B) (*tpm.Provider, providers.Key) {
	b.Helper()
	p := open(b, tpm.Options{TCTI: tpmtest.Start(b).TCTI()})
	id, err := p.GenerateKey(b.Context(), ecc(256))
	if err != nil {
		b.Fatal(err)
	}
	return p, providers.Key{ID: id, Attributes: ecc(256)}
}
