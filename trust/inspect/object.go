package inspect

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/internal/show"
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// object finds out what one object is.
func (w *work) object(place string, b []byte) {
	o := Object{Place: place, Size: len(b)}
	var not []string
	for _, as := range []func(*Object, []byte) error{w.asSigned, w.asSerialised, asDeviceFile, asEncrypted} {
		err := as(&o, b)
		if err == nil {
			w.add(o)
			return
		}
		not = append(not, err.Error())
	}
	w.add(Object{Place: place, Size: len(b), State: Unknown, Reason: show.Line("it is " + strings.Join(not, "; "))})
}

// digested adds the digest of a public object.
func (o *Object) digested(b []byte) {
	d := trust.Digest(b)
	o.Digest = &d
}

// fileKind is what a device file is called.
func fileKind(f trust.DeviceFile) string {
	switch f.(type) {
	case *trust.PasswordFile:
		return "device file, protected by a password"
	case *trust.KeyringFile:
		return "device file, protected by the system's keyring"
	case *trust.RecoveryFile:
		return "recovery file of a device, protected by a passphrase"
	case *trust.PKIFile:
		return "device file, protected by an X.509 certificate"
	case *trust.AccountVaultFile:
		return "device file, protected by an account"
	case *trust.OpenBaoFile:
		return "device file, protected by OpenBao"
	}
	return "device file"
}

// asDeviceFile reads what is public of a device file.
func asDeviceFile(o *Object, b []byte) error {
	f, err := trust.LoadDeviceFile(b)
	if err != nil {
		if kind := mpack.NewReader(b).Discriminant("type"); kind == (*trust.LocalDevice)(nil).Type() {
			o.Kind, o.Type, o.State = "secrets of a device in the clear", kind, Unsigned
			o.Reason = "nothing of it is shown: whoever has these bytes is the device"
			return nil
		}
		return fmt.Errorf("no device file (%w)", err)
	}
	o.Kind, o.Type, o.State = fileKind(f), f.Type(), Unsigned
	o.Reason = "only its ciphertext is authenticated: whoever opens it believes the device inside"
	o.Fields = show.Of(f)
	o.digested(b)
	return nil
}

// asEncrypted knows the one thing that is encrypted and says so.
func asEncrypted(o *Object, b []byte) error {
	if !strings.HasPrefix(string(b), trust.PKIEncryption+"-XSALSA20-POLY1305:") {
		return errors.New("nothing that says by whom it can be decrypted")
	}
	o.Kind, o.State, o.Reason = "encrypted for a sequester service", Unsigned, "anybody can encrypt for a service"
	return nil
}
