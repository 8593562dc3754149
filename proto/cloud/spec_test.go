package cloud

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// specFile is docs/spec/parsec-cloud-rpc.json.
type specFile struct {
	Encoding struct {
		Scalars map[string]struct {
			Detail string `json:"detail"`
		} `json:"scalars"`
	} `json:"encoding"`
	Families []struct {
		Name     string        `json:"name"`
		Commands []specCommand `json:"commands"`
	} `json:"families"`
}

type specCommand struct {
	Name    string `json:"name"`
	Request struct {
		Fields []specField `json:"fields"`
	} `json:"request"`
	Responses []struct {
		Status string      `json:"status"`
		Inline string      `json:"inline"`
		Fields []specField `json:"fields"`
	} `json:"responses"`
	Types []specDefinition `json:"types"`
}

type specDefinition struct {
	Name     string      `json:"name"`
	Kind     string      `json:"kind"`
	Tag      string      `json:"tag"`
	Fields   []specField `json:"fields"`
	Variants []struct {
		Value    string      `json:"value"`
		TagValue string      `json:"tag_value"`
		Fields   []specField `json:"fields"`
	} `json:"variants"`
}

type specField struct {
	Name     string   `json:"name"`
	Type     specType `json:"type"`
	Presence string   `json:"presence"`
}

type specType struct {
	K     string     `json:"k"`
	Name  string     `json:"name"`
	Of    *specType  `json:"of"`
	Key   *specType  `json:"key"`
	Value *specType  `json:"value"`
	Items []specType `json:"items"`
}

// goTypes are the Go types of scalars. A VlobID that is the id of a realm is a RealmID.
var goTypes = map[string][]reflect.Type{
	"AccessToken": of[trust.AccessToken](), "AccountAuthMethodID": of[trust.AccountAuthMethodID](), "AsyncEnrollmentID": of[trust.AsyncEnrollmentID](),
	"BlockID": of[trust.BlockID](), "Boolean": of[bool](), "Bytes": append(of[[]byte](), of[trust.TOTPSecret]()...), "CancelledGreetingAttemptReason": of[CancelledGreetingAttemptReason](),
	"DateTime": of[trust.DateTime](), "DeviceID": of[trust.DeviceID](), "EmailAddress": of[trust.EmailAddress](), "Float": of[float64](),
	"GreeterOrClaimer": of[GreeterOrClaimer](), "GreetingAttemptID": of[trust.GreetingAttemptID](), "HashDigest": of[trust.HashDigest](),
	"HumanHandle": of[trust.HumanHandle](), "Index": of[uint64](), "Integer": of[int64](), "InvitationStatus": of[InvitationStatus](),
	"InvitationType": of[InvitationType](), "NonZeroInteger": of[uint64](), "NonZeroU8": of[uint8](), "OrganizationID": of[trust.OrganizationID](),
	"PkiSignatureAlgorithm": of[PKISignatureAlgorithm](), "PublicKey": of[trust.PublicKey](), "SecretKey": of[trust.SecretKey](),
	"SequesterServiceID": of[trust.SequesterServiceID](), "Size": of[uint64](), "String": of[string](), "TOTPOpaqueKeyID": of[trust.TOTPOpaqueKeyID](),
	"UntrustedPasswordAlgorithm": of[trust.UntrustedPasswordAlgorithm](), "UserID": of[trust.UserID](), "UserProfile": of[trust.Profile](),
	"ValidationCode": of[trust.ValidationCode](), "VerifyKey": of[trust.VerifyKey](), "Version": of[uint32](),
	"VlobID": append(of[trust.VlobID](), of[trust.RealmID]()...),
}

func of[T any]() []reflect.Type { return []reflect.Type{reflect.TypeFor[T]()} }

// unionTypes are the unions: the variants, and what reads one.
var unionTypes = map[reflect.Type]struct {
	variants func() []any
	decode   func(*mpack.Reader) any
}{}

func registerUnion[U any](variants func() []U, decode func(*mpack.Reader, *U)) {
	entry := unionTypes[reflect.TypeFor[U]()]
	entry.variants = func() []any {
		all := []any{}
		for _, v := range variants() {
			all = append(all, v)
		}
		return all
	}
	entry.decode = func(r *mpack.Reader) any {
		v := *new(U)
		decode(r, &v)
		return v
	}
	unionTypes[reflect.TypeFor[U]()] = entry
}

func init() {
	registerUnion(VariantsOfAcceptSignature, decodeAcceptSignature)
	registerUnion(VariantsOfSubmitSignature, decodeSubmitSignature)
	registerUnion(VariantsOfAccountCreateStep, decodeAccountCreateStep)
	registerUnion(VariantsOfOpenBaoConfig, decodeOpenBaoConfig)
	registerUnion(VariantsOfOpenBaoSecretConfig, decodeOpenBaoSecretConfig)
	registerUnion(VariantsOfCryptPadConfig, decodeCryptPadConfig)
	registerUnion(VariantsOfGreeterStep, decodeGreeterStep)
	registerUnion(VariantsOfClaimerStep, decodeClaimerStep)
	registerUnion(VariantsOfInvitationCreatedBy, decodeInvitationCreatedBy)
	registerUnion(VariantsOfInviteListItem, decodeInviteListItem)
}

// comparison compares the structs of one command with the specification.
type comparison struct {
	t       *testing.T
	command *specCommand
}

func (c *comparison) definition(name string) *specDefinition {
	i := slices.IndexFunc(c.command.Types, func(d specDefinition) bool { return d.Name == name })
	if i < 0 {
		c.t.Fatalf("the specification defines no %s", name)
	}
	return &c.command.Types[i]
}

// tag is what a field says of itself on the wire.
type tag struct {
	name    string
	options []string
}

func tagOf(f reflect.StructField) tag {
	parts := strings.Split(f.Tag.Get("mp"), ",")
	return tag{parts[0], parts[1:]}
}

func (t tag) has(option string) bool { return slices.Contains(t.options, option) }

// fields compares those of a struct, in this order. The first may be constants.
func (c *comparison) fields(where string, s reflect.Type, constants []string, want []specField, sorted bool) {
	c.t.Helper()
	if sorted {
		want = slices.Clone(want)
		slices.SortFunc(want, func(a, b specField) int { return strings.Compare(a.Name, b.Name) })
	}
	if s.NumField() != len(constants)+len(want) {
		c.t.Errorf("%s has %d fields instead of %d", where, s.NumField(), len(constants)+len(want))
		return
	}
	for i := range s.NumField() {
		f := s.Field(i)
		tag := tagOf(f)
		if i < len(constants) {
			if got := tag.name + " " + strings.Join(tag.options, ","); got != constants[i] {
				c.t.Errorf("%s begins with %s instead of %s", where, got, constants[i])
			}
			continue
		}
		field := want[i-len(constants)]
		at := where + "." + field.Name
		if tag.name != field.Name {
			c.t.Errorf("%s is called %s", at, tag.name)
		}
		typ, nullable := f.Type, tag.has("null")
		// Peers take a limit that is absent for none.
		unlimited := field.Type.K == "scalar" && field.Type.Name == "ActiveUsersLimit"
		switch later := field.Presence == "may_be_absent"; {
		case tag.has("later") != later || tag.has("opt") != unlimited || tag.has("since"):
			c.t.Errorf("%s: may be absent: %v", at, later)
		case later && typ.Kind() == reflect.Pointer:
			typ = typ.Elem()
		}
		if unlimited {
			if typ != reflect.TypeFor[*uint64]() || !tag.has("opt") {
				c.t.Errorf("%s is a %s", at, typ)
			}
			continue
		}
		of := &field.Type
		if nullable != (of.K == "nullable") {
			c.t.Errorf("%s: nullable: %v", at, nullable)
		}
		if of.K == "nullable" {
			of = of.Of
			if typ.Kind() == reflect.Pointer {
				typ = typ.Elem()
			}
		}
		if of.K == "scalar" && strings.HasPrefix(of.Name, "NonZero") != tag.has("min=1") {
			c.t.Errorf("%s: zero or not", at)
		}
		c.value(at, typ, of)
	}
}

func (c *comparison) value(where string, typ reflect.Type, want *specType) {
	c.t.Helper()
	switch want.K {
	case "scalar":
		if !slices.Contains(goTypes[want.Name], typ) {
			c.t.Errorf("%s is a %s instead of %s", where, typ, want.Name)
		}
	case "list":
		if typ.Kind() != reflect.Slice {
			c.t.Errorf("%s is no list", where)
			return
		}
		c.value(where+"[]", typ.Elem(), want.Of)
	case "map":
		if typ.Kind() != reflect.Map {
			c.t.Errorf("%s is no map", where)
			return
		}
		c.value(where+" key", typ.Key(), want.Key)
		c.value(where+" value", typ.Elem(), want.Value)
	case "tuple":
		if typ.Kind() != reflect.Struct || typ.NumField() != len(want.Items) {
			c.t.Errorf("%s is not of %d parts", where, len(want.Items))
			return
		}
		for i := range want.Items {
			c.value(fmt.Sprint(where, ".", i), typ.Field(i).Type, &want.Items[i])
		}
	case "ref":
		c.named(where+":"+want.Name, typ, c.definition(want.Name))
	default:
		c.t.Errorf("%s: the specification says %s", where, want.K)
	}
}

func (c *comparison) named(where string, typ reflect.Type, want *specDefinition) {
	c.t.Helper()
	switch want.Kind {
	case "struct":
		c.fields(where, typ, nil, want.Fields, true)
	case "enum":
		values := []string{}
		for _, v := range want.Variants {
			values = append(values, v.Value)
		}
		c.enum(where, typ, values)
	case "tagged_union":
		u, ok := unionTypes[typ]
		if !ok || len(u.variants()) != len(want.Variants) {
			c.t.Errorf("%s: %s has not %d variants", where, typ, len(want.Variants))
			return
		}
		for _, v := range want.Variants {
			w := &mpack.Writer{}
			w.Map(1)
			w.String(want.Tag)
			w.String(v.TagValue)
			b, _ := w.Result()
			got := u.decode(mpack.NewReader(b))
			if got == nil {
				c.t.Errorf("%s: no variant %s", where, v.TagValue)
				continue
			}
			c.fields(where+"/"+v.TagValue, reflect.TypeOf(got).Elem(), nil, v.Fields, true)
		}
	default:
		c.t.Errorf("%s: the specification says %s", where, want.Kind)
	}
}

func (c *comparison) enum(where string, typ reflect.Type, want []string) {
	c.t.Helper()
	method, ok := typ.MethodByName("Values")
	if !ok {
		c.t.Errorf("%s: %s is no enumeration", where, typ)
		return
	}
	values := method.Func.Call([]reflect.Value{reflect.Zero(typ)})[0]
	got := []string{}
	for i := range values.Len() {
		got = append(got, values.Index(i).String())
	}
	if !slices.Equal(got, want) {
		c.t.Errorf("%s has values %v instead of %v", where, got, want)
	}
}

// replies compares statuses, fields of each, and their order.
func (c *comparison) replies(replies []Reply) {
	next := 0
	take := func(status string, constants []string, fields []specField) {
		where := c.command.Name + "/" + status
		if next == len(replies) || replies[next].Status() != status {
			c.t.Errorf("%s: not reply %d", where, next)
			return
		}
		c.fields(where, reflect.TypeOf(replies[next]).Elem(), constants, fields, true)
		next++
	}
	for _, r := range c.command.Responses {
		if r.Inline == "" {
			take(r.Status, nil, r.Fields)
			continue
		}
		d := c.definition(r.Inline)
		for _, v := range d.Variants {
			take(r.Status, []string{d.Tag + " const=" + v.TagValue}, v.Fields)
		}
	}
	if next != len(replies) {
		c.t.Errorf("%s has %d replies instead of %d", c.command.Name, len(replies), next)
	}
}

func readSpec(t *testing.T) *specFile {
	t.Helper()
	b, err := os.ReadFile("../../docs/spec/parsec-cloud-rpc.json")
	if err != nil {
		t.Fatal(err)
	}
	file := &specFile{}
	if err := json.Unmarshal(b, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestCommandsAreThoseOfTheSpecification compares both in both directions: every command, field, type and status, in order, and nothing else.
func TestCommandsAreThoseOfTheSpecification(t *testing.T) {
	spec, count := readSpec(t), 0
	for _, f := range spec.Families {
		family := familyOf(t, f.Name)
		for i := range f.Commands {
			count++
			want := &f.Commands[i]
			got := commandOf(t, family, want.Name)
			c := &comparison{t, want}
			if got.Request.Command() != want.Name || reflect.TypeOf(newRequest(family, want.Name)) != reflect.TypeOf(got.Request) {
				t.Errorf("%s %s is read as %s", family, want.Name, reflect.TypeOf(newRequest(family, want.Name)))
			}
			c.fields(want.Name, reflect.TypeOf(got.Request).Elem(), nil, want.Request.Fields, false)
			c.replies(got.Replies)
		}
	}
	for name, types := range goTypes {
		if typ := types[0]; typ.Kind() == reflect.String && typ.PkgPath() == reflect.TypeFor[Family]().PkgPath() {
			(&comparison{t: t}).enum(name, typ, strings.Split(spec.Encoding.Scalars[name].Detail, " | "))
		}
	}
	ours := 0
	for _, c := range Commands() {
		ours += len(c.Families)
	}
	if ours != count || count != 79 {
		t.Errorf("%d commands here, %d in the specification", ours, count)
	}
}
