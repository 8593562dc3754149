// Package cloudtest draws commands and replies of a metadata server at random, starts the reference's server, and plays organisations to servers:
// for tests of what reads and writes them.
package cloudtest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Request draws a request like the given one, whose fields do not count.
func Request(t *rapid.T, like cloud.Request) cloud.Request {
	req, _ := reflect.TypeAssert[cloud.Request](pointer(t, like))
	return req
}

// Reply draws a reply like the given one, whose fields do not count.
func Reply(t *rapid.T, like cloud.Reply) cloud.Reply {
	rep, _ := reflect.TypeAssert[cloud.Reply](pointer(t, like))
	return rep
}

func pointer(t *rapid.T, like any) reflect.Value {
	v := reflect.New(reflect.TypeOf(like).Elem())
	fill(t, v.Elem(), nil)
	return v
}

// variants are what a union may be.
var variants = map[reflect.Type][]any{}

func register[U any](all []U) {
	for _, v := range all {
		variants[reflect.TypeFor[U]()] = append(variants[reflect.TypeFor[U]()], v)
	}
}

func init() {
	register(cloud.VariantsOfAcceptSignature())
	register(cloud.VariantsOfSubmitSignature())
	register(cloud.VariantsOfAccountCreateStep())
	register(cloud.VariantsOfOpenBaoConfig())
	register(cloud.VariantsOfOpenBaoSecretConfig())
	register(cloud.VariantsOfCryptPadConfig())
	register(cloud.VariantsOfGreeterStep())
	register(cloud.VariantsOfClaimerStep())
	register(cloud.VariantsOfInvitationCreatedBy())
	register(cloud.VariantsOfInviteListItem())
}

// totpSize is the size of new secrets for one-time codes.
const totpSize = 20

// scalar draws a value of a type of trust, whose fields are not exported.
func scalar(t *rapid.T, typ reflect.Type) any {
	switch typ {
	case reflect.TypeFor[trust.DateTime]():
		return must(trust.DateTimeFromMicros(rapid.Int64Range(-8334601228800000000, 8210266876799999999).Draw(t, "time")))
	case reflect.TypeFor[trust.SecretKey]():
		return must(trust.NewSecretKey(rapid.SliceOfN(rapid.Byte(), trust.KeySize, trust.KeySize).Draw(t, "key")))
	case reflect.TypeFor[trust.AccessToken]():
		return must(trust.NewAccessToken(rapid.SliceOfN(rapid.Byte(), trust.TokenSize, trust.TokenSize).Draw(t, "token")))
	case reflect.TypeFor[trust.TOTPSecret]():
		return must(trust.NewTOTPSecret(rapid.SliceOfN(rapid.Byte(), totpSize, totpSize).Draw(t, "secret")))
	case reflect.TypeFor[trust.EmailAddress]():
		return must(trust.NewEmailAddress(rapid.StringMatching(`[a-z]{1,9}@[a-z]{1,9}\.example`).Draw(t, "email")))
	case reflect.TypeFor[trust.HumanHandle]():
		return must(trust.NewHumanHandle(rapid.StringMatching(`[a-z]{1,9}@[a-z]{1,9}\.example`).Draw(t, "email"), rapid.StringMatching(`[A-Zéß][a-zø ]{0,20}`).Draw(t, "label")))
	case reflect.TypeFor[trust.OrganizationID]():
		return must(trust.NewOrganizationID(rapid.StringMatching(`[A-Za-z0-9é_-]{1,16}`).Draw(t, "organisation")))
	case reflect.TypeFor[trust.ValidationCode]():
		return must(trust.ParseValidationCode(rapid.StringMatching(`[A-HJ-NP-Z2-9]{6}`).Draw(t, "code")))
	case reflect.TypeFor[trust.Profile]():
		return rapid.SampledFrom([]trust.Profile{trust.Outsider, trust.Standard, trust.Admin}).Draw(t, "profile")
	}
	return nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // the texts above are all right
	}
	return v
}

// fill draws a value. The options are those of its field.
func fill(t *rapid.T, v reflect.Value, options []string) {
	typ := v.Type()
	if s := scalar(t, typ); s != nil {
		v.Set(reflect.ValueOf(s))
		return
	}
	if slices.Contains(options, "null") || slices.Contains(options, "opt") || slices.Contains(options, "later") {
		if rapid.Bool().Draw(t, "nothing") {
			return
		}
	}
	least := uint64(0)
	if slices.Contains(options, "min=1") {
		least = 1
	}
	switch typ.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "number"))
	case reflect.Uint8:
		v.SetUint(rapid.Uint64Range(least, 255).Draw(t, "number"))
	case reflect.Uint32:
		v.SetUint(uint64(rapid.Uint32().Draw(t, "number")))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64Min(least).Draw(t, "number"))
	case reflect.Float64:
		v.SetFloat(rapid.Float64().Draw(t, "number"))
	case reflect.String:
		v.SetString(text(t, typ))
	case reflect.Array:
		reflect.Copy(v, reflect.ValueOf(rapid.SliceOfN(rapid.Byte(), v.Len(), v.Len()).Draw(t, "bytes")))
	case reflect.Pointer:
		v.Set(reflect.New(typ.Elem()))
		fill(t, v.Elem(), slices.DeleteFunc(slices.Clone(options), func(o string) bool { return o != "min=1" }))
	case reflect.Interface:
		v.Set(pointer(t, rapid.SampledFrom(variants[typ]).Draw(t, "variant")))
	case reflect.Struct:
		fields(t, v)
	default:
		collection(t, v)
	}
}

func text(t *rapid.T, typ reflect.Type) string {
	if values, ok := typ.MethodByName("Values"); ok {
		all := values.Func.Call([]reflect.Value{reflect.Zero(typ)})[0]
		return all.Index(rapid.IntRange(0, all.Len()-1).Draw(t, "value")).String()
	}
	return rapid.StringN(0, 30, 100).Draw(t, "text")
}

func fields(t *rapid.T, v reflect.Value) {
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() {
			fill(t, v.Field(i), strings.Split(f.Tag.Get("mp"), ",")[1:])
		}
	}
}

func collection(t *rapid.T, v reflect.Value) {
	const most = 4
	n := rapid.IntRange(0, most).Draw(t, "elements")
	switch typ := v.Type(); {
	case typ == reflect.TypeFor[[]byte]():
		v.SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes"))
	case typ.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(typ, n, n))
		for i := range n {
			fill(t, v.Index(i), nil)
		}
	case typ.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(typ))
		for range n {
			key, value := reflect.New(typ.Key()).Elem(), reflect.New(typ.Elem()).Elem()
			fill(t, key, nil)
			fill(t, value, nil)
			v.SetMapIndex(key, value)
		}
	default:
		panic(fmt.Sprintf("nothing draws a %s", typ))
	}
}
