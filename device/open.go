package device

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// opener opens device files.
type opener struct {
	keys         Keys
	cost         *budget
	certificates Certificates // nil: none
	server       Server       // nil: none
}

// parsed is a device file that was read and not opened: one of the two is set.
type parsed struct {
	original trust.DeviceFile
	ours     *sealedFile
}

// parse reads a device file of either form.
func parse(data []byte) (parsed, error) {
	if ours(data) {
		f, err := decodeFile(data)
		if err != nil {
			return parsed{}, damaged(err)
		}
		return parsed{ours: f}, nil
	}
	f, err := trust.LoadDeviceFile(data)
	if err != nil {
		return parsed{}, damaged(err)
	}
	return parsed{original: f}, nil
}

func (p parsed) header() *trust.DeviceFileHeader {
	if p.ours != nil {
		return &p.ours.header
	}
	return p.original.Header()
}

// code returns the id of the key that a server keeps, nil for none.
func (p parsed) code() *trust.TOTPOpaqueKeyID {
	if p.ours != nil {
		return p.ours.code
	}
	_, id := p.original.Sealed()
	return id
}

func (p parsed) kind() Kind {
	if p.ours != nil && p.ours.password != nil {
		return KindPasswordProvider
	}
	if p.ours != nil {
		return KindProvider
	}
	switch p.original.(type) {
	case *trust.PasswordFile:
		return KindPassword
	case *trust.RecoveryFile:
		return KindRecovery
	case *trust.PKIFile:
		return KindCertificate
	case *trust.KeyringFile:
		return KindKeyring
	case *trust.AccountVaultFile:
		return KindAccountVault
	default:
		return KindOpenBao
	}
}

// providerKey returns instance and name of the provider key, empty for none.
func (p parsed) providerKey() (instance, name string) {
	if p.ours == nil {
		return "", ""
	}
	return p.ours.provider.instance, p.ours.provider.key
}

// open opens a file with what a person gives. The secrets of the device are on the heap; the caller wipes it.
func (o *opener) open(ctx context.Context, p parsed, with Secret) (*trust.LocalDevice, error) {
	if p.kind().NeedsPassword() && len(with.Password) == 0 {
		return nil, &wire.Error{Status: wire.StatusInvalidArgument, Reason: "it is protected by a password, and none was given", Remedy: "give the password"}
	}
	if len(with.Password) > maxPassword {
		return nil, wrongSecret()
	}
	// The code last, for it serves once.
	key, err := o.primary(ctx, p, with.Password)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	code, err := o.codeKey(ctx, p, with.Code)
	if err != nil {
		return nil, err
	}
	if code != nil {
		defer code.Wipe()
	}
	var sealed []byte
	if p.ours != nil {
		sealed = p.ours.ciphertext
	} else {
		sealed, _ = p.original.Sealed()
	}
	d, err := trust.OpenLocalDevice(sealed, key, code)
	if errors.Is(err, trust.ErrDecryption) {
		return nil, wrongSecret()
	}
	if err != nil {
		return nil, damaged(err)
	}
	// The header of the original's files is not authenticated: what it says is believed nowhere, and must not lead to
	// another device's place.
	if d.DeviceID != p.header().DeviceID {
		d.Wipe()
		return nil, damaged(errors.New("it holds another device than it says"))
	}
	return d, nil
}

// codeKey gets the key of the outer layer from the server.
func (o *opener) codeKey(ctx context.Context, p parsed, code string) (*trust.SecretKey, error) {
	id := p.code()
	switch {
	case id == nil:
		return nil, nil //nolint:nilnil // there is no such layer
	case code == "":
		return nil, &wire.Error{Status: wire.StatusInvalidArgument, Reason: "it is protected by a one-time code too, and none was given", Remedy: "give the code"}
	case o.server == nil:
		return nil, &wire.Error{
			Status: wire.StatusNotSupported, Reason: "it is protected by a one-time code too, which only its server can check, and no server can be asked", Err: ErrKind,
			Remedy: "change its protection where it was made",
		}
	}
	key, err := o.server.OpaqueKey(ctx, p.header(), *id, code)
	if err != nil {
		return nil, err
	}
	return &key, nil
}

// primary gets the key of the file.
func (o *opener) primary(ctx context.Context, p parsed, password []byte) (trust.SecretKey, error) {
	if p.ours != nil {
		return o.ours(ctx, p.ours, password)
	}
	switch f := p.original.(type) {
	case *trust.PasswordFile:
		return o.cost.derive(ctx, &f.Algorithm, password)
	case *trust.RecoveryFile:
		key, err := trust.SecretKeyFromPassphrase(password)
		if err != nil {
			return trust.SecretKey{}, wrongSecret()
		}
		return key, nil
	case *trust.PKIFile:
		return o.certificate(ctx, f)
	default:
		return trust.SecretKey{}, &wire.Error{
			Status: wire.StatusNotSupported, Err: ErrKind,
			Reason: "its key is kept by " + keeper(p.kind()) + ", which this agent does not ask",
			Remedy: "change its protection to a password in the program that made it",
		}
	}
}

func keeper(k Kind) string {
	switch k {
	case KindKeyring:
		return "the keyring of a desktop session"
	case KindAccountVault:
		return "the vault of an account"
	default:
		return "OpenBao"
	}
}

// certificate has a token decrypt the key of the file.
func (o *opener) certificate(ctx context.Context, f *trust.PKIFile) (trust.SecretKey, error) {
	if o.certificates == nil {
		return trust.SecretKey{}, &wire.Error{Status: wire.StatusNotSupported, Reason: "it is protected by a certificate, and no tokens are looked at", Err: ErrKind}
	}
	token := &onToken{ctx: ctx, certs: o.certificates, ref: f.CertificateRef}
	key, err := trust.DecryptX509(token, f.EncryptedKey)
	switch {
	case token.err != nil && wire.StatusOf(token.err) == wire.StatusInvalidPadding:
		return trust.SecretKey{}, wrongSecret()
	case token.err != nil:
		return trust.SecretKey{}, token.err
	case err != nil:
		return trust.SecretKey{}, wrongSecret()
	}
	return key, nil
}

func (o *opener) ours(ctx context.Context, f *sealedFile, password []byte) (trust.SecretKey, error) {
	var secrets [][]byte
	defer func() {
		for _, b := range secrets {
			clear(b)
		}
	}()
	// The token first: without it the password need not be stretched.
	unwrapped, err := f.provider.unwrap(ctx, o.keys)
	if err != nil {
		return trust.SecretKey{}, err
	}
	secrets = append(secrets, unwrapped)
	if f.password != nil {
		derived, err := o.cost.deriveBytes(ctx, f.password, password)
		if err != nil {
			return trust.SecretKey{}, err
		}
		secrets = [][]byte{derived, unwrapped}
	}
	return primary(f.bound, secrets...)
}
