package inspect

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/internal/show"
)

// hidden stands for a token.
const hidden = "present (secret, not shown)"

// actionKinds are what actions are called.
var actionKinds = map[trust.InvitationType]string{
	trust.InviteUser: "address of a user's invitation", trust.InviteDevice: "address of a device's invitation",
	trust.InviteShamirRecovery: "address of a shared recovery's invitation",
}

// address reads an address of any kind; nothing vouches for one.
func address(text string) (Object, error) {
	if action, err := trust.ParseAction(text); err == nil {
		return actionObject(action), nil
	}
	if a, err := trust.ParseOrganizationAddress(text); err == nil {
		o := Object{Kind: "address of an organisation", Fields: placeFields(a.Server, a.Organization)}
		o.add("root_verify_key", a.RootVerifyKey.String())
		if err := a.RootVerifyKey.Check(); err != nil {
			o.add("problem", show.Text(err.Error()))
		}
		o.add("address", show.Text(a.String()))
		return o, nil
	}
	if a, err := trust.ParseServerAddress(text); err == nil {
		return serverObject(a), nil
	}
	if a, err := trust.ParseServerURL(text); err == nil {
		return serverObject(a), nil
	}
	return Object{}, noAddress(text)
}

// noAddress says what is wrong with each kind of address.
func noAddress(text string) error {
	_, asServer := trust.ParseServerAddress(text)
	_, asOrganization := trust.ParseOrganizationAddress(text)
	_, asAction := trust.ParseAction(text)
	return fmt.Errorf("no address of a server (%v), of an organisation (%v) or with an action (%v)", asServer, asOrganization, asAction)
}

func (o *Object) add(name, value string) {
	o.Fields = append(o.Fields, Field{Name: name, Value: value})
}

func serverObject(a trust.ServerAddress) Object {
	o := Object{Kind: "address of a server", Fields: serverFields(a)}
	o.add("address", show.Text(a.String()))
	return o
}

func serverFields(a trust.ServerAddress) []Field {
	return []Field{
		{Name: "server", Value: show.Text(a.HTTP())},
		{Name: "host", Value: show.Text(a.Host())},
		{Name: "port", Value: fmt.Sprint(a.Port())},
		{Name: "tls", Value: fmt.Sprint(a.TLS())},
	}
}

func placeFields(a trust.ServerAddress, id trust.OrganizationID) []Field {
	return append(serverFields(a), Field{Name: "organization_id", Value: show.Text(id.String())})
}

func actionObject(action trust.Action) Object {
	o := Object{Fields: placeFields(action.Place())}
	switch a := action.(type) {
	case *trust.BootstrapAddress:
		o.Kind = "address of an organisation's bootstrap"
		if a.Token == nil {
			o.add("token", show.None)
			break
		}
		a.Token.Wipe()
		o.add("token", hidden)
	case *trust.InvitationAddress:
		a.Token.Wipe()
		o.Kind = actionKinds[a.Type]
		o.add("token", hidden)
	case *trust.PathAddress:
		o.Kind = "address of a path in a workspace"
		o.add("realm_id", a.Realm.String())
		o.add("key_index", fmt.Sprint(a.KeyIndex))
		o.add("encrypted_path", show.Bytes(a.EncryptedPath))
	case *trust.EnrollmentAddress:
		o.Kind = "address of an asynchronous enrolment"
		if a.PKI {
			o.Kind = "address of a PKI enrolment (former kind)"
		}
	case *trust.TOTPResetAddress:
		a.Token.Wipe()
		o.Kind = "address of a reset of one-time codes"
		o.add("user_id", a.User.String())
		o.add("token", hidden)
	}
	return o
}

// ParseRoot reads a root key: 64 hexadecimal digits, or the address of an organisation.
func ParseRoot(text string) (trust.VerifyKey, error) {
	if key, ok := hexKey(text); ok {
		return key, key.Check()
	}
	a, err := trust.ParseOrganizationAddress(text)
	if err != nil {
		return trust.VerifyKey{}, fmt.Errorf("it is neither a key of 64 hexadecimal digits nor the address of an organisation: %w", err)
	}
	return a.RootVerifyKey, a.RootVerifyKey.Check()
}
