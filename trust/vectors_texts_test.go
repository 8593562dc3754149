package trust

import (
	"encoding/hex"
	"encoding/json"
	"strings"
)

func list(raw json.RawMessage) []string {
	all := []string{}
	if err := json.Unmarshal(raw, &all); err != nil {
		panic(err)
	}
	return all
}

var texts = map[string]runner{
	"id_parse": func(v *vector) (any, error) { return parseIdentifier(v.In.text("kind"), v.In.text("text")) },
	"human_handle": func(v *vector) (any, error) {
		h, err := NewHumanHandle(v.In.text("email"), v.In.text("label"))
		return h.String(), err
	},
	"rfc3339": func(v *vector) (any, error) {
		d, err := ParseDateTime(v.In.text("text"))
		return d.Micros(), err
	},
	"url_parse": parseVectorURL,
	"url_path_decrypt": func(v *vector) (any, error) {
		path, err := openURLPath(v.In.secretKey("secret_key"), v.In.bytes("payload"))
		return hex.EncodeToString([]byte(path.String())), err
	},
}

func parseIdentifier(kind, s string) (any, error) {
	switch kind {
	case "organization_id":
		return NewOrganizationID(s)
	case "device_label":
		return NewDeviceLabel(s)
	case "email":
		return NewEmailAddress(s)
	case "entry_name":
		return NewEntryName(s)
	case "fs_path":
		return ParsePath(s)
	}
	panic(kind)
}

// kinds are the kinds of actions in the vectors, as types.
func actionIs(kind string, a Action) bool {
	switch a := a.(type) {
	case *BootstrapAddress:
		return kind == "bootstrap"
	case *InvitationAddress:
		return kind == "invitation"
	case *PathAddress:
		return kind == "path"
	case *EnrollmentAddress:
		return kind == "pki" && a.PKI || kind == "async" && !a.PKI
	case *TOTPResetAddress:
		return kind == "totp_reset"
	}
	return false
}

func parseVectorURL(v *vector) (any, error) {
	kind, redirection := strings.CutSuffix(v.In.text("kind"), "_redirect")
	url, f := v.In.text("url"), nativeForm
	switch {
	case redirection:
		f = redirectionForm
	case kind == "action":
		f = anyForm
	}
	switch kind {
	case "server":
		a, err := parseServer(url, f)
		return describeAddress(a, OrganizationID{}, a.String()), err
	case "organization":
		a, err := parseOrganization(url, f)
		out := describeAddress(a.Server, a.Organization, a.String())
		out["root_verify_key"] = bin(a.RootVerifyKey[:])
		return out, err
	}
	a, err := parseAction(url, f)
	if err != nil {
		return nil, err
	}
	if kind != "action" && !actionIs(kind, a) {
		return nil, ErrParameter
	}
	return describeAction(a)
}

func bin(b []byte) any { return map[string]string{"$bin": hex.EncodeToString(b)} }

func describeAddress(server ServerAddress, organization OrganizationID, normalized string) map[string]any {
	out := map[string]any{
		"hostname": server.Host(), "port": server.Port(), "use_ssl": server.TLS(), "normalized": normalized,
	}
	if organization.s != "" {
		out["organization_id"] = organization
	}
	return out
}

func describeAction(a Action) (any, error) {
	server, organization := a.Place()
	url, err := a.URL()
	if err != nil {
		return nil, err
	}
	out := describeAddress(server, organization, url)
	uuid := func(id string) any { return map[string]string{"$uuid": id} }
	switch a := a.(type) {
	case *BootstrapAddress:
		out["action"], out["token"] = actionBootstrap, nil
		if a.Token != nil {
			out["token"] = bin(must(a.Token.Export()))
		}
	case *InvitationAddress:
		out["action"], out["token"] = a.Type, bin(must(a.Token.Export()))
	case *PathAddress:
		out["action"], out["workspace_id"], out["key_index"] = actionPath, uuid(a.Realm.String()), a.KeyIndex
		out["encrypted_path"] = bin(a.EncryptedPath)
	case *EnrollmentAddress:
		out["action"] = actionAsync
		if a.PKI {
			out["action"] = actionPKI
		}
	case *TOTPResetAddress:
		out["action"], out["user_id"], out["token"] = actionTOTPReset, uuid(a.User.String()), bin(must(a.Token.Export()))
	}
	return out, nil
}
