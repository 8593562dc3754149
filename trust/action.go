package trust

import (
	"encoding/base64"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Action is an address that says what to do. It can hold a token, so it is not printed by accident: URL writes it.
type Action interface {
	// Place returns the organisation that it is about.
	Place() (ServerAddress, OrganizationID)
	// URL returns the address in the native form. It is as secret as the token in it.
	URL() (string, error)
	// read takes the p parameter; kind is the a parameter.
	read(kind string, u *rawURL) error
}

// place is embedded in every action.
type place struct {
	Server       ServerAddress
	Organization OrganizationID
}

// Place returns the organisation that the action is about.
func (p place) Place() (ServerAddress, OrganizationID) { return p.Server, p.Organization }

// placed is an action that is being read.
type placed interface {
	Action
	at() *place
}

func (a *BootstrapAddress) at() *place  { return &a.place }
func (a *InvitationAddress) at() *place { return &a.place }
func (a *PathAddress) at() *place       { return &a.place }
func (a *EnrollmentAddress) at() *place { return &a.place }
func (a *TOTPResetAddress) at() *place  { return &a.place }

// BootstrapAddress asks to make an organisation.
type BootstrapAddress struct {
	place
	// Token is nil where anybody may.
	Token *AccessToken
}

// InvitationType is what somebody is invited to.
type InvitationType string

// Types of invitations.
const (
	InviteUser           InvitationType = "claim_user"
	InviteDevice         InvitationType = "claim_device"
	InviteShamirRecovery InvitationType = "claim_shamir_recovery"
)

// InvitationAddress asks to claim an invitation.
type InvitationAddress struct {
	place
	Type  InvitationType
	Token AccessToken
}

// PathAddress points into a workspace.
type PathAddress struct {
	place
	Realm         RealmID
	KeyIndex      uint64
	EncryptedPath []byte
}

// EnrollmentAddress asks to enrol: asynchronously, or with the former kind of PKI enrolment.
type EnrollmentAddress struct {
	place
	PKI bool
}

// TOTPResetAddress asks to set up one-time codes anew.
type TOTPResetAddress struct {
	place
	User  UserID
	Token AccessToken
}

// Names of actions in the a parameter.
const (
	actionBootstrap = "bootstrap_organization"
	actionPath      = "path"
	actionPKI       = "pki_enrollment"
	actionAsync     = "async_enrollment"
	actionTOTPReset = "totp_reset"
)

// ParseAction reads an address with an action, native or as a redirection.
func ParseAction(s string) (Action, error) { return parseAction(s, anyForm) }

func parseAction(s string, f form) (Action, error) {
	server, organization, u, err := parseInOrganization(s, f)
	if err != nil {
		return nil, err
	}
	kind, err := u.parameter("a")
	if err != nil {
		return nil, err
	}
	action := newAction(kind)
	if action == nil {
		return nil, fmt.Errorf("%w: a", ErrParameter)
	}
	*action.at() = place{Server: server, Organization: organization}
	if err := action.read(kind, u); err != nil {
		return nil, err
	}
	return action, nil
}

func newAction(kind string) placed {
	switch kind {
	case actionBootstrap:
		return &BootstrapAddress{}
	case string(InviteUser), string(InviteDevice), string(InviteShamirRecovery):
		return &InvitationAddress{}
	case actionPath:
		return &PathAddress{}
	case actionPKI, actionAsync:
		return &EnrollmentAddress{}
	case actionTOTPReset:
		return &TOTPResetAddress{}
	}
	return nil
}

var base64Text = base64.RawURLEncoding

// payload reads the p parameter.
func (u *rawURL) payload(decode func(*mpack.Reader)) error {
	text, err := u.parameter("p")
	if err != nil {
		return err
	}
	b, err := decodeBase64(base64Text, text)
	if err != nil {
		return fmt.Errorf("%w: p", ErrParameter)
	}
	defer wipe(b)
	if err := unpackRaw(b, decode); err != nil {
		return fmt.Errorf("%w: p: %w", ErrParameter, err)
	}
	return nil
}

func payload(encode func(*mpack.Writer)) (string, error) {
	b, err := packRaw(encode)
	defer wipe(b)
	return "p=" + base64Text.EncodeToString(b), err
}

// url writes an action with a p parameter.
func (p place) url(action string, encode func(*mpack.Writer)) (string, error) {
	text, err := payload(encode)
	if err != nil {
		return "", err
	}
	return p.Server.native(p.Organization.s, "a="+action, text), nil
}

func (a *BootstrapAddress) read(_ string, u *rawURL) error {
	return u.payload(func(r *mpack.Reader) {
		if !r.Nil() {
			a.Token = new(AccessToken)
			decodeAccessToken(r, a.Token)
		}
	})
}

// URL returns the address in the native form.
func (a *BootstrapAddress) URL() (string, error) {
	return a.url(actionBootstrap, func(w *mpack.Writer) {
		if a.Token == nil {
			w.Nil()
			return
		}
		encodeAccessToken(w, a.Token)
	})
}

func (a *InvitationAddress) read(kind string, u *rawURL) error {
	a.Type = InvitationType(kind)
	return u.payload(func(r *mpack.Reader) { decodeAccessToken(r, &a.Token) })
}

// URL returns the address in the native form.
func (a *InvitationAddress) URL() (string, error) {
	return a.url(string(a.Type), func(w *mpack.Writer) { encodeAccessToken(w, &a.Token) })
}

// pathParts is how many elements the parameter of a path has.
const pathParts = 3

func (a *PathAddress) read(_ string, u *rawURL) error {
	return u.payload(func(r *mpack.Reader) {
		if r.Array(pathParts) != pathParts {
			r.Fail(mpack.ErrRange)
		}
		decodeID(r, &a.Realm)
		a.KeyIndex = r.Uint64()
		for n := r.Array(maxURL); n > 0 && r.Err() == nil; n-- { // an array of numbers, not bytes
			a.EncryptedPath = append(a.EncryptedPath, r.Uint8())
		}
	})
}

// URL returns the address in the native form.
func (a *PathAddress) URL() (string, error) {
	return a.url(actionPath, func(w *mpack.Writer) {
		w.Array(pathParts)
		encodeID(w, &a.Realm)
		w.Uint(a.KeyIndex)
		w.Array(len(a.EncryptedPath))
		for _, b := range a.EncryptedPath {
			w.Uint(uint64(b))
		}
	})
}

// SealURLPath encrypts a path for a PathAddress.
func (k KeyDerivation) SealURLPath(path FsPath) ([]byte, error) {
	key, err := k.URLPathKey()
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	return key.Encrypt([]byte(path.String()))
}

// OpenURLPath decrypts the path of a PathAddress.
func (k KeyDerivation) OpenURLPath(sealed []byte) (FsPath, error) {
	key, err := k.URLPathKey()
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	return openURLPath(key, sealed)
}

func openURLPath(key SecretKey, sealed []byte) (FsPath, error) {
	plain, err := key.Decrypt(sealed)
	if err != nil {
		return nil, err
	}
	return ParsePath(string(plain))
}

func (a *EnrollmentAddress) read(kind string, _ *rawURL) error {
	a.PKI = kind == actionPKI
	return nil
}

// URL returns the address in the native form.
func (a *EnrollmentAddress) URL() (string, error) {
	kind := actionAsync
	if a.PKI {
		kind = actionPKI
	}
	return a.Server.native(a.Organization.s, "a="+kind), nil
}

func (a *TOTPResetAddress) read(_ string, u *rawURL) error {
	return u.payload(func(r *mpack.Reader) {
		if r.Array(2) != 2 {
			r.Fail(mpack.ErrRange)
		}
		decodeID(r, &a.User)
		decodeAccessToken(r, &a.Token)
	})
}

// URL returns the address in the native form.
func (a *TOTPResetAddress) URL() (string, error) {
	return a.url(actionTOTPReset, func(w *mpack.Writer) {
		w.Array(2)
		encodeID(w, &a.User)
		encodeAccessToken(w, &a.Token)
	})
}
