package pkcs11_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
)

// mentions fails the test unless err says all of the texts.
func mentions(tb testing.TB, err error, texts ...string) {
	tb.Helper()
	if err == nil {
		tb.Fatal("no error")
	}
	whole := err.Error()
	if e, ok := errors.AsType[*wire.Error](err); ok {
		whole += " | " + e.Remedy
	}
	for _, text := range texts {
		if !strings.Contains(whole, text) {
			tb.Errorf("error %q does not say %q", whole, text)
		}
	}
}

// TestStartUpFailures: each failure has its own message and names what it is about.
func TestStartUpFailures(t *testing.T) {
	h := tokentest.New(t)
	refuse := func(name string, change func(*pkcs11.Options), texts ...string) {
		t.Helper()
		o := options(t)
		change(&o)
		p, err := pkcs11.Open(t.Context(), o)
		if err == nil {
			_ = p.Close()
			t.Errorf("%s: opened", name)
			return
		}
		mentions(t, err, texts...)
	}
	slot := uint64(4711)
	refuse("no library", func(o *pkcs11.Options) { o.Library = "/nowhere/lib.so" }, "/nowhere/lib.so", "cannot be loaded", "No such file", "check library_path")
	refuse("no PKCS#11 library", func(o *pkcs11.Options) { o.Library = "libc.so.6" }, "no function C_GetFunctionList")
	refuse("no helper", func(o *pkcs11.Options) { o.Helper = "/nowhere/helper" }, "cannot start the PKCS#11 helper")
	refuse("not initialised", func(*pkcs11.Options) {}, "no token is initialised", "a token that is not initialised", "--init-token")

	first := h.Token("first")
	refuse("wrong serial", func(o *pkcs11.Options) { o.Token.Serial = "0815" }, `no token with serial number "0815"`, first.Serial, tokentest.Library)
	refuse("wrong slot", func(o *pkcs11.Options) { o.Token.Slot = &slot }, "no initialised token is in slot 4711", first.Serial)
	refuse("wrong URI", func(o *pkcs11.Options) { o.Token.URI = uri(t, "pkcs11:token=other") }, "no token matches the PKCS#11 URI pkcs11:token=other", first.Serial)
	refuse("wrong PIN", func(o *pkcs11.Options) { o.PIN = pin("999999") }, first.Serial, "CKR_PIN_INCORRECT", "correct user_pin")
	refuse("short PIN", func(o *pkcs11.Options) { o.PIN = pin("1") }, first.Serial, "CKR_PIN_")
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	refuse("no credentials", func(o *pkcs11.Options) { o.PIN = pkcs11.PINCredential("pin") }, "gave no credential \"pin\"", "LoadCredential=pin:PATH")
	t.Setenv("CREDENTIALS_DIRECTORY", "/nowhere")
	refuse("no credential", func(o *pkcs11.Options) { o.PIN = pkcs11.PINCredential("pin") }, "/nowhere/pin", "LoadCredential=pin:PATH")
	refuse("PIN file", func(o *pkcs11.Options) { o.PIN = pkcs11.PINFile("/nowhere/pin") }, "cannot read the user PIN", "/nowhere/pin", "check user_pin_file")

	h.Token("second")
	refuse("several tokens", func(*pkcs11.Options) {}, "2 tokens are present and none is chosen", first.Serial, "set serial_number")
}

func uri(tb testing.TB, text string) *pkcs11.URI {
	tb.Helper()
	u, err := pkcs11.ParseURI(text)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

// TestTokenFlags: what the token says of its PIN is believed before a try is used.
func TestTokenFlags(t *testing.T) {
	tokentest.New(t).Token("flags")
	shim := tokentest.NewShim(t)
	for flags, texts := range map[string][]string{
		"0x40000": {"CKR_PIN_LOCKED", "unlock it"},
		"0x20000": {"only one try is left", "does not use the last one"},
	} {
		shim.Set("C_GetTokenInfo flags " + flags)
		o := options(t)
		o.Library = shim.Library
		_, err := pkcs11.Open(t.Context(), o)
		mentions(t, err, texts...)
		providertest.Status(t, "open", err, wire.StatusBadState)
	}
	if n := shim.Count("C_Login"); n != 0 {
		t.Errorf("C_Login was called %d times", n)
	}
}

// TestWrongPINIsSentOnce: a refused PIN is never sent again, not after a restart either; the
// right one is then accepted.
func TestWrongPINIsSentOnce(t *testing.T) {
	tokentest.New(t).Token("pin")
	shim := tokentest.NewShim(t)
	o := options(t)
	o.Library, o.PIN = shim.Library, pin("000000")
	for range 3 {
		_, err := pkcs11.Open(t.Context(), o)
		mentions(t, err, "CKR_PIN_INCORRECT")
		providertest.Status(t, "open", err, wire.StatusBadState)
	}
	if n := shim.Count("C_Login"); n != 1 {
		t.Errorf("the wrong PIN was sent %d times", n)
	}
	records, err := filepath.Glob(filepath.Join(o.StateDir, "*"))
	if err != nil || len(records) != 1 {
		t.Fatalf("records %q, %v", records, err)
	}
	b, err := os.ReadFile(records[0])
	if err != nil || strings.Contains(string(b), "000000") {
		t.Errorf("record %s, %v", b, err)
	}
	o.PIN = pin(tokentest.PIN)
	p, err := pkcs11.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	providertest.Generate(t, p, p256)
	if err := p.Close(); err != nil { // or the next one would share its login
		t.Fatal(err)
	}
	if err := os.WriteFile(records[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = pkcs11.Open(t.Context(), o)
	mentions(t, err, "is damaged", records[0])
}

// TestLoginThatCrashes: a PIN whose outcome nobody learned is not sent for ever.
func TestLoginThatCrashes(t *testing.T) {
	tokentest.New(t).Token("crash")
	shim := tokentest.NewShim(t)
	shim.Set("C_Login crash")
	o := options(t)
	o.Library = shim.Library
	for range 8 {
		if _, err := pkcs11.Open(t.Context(), o); err == nil {
			t.Fatal("opened")
		}
	}
	_, err := pkcs11.Open(t.Context(), o)
	mentions(t, err, "without learning whether it is right")
	if n := shim.Count("C_Login"); n != 5 {
		t.Errorf("C_Login was called %d times, want 5", n)
	}
}

// helperPID returns the helper's process id.
func helperPID(t *testing.T, l *providertest.Logs) int {
	t.Helper()
	text := l.String()
	_, text, ok := strings.Cut(text[strings.LastIndex(text, "pkcs11_library_loaded"):], "pid=")
	pid, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(text, "\n", 2)[0]))
	if !ok || err != nil {
		t.Fatalf("no helper in the log: %v\n%s", err, l)
	}
	return pid
}

// TestHelperCrash: a helper that is killed is started again, and logged in again.
func TestHelperCrash(t *testing.T) {
	tokentest.New(t).Token("crash")
	l := &providertest.Logs{}
	o := options(t)
	o.Logger = l.Logger()
	p := open(t, o)
	key := providertest.Generate(t, p, p256)
	for _, signal := range []syscall.Signal{syscall.SIGSEGV, syscall.SIGKILL} {
		pid := helperPID(t, l)
		if err := syscall.Kill(pid, signal); err != nil {
			t.Fatal(err)
		}
		if err := sign(t, p, key); err != nil { // of the dying helper, or of the next
			t.Errorf("after %v: %v", signal, err)
		}
		eventually(t, func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
		if err := sign(t, p, key); err != nil {
			t.Errorf("after the end by %v: %v", signal, err)
		}
	}
	if !strings.Contains(l.String(), "SIGSEGV") {
		t.Errorf("the log does not name the signal:\n%s", l)
	}
}

// TestLibraryCrash: an operation that crashes the library fails with what happened, and
// service goes on.
func TestLibraryCrash(t *testing.T) {
	tokentest.New(t).Token("crash")
	shim := tokentest.NewShim(t)
	o := options(t)
	o.Library = shim.Library
	p := open(t, o)
	key := providertest.Generate(t, p, p256)
	shim.Set("C_Sign crash")
	err := sign(t, p, key)
	providertest.Status(t, "sign", err, wire.StatusHardwareFailure)
	mentions(t, err, "exit status", "SIGSEGV")
	shim.Set("C_GenerateKeyPair crash")
	before := shim.Count("C_GenerateKeyPair")
	eventually(t, func() bool {
		_, err = p.GenerateKey(t.Context(), p256)
		return shim.Count("C_GenerateKeyPair") > before
	})
	providertest.Status(t, "generate", err, wire.StatusHardwareFailure)
	if n := shim.Count("C_GenerateKeyPair") - before; n != 1 {
		t.Errorf("the generation was tried %d times, which may have made %d keys", n, n)
	}
	shim.Set()
	eventually(t, func() bool { return sign(t, p, key) == nil })
}

// eventually repeats what the provider may refuse while it leaves a failing helper alone.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal("it did not recover in 15 s")
		}
		time.Sleep(20 * time.Millisecond) // between tries, not for luck
	}
}

// TestLibraryHang: a library that hangs is killed after its time, blocks nobody else, and a
// caller that gives up waits no longer.
func TestLibraryHang(t *testing.T) {
	h := tokentest.New(t)
	one, two := h.Token("one"), h.Token("two")
	shim := tokentest.NewShim(t)
	o := options(t)
	o.Library, o.CallLimit = shim.Library, 2*time.Second
	o.Token.Serial = one.Serial
	hangs := open(t, o)
	other := options(t)
	other.Token.Serial = two.Serial
	works := open(t, other)
	key, otherKey := providertest.Generate(t, hangs, p256), providertest.Generate(t, works, p256)

	shim.Set("C_Sign hang")
	var waiting sync.WaitGroup
	waiting.Go(func() {
		err := sign(t, hangs, key)
		providertest.Status(t, "sign", err, wire.StatusHardwareFailure)
		mentions(t, err, "did not finish to sign within 2s")
	})
	impatient, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := hangs.SignHash(impatient, key, p256.Alg, make([]byte, 32))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
		t.Errorf("a caller that gave up: %v after %v", err, time.Since(start))
	}
	if err := sign(t, works, otherKey); err != nil {
		t.Errorf("the other token: %v", err)
	}
	waiting.Wait()
	shim.Set()
	eventually(t, func() bool { return sign(t, hangs, key) == nil })
}

// TestSessionLoss: sessions that end, a login that is gone and a token that comes back are
// ordinary events; a token that is away gives a precise error.
func TestSessionLoss(t *testing.T) {
	tokentest.New(t).Token("loss")
	shim := tokentest.NewShim(t)
	o := options(t)
	o.Library = shim.Library
	p := open(t, o)
	key := providertest.Generate(t, p, p256)

	absent := []string{
		"C_GetTokenInfo fail 0xe0", "C_OpenSession fail 0xe0", "C_SignInit fail 0x32", "C_Sign fail 0x32", "C_FindObjectsInit fail 0x32",
	}
	for range 3 {
		shim.Set(absent...)
		err := sign(t, p, key)
		providertest.Status(t, "sign without the token", err, wire.StatusHardwareFailure)
		mentions(t, err, "no token is present", "insert the token")
		shim.Set()
		if err := sign(t, p, key); err != nil {
			t.Errorf("after the token came back: %v", err)
		}
	}
	logins := shim.Count("C_Login")
	for _, rv := range []string{"0xb3", "0xb0", "0x101"} {
		shim.Set("C_SignInit fail " + rv)
		if err := sign(t, p, key); err == nil {
			t.Errorf("%s: signed", rv)
		}
		shim.Set()
		if err := sign(t, p, key); err != nil {
			t.Errorf("after %s: %v", rv, err)
		}
	}
	if n := shim.Count("C_Login") - logins; n > 6 {
		t.Errorf("%d logins for three losses", n)
	}
}

// TestStuckOperation: a library that keeps an operation after it failed does not spoil the
// next one, also where there is one session only.
func TestStuckOperation(t *testing.T) {
	tokentest.New(t).Token("stuck")
	shim := tokentest.NewShim(t)
	o := options(t)
	o.Library, o.Sessions = shim.Library, 1
	p := open(t, o)
	key := providertest.Generate(t, p, p256)
	logins := shim.Count("C_Login")
	for range 3 {
		shim.Set("C_Sign fail 0x5") // SoftHSM2 does not learn of it
		providertest.Status(t, "sign", sign(t, p, key), wire.StatusCommunicationFailure)
		shim.Set()
		if err := sign(t, p, key); err != nil {
			t.Errorf("the next signature: %v", err)
		}
	}
	if n := shim.Count("C_Login") - logins; n != 0 {
		t.Errorf("%d logins more", n)
	}
}

// TestErrorsNameEverything: an error names token, slot, library, function, result.
func TestErrorsNameEverything(t *testing.T) {
	token := tokentest.New(t).Token("errors")
	shim := tokentest.NewShim(t)
	o := options(t)
	o.Library = shim.Library
	p := open(t, o)
	key := providertest.Generate(t, p, p256)
	shim.Set("C_Sign fail 0x30")
	err := sign(t, p, key)
	providertest.Status(t, "sign", err, wire.StatusHardwareFailure)
	mentions(t, err, `token "errors"`, token.Serial, strconv.FormatUint(token.Slot, 10), shim.Library, "sign with CKM_ECDSA", "C_Sign answered CKR_DEVICE_ERROR")
}

// TestNoCgo: a helper without cgo says what it lacks.
func TestNoCgo(t *testing.T) {
	tokentest.New(t).Token("nocgo")
	path := filepath.Join(t.TempDir(), "helper")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./parsec-pkcs11-helper")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	o := options(t)
	o.Helper = path
	_, err := pkcs11.Open(t.Context(), o)
	mentions(t, err, "built without cgo", "CGO_ENABLED=1")
}
