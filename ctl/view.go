package ctl

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/policy"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// What follows are the JSON forms of results that several commands print. Fields are only
// ever added.

// providerRef names a provider.
type providerRef struct {
	ID   uint8  `json:"id"`
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
}

func refProvider(id wire.ProviderID, name string) providerRef {
	return providerRef{uint8(id), id.String(), name}
}

// label names a provider for a person.
func (r providerRef) label() string {
	if r.Name != "" {
		return r.Name
	}
	return r.Kind
}

// ownerRef names an application.
type ownerRef struct {
	Authentication string `json:"authentication"`
	Application    string `json:"application"`
}

// keyView is a key of a list.
type keyView struct {
	Name      string      `json:"name"`
	Provider  providerRef `json:"provider"`
	Type      string      `json:"type"`
	Kind      string      `json:"kind"`
	Curve     string      `json:"curve,omitempty"`
	Bits      uint64      `json:"bits"`
	Usage     []string    `json:"usage"`
	Algorithm string      `json:"algorithm"`
	Storage   string      `json:"storage,omitempty"`
	Owner     *ownerRef   `json:"owner,omitempty"`
	Adopted   string      `json:"adopted,omitempty"` // locator of an adopted key
}

func viewKey(k client.KeyInfo) keyView {
	v := keyView{
		Name: string(k.Name), Provider: refProvider(k.Provider, k.Instance), Storage: k.Storage, Adopted: k.Locator,
		Type: policy.TypeName(k.Attributes), Kind: k.Attributes.Type.String(), Bits: k.Attributes.Bits,
		Usage: k.Attributes.Usage.Names(), Algorithm: k.Attributes.Alg.String(),
	}
	if k.Attributes.Curve != psa.CurveNone {
		v.Curve = k.Attributes.Curve.String()
	}
	if k.Auth != wire.AuthNone {
		v.Owner = &ownerRef{k.Auth.String(), k.Application}
	}
	return v
}

// place says for a person how or where a key is kept.
func (v keyView) place() string {
	if v.Adopted != "" {
		return "adopted " + v.Adopted
	}
	return orDash(v.Storage)
}

// usageText shortens usage flags for a person: what implies another stands for both.
func usageText(u psa.Usage) string {
	names := []string{}
	pair := func(both psa.Usage, short string, one psa.Usage) {
		switch {
		case u.Has(both):
			names = append(names, short)
		case u.Has(one):
			names = append(names, one.Names()...)
		}
	}
	pair(psa.UsageSignHash|psa.UsageSignMessage, "sign", psa.UsageSignMessage)
	pair(psa.UsageVerifyHash|psa.UsageVerifyMessage, "verify", psa.UsageVerifyMessage)
	for _, f := range []psa.Usage{psa.UsageEncrypt, psa.UsageDecrypt, psa.UsageDerive, psa.UsageExport, psa.UsageCopy, psa.UsageCache} {
		if u.Has(f) {
			names = append(names, f.Names()...)
		}
	}
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ",")
}

func hexNumber(n uint64) string { return "0x" + strconv.FormatUint(n, 16) }

// counted counts things for a person.
func counted[N int | uint64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
