package trust

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestSealOpen: whatever one side makes the other reads, and nothing that was changed.
func TestSealOpen(t *testing.T) {
	key, private, signing := GenerateSecretKey(), GeneratePrivateKey(), GenerateSigningKey()
	public, verify := must(private.Public()), must(signing.VerifyKey())
	service := must(ParseSequesterPrivateKey(vectorKey(t)))
	serviceKey := SequesterEncryptionKey{rsaPublic{key: &service.key().PublicKey}}
	authority, authorityKey := SequesterSigningKey(service), SequesterVerifyKey(serviceKey)
	for name, box := range map[string]struct {
		seal, open func([]byte) ([]byte, error)
		overhead   int
	}{
		"SecretKey":       {key.Encrypt, key.Decrypt, SecretKeyOverhead},
		"sealed box":      {public.Seal, private.Open, SealedBoxOverhead},
		"signature":       {signing.Sign, verify.Verify, SignatureSize},
		"sequester":       {serviceKey.Encrypt, service.Decrypt, len(sequesterEncryption) + 1 + 128 + SecretKeyOverhead},
		"sequester signs": {authority.Sign, authorityKey.Verify, len(sequesterSignature) + 1 + 128},
	} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			plain := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "plain")
			sealed, err := box.seal(plain)
			if err != nil || len(sealed) != len(plain)+box.overhead {
				t.Fatalf("%d bytes, %v", len(sealed), err)
			}
			if got, err := box.open(sealed); err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("%x, %v", got, err)
			}
			at := rapid.IntRange(0, len(sealed)-1).Draw(t, "at")
			bad := slices.Clone(sealed)
			bad[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			if got, err := box.open(bad); err == nil {
				t.Fatalf("changed at %d it opens as %x", at, got)
			}
			if got, err := box.open(sealed[:at]); err == nil {
				t.Fatalf("cut at %d it opens as %x", at, got)
			}
		}))
	}
}

// TestSmallOrderBox: everybody can compute with an ephemeral key of small order.
func TestSmallOrderBox(t *testing.T) {
	private := GeneratePrivateKey()
	if _, err := private.Open(make([]byte, SealedBoxOverhead+9)); !errors.Is(err, ErrDecryption) {
		t.Errorf("ephemeral key 0: %v", err)
	}
	if _, err := (PublicKey{1}).Seal(nil); !errors.Is(err, ErrWeakKey) {
		t.Errorf("sealing for key 1: %v", err)
	}
	if _, err := private.GreeterSharedSecret(PublicKey{1}); !errors.Is(err, ErrWeakKey) {
		t.Errorf("claimer's key 1: %v", err)
	}
}

func TestPassphrase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := must(NewSecretKey(rapid.SliceOfN(rapid.Byte(), KeySize, KeySize).Draw(t, "key")))
		text := must(key.Passphrase())
		if got, err := SecretKeyFromPassphrase(bytes.ToLower(text)); err != nil || !got.Equal(key) {
			t.Fatalf("%s: %v", text, err)
		}
	})
	if _, err := SecretKeyFromPassphrase(make([]byte, maxPassphrase+1)); !errors.Is(err, ErrKeySize) {
		t.Errorf("a long passphrase: %v", err)
	}
}

func TestPasswordBounds(t *testing.T) {
	for name, a := range map[string]PasswordAlgorithm{
		"no memory":         {MemoryKiB: 7, Iterations: 1, Parallelism: 1},
		"too little":        {MemoryKiB: 15, Iterations: 1, Parallelism: 2},
		"too much memory":   {MemoryKiB: MaxMemoryKiB + 1, Iterations: 1, Parallelism: 1},
		"no iteration":      {MemoryKiB: 8, Parallelism: 1},
		"too often":         {MemoryKiB: 8, Iterations: MaxIterations + 1, Parallelism: 1},
		"no lane":           {MemoryKiB: 8, Iterations: 1},
		"too many lanes":    {MemoryKiB: 1 << 19, Iterations: 1, Parallelism: MaxParallelism + 1},
		"too much work":     {MemoryKiB: MaxMemoryKiB, Iterations: 9, Parallelism: 1},
		"lanes of 2^32-ish": {MemoryKiB: 8, Iterations: 1, Parallelism: 1 << 29},
	} {
		if _, err := a.SecretKey([]byte("password")); !errors.Is(err, ErrCost) {
			t.Errorf("%s: %v", name, err)
		}
	}
	email := must(NewEmailAddress("alice@example.com"))
	strong := UntrustedPasswordAlgorithm{DefaultMemoryKiB, DefaultIterations, DefaultParallelism}
	if _, err := strong.Trust(email); err != nil {
		t.Error(err)
	}
	for _, weak := range []UntrustedPasswordAlgorithm{
		{DefaultMemoryKiB - 1, DefaultIterations, DefaultParallelism},
		{DefaultMemoryKiB, DefaultIterations - 1, DefaultParallelism},
		{DefaultMemoryKiB, DefaultIterations, 0},
		{MaxMemoryKiB, MaxIterations, 1},
	} {
		if _, err := weak.Trust(email); !errors.Is(err, ErrCost) {
			t.Errorf("%v: %v", weak, err)
		}
	}
}

func TestCandidates(t *testing.T) {
	code := must(ParseSASCode("AU2D"))
	seen := map[int]bool{}
	for range 200 {
		all := must(code.Candidates(4))
		at := slices.Index(all, code)
		if slices.Sort(all); len(all) != 4 || at < 0 || len(slices.Compact(all)) != 4 {
			t.Fatalf("%v", all)
		}
		seen[at] = true
	}
	if len(seen) != 4 {
		t.Errorf("the right code stands at %v only", seen)
	}
	if all, err := code.Candidates(0); err != nil || all != nil {
		t.Errorf("%v, %v", all, err)
	}
	if all, err := code.Candidates(1); err != nil || len(all) != 1 || !all[0].Equal(code) {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := code.Candidates(maxCandidates + 1); err == nil {
		t.Error("too many candidates are given")
	}
}

func TestGeneratedCodes(t *testing.T) {
	for range 100 {
		code := GenerateValidationCode()
		if parsed, err := ParseValidationCode(string(code)); err != nil || !parsed.Equal(code) {
			t.Fatalf("%s: %v", code, err)
		}
		token := GenerateAccessToken()
		if parsed, err := ParseAccessToken(must(token.Hex())); err != nil || !parsed.Equal(token) {
			t.Fatal(err)
		}
	}
}

func TestTOTPWindow(t *testing.T) {
	s := GenerateTOTPSecret()
	now := time.Unix(1_700_000_010, 0)
	for offset, want := range map[time.Duration]bool{
		0: true, -30 * time.Second: true, 30 * time.Second: true, -90 * time.Second: false, 90 * time.Second: false,
	} {
		code := must(s.Code(now.Add(offset)))
		if got, err := s.Verify(code, now); err != nil || got != want {
			t.Errorf("%v from now: %v, %v", offset, got, err)
		}
	}
	if ok, _ := s.Verify("", now); ok {
		t.Error("no code is accepted")
	}
}
