//go:build interop

package reference

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// draw makes random objects: the same ones for the same seed.
type draw struct {
	*rand.Rand
	// turn counts what is drawn of a kind, for what every run must have.
	turn int
}

func newDraw(seed, stream uint64) *draw { return &draw{Rand: rand.New(rand.NewPCG(seed, stream))} }

// chance is true once in n times.
func (d *draw) chance(n int) bool { return d.IntN(n) == 0 }

func pick[T any](d *draw, from []T) T { return from[d.IntN(len(from))] }

func (d *draw) fill(b []byte) {
	for i := range b {
		b[i] = byte(d.Uint32())
	}
}

func (d *draw) bytes() []byte { return d.sized(d.IntN(60)) }

func (d *draw) sized(n int) []byte {
	b := make([]byte, n)
	d.fill(b)
	return b
}

// number has few bits as often as many.
func (d *draw) number(bits int) uint64 { return d.Uint64() >> (64 - 1 - d.IntN(bits)) }

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-éßÅ日本語ᚠ"

func (d *draw) word(least, most int) string {
	runes := []rune(letters)
	b := strings.Builder{}
	for range least + d.IntN(most-least+1) {
		b.WriteRune(pick(d, runes))
	}
	return b.String()
}

// email is mostly an address.
func (d *draw) email() string {
	space := func() string { return pick(d, []string{"", "", "", "", " ", "\t", "(a)", "\r\n "}) }
	atom := func() string {
		return pick(d, []string{"a", "b-c", "x--y", "z1", "-", "q-", "é", "!#$%&'*+/=?^_`{|}~", "Ab0"})
	}
	local := space() + atom() + space()
	if d.chance(2) {
		local += "." + space() + atom()
	}
	if d.chance(3) {
		quoted := pick(d, []string{"", "a", " a ", `\"`, `\ `, "a\tb", "\x01", "\r\n a", "\r\n", "@", `\`, "a\x7f"})
		local = space() + `"` + quoted + `"` + space()
	}
	domain := space() + atom() + pick(d, []string{"", ".", ". ", ".org", "-.org", " .org", ".(c (d))e"}) + space()
	if d.chance(4) {
		domain = space() + "[" + pick(d, []string{"", "127.0.0.1", " a ", `\`, "\x02", "[", "a b"}) + "]" + space()
	}
	return pick(d, []string{local, local, local, "a"}) + pick(d, []string{"@", "@", "@", "@", " @ ", "", "@@"}) +
		pick(d, []string{domain, domain, domain, "redacted.invalid", "Redacted.invalid", " redacted.invalid"})
}

// until repeats until a constructor takes what was drawn.
func until[T any](construct func() (T, error)) T {
	for range 1000 {
		if v, err := construct(); err == nil {
			return v
		}
	}
	panic(fmt.Sprintf("no constructor took what was drawn for %T", *new(T)))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (d *draw) time() trust.DateTime {
	return until(func() (trust.DateTime, error) {
		return trust.DateTimeFromMicros(pick(d, []int64{0, -1, -8334601228800000000, 8210266876799999999, int64(d.Uint64()) >> d.IntN(30)}))
	})
}

// special are types whose values have rules.
var special = map[reflect.Type]func(*draw) any{
	reflect.TypeFor[trust.DateTime](): func(d *draw) any { return d.time() },
	reflect.TypeFor[trust.VerifyKey](): func(d *draw) any {
		return must(must(trust.NewSigningKey(d.sized(32))).VerifyKey())
	},
	reflect.TypeFor[trust.EmailAddress](): func(d *draw) any {
		return until(func() (trust.EmailAddress, error) { return trust.NewEmailAddress(d.email()) })
	},
	reflect.TypeFor[trust.HumanLabel](): func(d *draw) any {
		return until(func() (trust.HumanLabel, error) { return trust.NewHumanLabel(d.word(1, 30)) })
	},
	reflect.TypeFor[trust.DeviceLabel](): func(d *draw) any {
		return until(func() (trust.DeviceLabel, error) { return trust.NewDeviceLabel(d.word(1, 30)) })
	},
	reflect.TypeFor[trust.EntryName](): func(d *draw) any {
		return until(func() (trust.EntryName, error) { return trust.NewEntryName(d.word(1, 30)) })
	},
	reflect.TypeFor[trust.OrganizationID](): func(d *draw) any {
		return until(func() (trust.OrganizationID, error) { return trust.NewOrganizationID(d.word(1, 12)) })
	},
	reflect.TypeFor[trust.Profile]():     func(d *draw) any { return pick(d, []trust.Profile{trust.Outsider, trust.Standard, trust.Admin}) },
	reflect.TypeFor[trust.Role]():        func(d *draw) any { return trust.Role(d.IntN(5)) },
	reflect.TypeFor[trust.Purpose]():     func(d *draw) any { return trust.Purpose(1 + d.IntN(4)) },
	reflect.TypeFor[trust.SecretKey]():   func(d *draw) any { return must(trust.NewSecretKey(d.sized(32))) },
	reflect.TypeFor[trust.AccessToken](): func(d *draw) any { return must(trust.NewAccessToken(d.sized(16))) },
	reflect.TypeFor[trust.FileOrigin]():  func(*draw) any { return trust.FileOrigin{} },
	reflect.TypeFor[trust.ArchivingConfiguration](): func(d *draw) any {
		c := trust.ArchivingConfiguration{State: pick(d, []trust.ArchivingState{trust.Available, trust.Archived, trust.DeletionPlanned})}
		if c.State == trust.DeletionPlanned {
			c.DeletionDate = d.time()
		}
		return c
	},
}

// object fills all fields of a structure.
func object[T any](d *draw) *T {
	o := new(T)
	d.set(reflect.ValueOf(o).Elem())
	return o
}

func (d *draw) set(v reflect.Value) {
	if makes, ok := special[v.Type()]; ok {
		v.Set(reflect.ValueOf(makes(d)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				d.set(v.Field(i))
			}
		}
	case reflect.Pointer:
		if !d.chance(3) {
			v.Set(reflect.New(v.Type().Elem()))
			d.set(v.Elem())
		}
	case reflect.Array, reflect.Slice, reflect.Map:
		d.setMany(v)
	case reflect.String:
		v.SetString(d.word(0, 30))
	case reflect.Bool:
		v.SetBool(d.chance(2))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		v.SetUint(d.number(v.Type().Bits()))
	case reflect.Int64, reflect.Int32, reflect.Int:
		v.SetInt(int64(d.number(v.Type().Bits()) >> 1))
	case reflect.Float64:
		v.SetFloat(pick(d, []float64{0, 1, 0.5, d.NormFloat64() * 1e6}))
	default:
		panic("nothing draws " + v.Type().String())
	}
}

func (d *draw) setMany(v reflect.Value) {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Array:
		for i := range v.Len() {
			d.set(v.Index(i))
		}
	case t.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(t))
		for range d.IntN(5) {
			key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			d.set(key)
			d.set(value)
			v.SetMapIndex(key, value)
		}
	case t.Elem().Kind() == reflect.Uint8:
		v.SetBytes(d.bytes())
	default:
		v.Set(reflect.MakeSlice(t, d.IntN(4), 4))
		for i := range v.Len() {
			d.set(v.Index(i))
		}
	}
}
