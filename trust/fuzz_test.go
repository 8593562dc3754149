package trust

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// allObjects returns an empty object of every type that has a codec of its own.
func allObjects() []object {
	all := []object{
		&FileManifest{}, &FolderManifest{}, &UserManifest{}, &RealmKeysBundle{}, &RealmKeysBundleAccess{},
		&InviteUserData{}, &InviteUserConfirmation{}, &InviteDeviceData{}, &InviteDeviceConfirmation{},
		&InviteShamirRecoveryData{}, &InviteShamirRecoveryConfirmation{}, &ShamirRecoveryShareData{}, &ShamirRecoverySecret{},
		&CryptpadSessionKey{}, &LocalDevice{}, &LocalFileManifest{}, &LocalFolderManifest{}, &LocalUserManifest{},
		&AccountVaultKeyAccess{}, &AccountVaultItemOpaqueKey{}, &AccountVaultItemOpaqueKeyData{}, &AccountVaultItemRegistrationDevice{},
		&AsyncEnrollmentSubmitPayload{}, &AsyncEnrollmentAcceptPayload{}, &AsyncEnrollmentLocalPending{},
		&AsyncEnrollmentLocalPendingContent{}, &PasswordAlgorithm{}, &UntrustedPasswordAlgorithm{},
		&SequesterServiceCertificate{}, &SequesterRevokedServiceCertificate{},
		&PasswordFile{}, &KeyringFile{}, &RecoveryFile{}, &PKIFile{}, &AccountVaultFile{}, &OpenBaoFile{},
	}
	for _, kind := range slices.Sorted(maps.Keys(certificateTypes)) {
		all = append(all, newCertificate(kind))
	}
	return all
}

// plaintexts are those of all vectors that have one.
func plaintexts(t testing.TB) [][]byte {
	t.Helper()
	run := runners()
	all := [][]byte{}
	for _, v := range vectors(t) {
		if v.Error != "" || notBuilt[v.Op] != "" || v.Op == "argon2id" {
			continue
		}
		got, err := run[v.Op](&v)
		if err != nil {
			t.Fatal(v.ID, err)
		}
		switch got := got.(type) {
		case plaintext:
			all = append(all, got.read)
		case file:
			all = append(all, v.In.bytes("payload"))
		}
	}
	if len(all) < 60 {
		t.Fatalf("only %d plaintexts", len(all))
	}
	return all
}

// FuzzObjects reads a value as every type. What is read is written, read again, and written the same.
func FuzzObjects(f *testing.F) {
	for _, seed := range plaintexts(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		again := allObjects()
		for i, o := range allObjects() {
			if unpackRaw(b, o.decode) != nil {
				continue
			}
			_ = check(o)
			written, err := packRaw(o.encode)
			if err != nil {
				t.Fatalf("%s cannot be written: %v", o.Type(), err)
			}
			if err := unpackRaw(written, again[i].decode); err != nil {
				t.Fatalf("%s cannot be read again: %v", o.Type(), err)
			}
			twice, err := packRaw(again[i].encode)
			if err != nil || !bytes.Equal(twice, written) {
				t.Fatalf("%s is written in two ways: %v\n%x\n%x", o.Type(), err, written, twice)
			}
		}
	})
}

// FuzzCertificate gives signed bytes to everything that reads them before and after verification.
func FuzzCertificate(f *testing.F) {
	for _, v := range vectors(f) {
		if v.Op == "verify_load" && len(v.In.bytes("payload")) > SignatureSize {
			f.Add(v.In.bytes("payload")[SignatureSize:])
		}
	}
	key := GenerateSigningKey()
	author := Author{Key: must(key.VerifyKey())}
	f.Fuzz(func(t *testing.T, message []byte) {
		signed := must(key.Sign(message))
		claim, lookErr := Look(signed)
		author.Device = claim.Author
		c, err := VerifyCertificate(signed, author)
		if err == nil && (lookErr != nil || claim.Type != c.Type() || claim.Timestamp != c.SignedAt()) {
			t.Errorf("the look says %v, %v of %s", claim, lookErr, c.Type())
		}
	})
}

// FuzzDeviceFile reads device files.
func FuzzDeviceFile(f *testing.F) {
	for _, v := range vectors(f) {
		if v.Op == "device_file" {
			f.Add(v.In.bytes("payload"))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := LoadDeviceFile(b)
		if err != nil {
			return
		}
		written, err := DumpDeviceFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := LoadDeviceFile(written); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzFormat reads version byte and compressed content.
func FuzzFormat(f *testing.F) {
	for _, v := range vectors(f) {
		if v.Op == "load" {
			f.Add(v.In.bytes("payload"))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = unpackCertificate(b, func(r *mpack.Reader) { r.Skip() })
	})
}

// FuzzAddress: an address that is read is written in a form that is read as the same.
func FuzzAddress(f *testing.F) {
	for _, v := range vectors(f) {
		if v.Op == "url_parse" {
			f.Add(v.In.text("url"))
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := ParseServerAddress(s); err == nil {
			if again, err := ParseServerAddress(a.String()); err != nil || again != a {
				t.Errorf("%q is written as %q: %v", s, a, err)
			}
			if again, err := ParseServerURL(a.HTTP()); err != nil || again != a {
				t.Errorf("%q is written as %q: %v", s, a.HTTP(), err)
			}
		}
		if a, err := ParseOrganizationAddress(s); err == nil {
			if again, err := ParseOrganizationAddress(a.String()); err != nil || again != a {
				t.Errorf("%q is written as %q: %v", s, a, err)
			}
		}
		if a, err := ParseAction(s); err == nil {
			url := must(a.URL())
			again, err := ParseAction(url)
			if err != nil || must(again.URL()) != url {
				t.Errorf("%q is written as %q: %v", s, url, err)
			}
		}
	})
}

// FuzzTexts: what a constructor accepts it accepts again, unchanged.
func FuzzTexts(f *testing.F) {
	for _, v := range vectors(f) {
		if v.Op == "id_parse" {
			f.Add(v.In.text("text"))
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, kind := range []string{"organization_id", "device_label", "email", "entry_name"} {
			got, err := parseIdentifier(kind, s)
			if err != nil {
				continue
			}
			if again, err := parseIdentifier(kind, fmt.Sprint(got)); err != nil || again != got {
				t.Errorf("%s %q becomes %v, %v", kind, s, again, err)
			}
		}
		if p, err := ParsePath(s); err == nil {
			if again, err := ParsePath(p.String()); err != nil || again.String() != p.String() {
				t.Errorf("path %q becomes %v, %v", s, again, err)
			}
		}
		if d, err := ParseDateTime(s); err == nil {
			if again, err := ParseDateTime(d.String()); err != nil || again != d {
				t.Errorf("time %q becomes %v, %v", s, again, err)
			}
		}
	})
}

// TestBombs: what decompresses to more than the limit is refused, and costs not more than a little above it.
func TestBombs(t *testing.T) {
	e := must(zstd.NewWriter(nil))
	for name, c := range map[string]struct {
		size   int
		unpack func([]byte, func(*mpack.Reader)) error
		limit  int
	}{
		"certificate": {MaxCertificateSize + 1, unpackCertificate, maxCertificateWindow},
		"object":      {MaxSize + 1, unpack, MaxSize},
		"clear": {MaxCertificateSize + 1, func(b []byte, _ func(*mpack.Reader)) error {
			return Load(b, &AsyncEnrollmentSubmitPayload{})
		}, maxCertificateWindow},
	} {
		bomb := append([]byte{format0}, e.EncodeAll(make([]byte, c.size), nil)...)
		var err error
		used := allocated(func() { err = c.unpack(bomb, func(r *mpack.Reader) { r.Skip() }) })
		if !errors.Is(err, ErrCompression) {
			t.Errorf("%s of %d bytes in %d: %v", name, c.size, len(bomb), err)
		}
		if used > 2*c.limit {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
	}
}

// TestMemoryOfADecode: the largest folder that there can be takes memory in proportion to its bytes.
func TestMemoryOfADecode(t *testing.T) {
	const entries = 200_000
	w := &mpack.Writer{}
	m := &FolderManifest{Children: make(map[EntryName]VlobID, entries)}
	for i := range entries {
		m.Children[EntryName{text{string(rune('a'+i%26)) + DateTime{int64(i)}.String()[11:]}}] = VlobID{byte(i), byte(i >> 8), byte(i >> 16)}
	}
	m.encode(w)
	plain, err := w.Result()
	if err != nil {
		t.Fatal(err)
	}
	used := allocated(func() { err = unpackRaw(plain, (&FolderManifest{}).decode) })
	if most := 12 * len(plain); err != nil || used > most {
		t.Errorf("%d bytes for %d, %v", used, len(plain), err)
	}
	for name, hostile := range map[string][]byte{
		"children": append([]byte("\x82\xa4type\xaffolder_manifest\xa8children\xdf\x00\x20\x00\x00"), make([]byte, 1<<22)...),
		"blocks":   append([]byte("\x82\xa4type\xadfile_manifest\xa6blocks\xdd\x00\x3f\xff\xff"), make([]byte, 1<<22)...),
	} {
		used := allocated(func() {
			for _, o := range []object{&FileManifest{}, &FolderManifest{}} {
				if unpackRaw(hostile, o.decode) == nil {
					t.Errorf("%s are accepted", name)
				}
			}
		})
		if used > 1<<20 {
			t.Errorf("%s that are only announced take %d bytes", name, used)
		}
	}
}
