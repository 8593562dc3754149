package trust

import (
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// errVersion is what a manifest gives that was never uploaded: its version is 0.
var errVersion = errors.New("versions begin with 1")

// Announced is what a server says about a version of an object: the object itself must say the same.
type Announced struct {
	Author    Author
	Timestamp DateTime
	ID        VlobID
	Version   uint32
}

// ChildManifest is a file or a folder that is in a folder.
type ChildManifest interface {
	Type() string
	SignedBy() *DeviceID
	SignedAt() DateTime
	Vlob() (VlobID, uint32)
	// ParentID returns the folder that it is in.
	ParentID() VlobID
	signedObject
}

// manifest is what can be checked against what was announced.
type manifest interface {
	signedObject
	Vlob() (VlobID, uint32)
}

// Vlob returns id and version.
func (m *FileManifest) Vlob() (VlobID, uint32) { return m.ID, m.Version }

// Vlob returns id and version.
func (m *FolderManifest) Vlob() (VlobID, uint32) { return m.ID, m.Version }

// Vlob returns id and version.
func (m *UserManifest) Vlob() (VlobID, uint32) { return m.ID, m.Version }

// ParentID returns the folder that the file is in.
func (m *FileManifest) ParentID() VlobID { return m.Parent }

// ParentID returns the folder that the folder is in; the root of a realm is in itself.
func (m *FolderManifest) ParentID() VlobID { return m.Parent }

// Blocks of a manifest that contradict each other, or the manifest.
var (
	errParent    = errors.New("it is its own parent")
	errNotRoot   = errors.New("it is not the root of the realm")
	errBlocksize = errors.New("the block size is too small")
	errBlock     = errors.New("a block is empty or ends beyond all files")
	errOrder     = errors.New("blocks are not in order, or overlap")
	errSpan      = errors.New("two blocks share a span, or one crosses into the next")
	errSize      = errors.New("a block exceeds the size")
)

// check applies the rules of 3.3.
func (m *FileManifest) check() error {
	switch {
	case m.Blocksize < MinBlocksize:
		return errBlocksize
	case m.ID == m.Parent:
		return errParent
	}
	end, spans := uint64(0), uint64(0) // end of the block before, and number of spans up to it
	for i := range m.Blocks {
		b := &m.Blocks[i]
		next := b.Offset + b.Size
		span := b.Offset / m.Blocksize
		switch {
		case b.Size == 0 || next < b.Offset:
			return errBlock
		case b.Offset < end:
			return errOrder
		case span < spans || (next-1)/m.Blocksize != span:
			return errSpan
		case next > m.Size:
			return errSize
		}
		end, spans = next, span+1
	}
	return nil
}

func (m *FolderManifest) checkChild() error {
	if m.ID == m.Parent {
		return fmt.Errorf("%s: %w: %w", m.Type(), ErrIntegrity, errParent)
	}
	return nil
}

func (m *FolderManifest) checkRoot(realm RealmID) error {
	if m.ID != m.Parent || m.ID != RootOf(realm) {
		return fmt.Errorf("%s: %w: %w", m.Type(), ErrIntegrity, errNotRoot)
	}
	return nil
}

// check compares the manifest with what was announced.
func (a *Announced) check(m manifest) error {
	id, version := m.Vlob()
	var field string
	switch {
	case !sameDevice(a.Author.Device, m.SignedBy()):
		field = "author"
	case a.Timestamp != m.SignedAt():
		field = "timestamp"
	case a.ID != id:
		field = "id"
	case a.Version != version:
		field = "version"
	default:
		return nil
	}
	return fmt.Errorf("%s: %w", m.Type(), &UnexpectedError{field})
}

// open decrypts, verifies and reads; read says what to read.
func (a *Announced) open(sealed []byte, key SecretKey, read func(*mpack.Reader) manifest) (manifest, error) {
	signed, err := key.Decrypt(sealed)
	if err != nil {
		return nil, err
	}
	message, err := a.Author.Key.Verify(signed)
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := unpack(message, func(r *mpack.Reader) { m = read(r) }); err != nil {
		return nil, err
	}
	if err := check(m); err != nil {
		return nil, err
	}
	if err := a.check(m); err != nil {
		return nil, err
	}
	return m, nil
}

// OpenUserManifest opens a version of a user manifest with the key of the user's realm.
func OpenUserManifest(sealed []byte, key SecretKey, announced Announced) (*UserManifest, error) {
	m := &UserManifest{}
	_, err := announced.open(sealed, key, func(r *mpack.Reader) manifest {
		m.decode(r)
		return m
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// OpenWorkspaceManifest opens a version of the root of a realm. The key is the VlobKey of the announced id.
func OpenWorkspaceManifest(sealed []byte, key SecretKey, realm RealmID, announced Announced) (*FolderManifest, error) {
	m := &FolderManifest{}
	_, err := announced.open(sealed, key, func(r *mpack.Reader) manifest {
		m.decode(r)
		return m
	})
	if err != nil {
		return nil, err
	}
	if err := m.checkRoot(realm); err != nil {
		return nil, err
	}
	return m, nil
}

// OpenChildManifest opens a version of a file or of a folder that is not a root. The key is the VlobKey of the announced id.
func OpenChildManifest(sealed []byte, key SecretKey, announced Announced) (ChildManifest, error) {
	m, err := announced.open(sealed, key, readChild)
	if err != nil {
		return nil, err
	}
	switch m := m.(type) {
	case *FileManifest:
		return m, nil
	case *FolderManifest:
		if err := m.checkChild(); err != nil {
			return nil, err
		}
		return m, nil
	}
	return nil, ErrContent
}

func readChild(r *mpack.Reader) manifest {
	if r.Discriminant("type") == (*FileManifest)(nil).Type() {
		m := &FileManifest{}
		m.decode(r)
		return m
	}
	m := &FolderManifest{}
	m.decode(r)
	return m
}

// SealUserManifest signs and encrypts.
func SealUserManifest(m *UserManifest, signer SigningKey, key SecretKey) ([]byte, error) {
	return seal(m, signer, key)
}

// SealWorkspaceManifest signs and encrypts the root of a realm.
func SealWorkspaceManifest(m *FolderManifest, realm RealmID, signer SigningKey, key SecretKey) ([]byte, error) {
	if err := m.checkRoot(realm); err != nil {
		return nil, err
	}
	return seal(m, signer, key)
}

// SealChildManifest signs and encrypts a file or a folder that is not a root.
func SealChildManifest(m ChildManifest, signer SigningKey, key SecretKey) ([]byte, error) {
	if folder, ok := m.(*FolderManifest); ok {
		if err := folder.checkChild(); err != nil {
			return nil, err
		}
	}
	return seal(m, signer, key)
}

func seal(m manifest, signer SigningKey, key SecretKey) ([]byte, error) {
	if _, version := m.Vlob(); version == 0 {
		return nil, fmt.Errorf("%s: %w: %w", m.Type(), ErrIntegrity, errVersion)
	}
	signed, err := dumpSigned(m, signer)
	if err != nil {
		return nil, err
	}
	return key.Encrypt(signed)
}
