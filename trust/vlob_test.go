package trust

import (
	"errors"
	"math"
	"testing"
)

// TestBindings: a manifest that was announced as another one is refused, and says what differs.
func TestBindings(t *testing.T) {
	signing, key := GenerateSigningKey(), GenerateSecretKey()
	device, realm := NewDeviceID(), NewRealmID()
	m := &FolderManifest{Author: device, Timestamp: DateTime{1}, ID: NewVlobID(), Parent: RootOf(realm), Version: 3}
	sealed := must(SealChildManifest(m, signing, key))
	good := Announced{
		Author: Author{Device: &device, Key: must(signing.VerifyKey())}, Timestamp: m.Timestamp, ID: m.ID, Version: m.Version,
	}
	if _, err := OpenChildManifest(sealed, key, good); err != nil {
		t.Fatal(err)
	}
	other := NewDeviceID()
	for field, change := range map[string]func(*Announced){
		"author":    func(a *Announced) { a.Author.Device = &other },
		"timestamp": func(a *Announced) { a.Timestamp = DateTime{2} },
		"id":        func(a *Announced) { a.ID = NewVlobID() },
		"version":   func(a *Announced) { a.Version = 4 },
	} {
		announced := good
		change(&announced)
		unexpected := &UnexpectedError{}
		if _, err := OpenChildManifest(sealed, key, announced); !errors.As(err, &unexpected) || unexpected.Field != field {
			t.Errorf("another %s: %v", field, err)
		}
	}
	stranger := good
	stranger.Author.Key = must(GenerateSigningKey().VerifyKey())
	if _, err := OpenChildManifest(sealed, key, stranger); !errors.Is(err, ErrSignature) {
		t.Errorf("another key: %v", err)
	}
	if _, err := OpenUserManifest(sealed, key, good); !errors.Is(err, ErrContent) {
		t.Errorf("a folder as user manifest: %v", err)
	}
	if _, err := OpenWorkspaceManifest(sealed, key, realm, good); !errors.Is(err, ErrIntegrity) {
		t.Errorf("a folder as root: %v", err)
	}
}

func TestManifestRefusals(t *testing.T) {
	signing, key, realm := GenerateSigningKey(), GenerateSecretKey(), NewRealmID()
	id := NewVlobID()
	root := &FolderManifest{ID: RootOf(realm), Parent: RootOf(realm), Version: 1}
	if _, err := SealWorkspaceManifest(root, realm, signing, key); err != nil {
		t.Error(err)
	}
	for name, seal := range map[string]func() ([]byte, error){
		"root as child":   func() ([]byte, error) { return SealChildManifest(root, signing, key) },
		"root of another": func() ([]byte, error) { return SealWorkspaceManifest(root, NewRealmID(), signing, key) },
		"version 0":       func() ([]byte, error) { return SealUserManifest(&UserManifest{}, signing, key) },
		"file in itself": func() ([]byte, error) {
			return SealChildManifest(&FileManifest{ID: id, Parent: id, Version: 1, Blocksize: 8}, signing, key)
		},
		"block size":  func() ([]byte, error) { return SealChildManifest(file8(7, 1), signing, key) },
		"empty block": func() ([]byte, error) { return SealChildManifest(file8(8, 9, BlockAccess{}), signing, key) },
		"block overflow": func() ([]byte, error) {
			return SealChildManifest(file8(8, math.MaxUint64, BlockAccess{Offset: math.MaxUint64, Size: 2}), signing, key)
		},
		"overlap": func() ([]byte, error) {
			return SealChildManifest(file8(8, 64, BlockAccess{Offset: 8, Size: 8}, BlockAccess{Offset: 0, Size: 8}), signing, key)
		},
		"span shared": func() ([]byte, error) {
			return SealChildManifest(file8(8, 64, BlockAccess{Size: 2}, BlockAccess{Offset: 4, Size: 2}), signing, key)
		},
		"span crossed": func() ([]byte, error) {
			return SealChildManifest(file8(8, 64, BlockAccess{Offset: 4, Size: 8}), signing, key)
		},
		"exceeds size": func() ([]byte, error) { return SealChildManifest(file8(8, 7, BlockAccess{Size: 8}), signing, key) },
	} {
		if _, err := seal(); !errors.Is(err, ErrIntegrity) {
			t.Errorf("%s: %v", name, err)
		}
	}
	holes := file8(8, 100, BlockAccess{Offset: 9, Size: 2}, BlockAccess{Offset: 64, Size: 8})
	if _, err := SealChildManifest(holes, signing, key); err != nil {
		t.Errorf("a file with holes: %v", err)
	}
}

func file8(blocksize, size uint64, blocks ...BlockAccess) *FileManifest {
	return &FileManifest{ID: NewVlobID(), Version: 1, Blocksize: blocksize, Size: size, Blocks: blocks}
}
