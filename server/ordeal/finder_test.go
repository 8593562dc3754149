package ordeal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io"
	"regexp"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// finder looks for texts that must not be somewhere, in every form in which they could be: as they are, which is also how MessagePack has
// them, in hexadecimal digits, in base64 of every alignment, and so in what decompresses or decodes to something, several times over.
type finder struct {
	forms map[string][][]byte
}

const (
	// deepest is how many layers are taken off.
	deepest = 5
	// largest bounds what one frame may be expanded to.
	largest = 64 << 20
)

var (
	zstdFrame = []byte{0x28, 0xb5, 0x2f, 0xfd}
	hexText   = regexp.MustCompile(`[0-9a-fA-F]{32,}`)
	base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-]{16,}`)
)

// find makes a finder for texts by name, of 8 bytes at least.
func find(canaries map[string][]byte) *finder {
	f := &finder{map[string][][]byte{}}
	for name, c := range canaries {
		digits := []byte(hex.EncodeToString(c))
		f.forms[name] = append([][]byte{c, digits, bytes.ToUpper(digits)}, inBase64(c)...)
	}
	return f
}

// inBase64 is how a text looks within base64: its beginning and its end depend on what is beside it and are left out.
func inBase64(c []byte) (all [][]byte) {
	for before := range 3 {
		padded := append(make([]byte, before), c...)
		whole := padded[3*((before+2)/3) : len(padded)/3*3]
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			all = append(all, []byte(e.EncodeToString(whole)))
		}
	}
	return all
}

// in adds the names of what is found to a set.
func (f *finder) in(data []byte, found map[string]bool) { f.layer(data, found, deepest) }

func (f *finder) layer(data []byte, found map[string]bool, layers int) {
	for name, forms := range f.forms {
		for _, form := range forms {
			if !found[name] && bytes.Contains(data, form) {
				found[name] = true
			}
		}
	}
	if layers == 0 {
		return
	}
	for rest := data; ; {
		at := bytes.Index(rest, zstdFrame)
		if at < 0 {
			break
		}
		if plain := expanded(rest[at:]); len(plain) > 0 {
			f.layer(plain, found, layers-1)
		}
		rest = rest[at+1:]
	}
	for _, run := range hexText.FindAll(data, -1) {
		for range 2 { // where it begins is not known
			if plain, err := hex.DecodeString(string(run[:len(run)/2*2])); err == nil {
				f.layer(plain, found, layers-1)
			}
			run = run[1:]
		}
	}
	for _, run := range base64Run.FindAll(data, -1) {
		for range 4 { // where it begins is not known
			for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				if plain, err := e.DecodeString(whole(run)); err == nil && bytes.Contains(plain, zstdFrame) {
					f.layer(plain, found, layers-1)
				}
			}
			run = run[1:]
		}
	}
}

// whole leaves out a last digit that means nothing alone.
func whole(run []byte) string {
	if len(run)%4 == 1 {
		run = run[:len(run)-1]
	}
	return string(run)
}

// expanded is what a frame holds, whatever follows it.
func expanded(frame []byte) []byte {
	d, err := zstd.NewReader(bytes.NewReader(frame), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(largest))
	if err != nil {
		return nil
	}
	defer d.Close()
	plain, _ := io.ReadAll(io.LimitReader(d, largest)) // what follows the frame is no frame
	return plain
}

// TestFinder: what is planted is found, in every form, and nothing else is.
func TestFinder(t *testing.T) {
	secret := []byte("the canary sings")
	packed := func(b []byte) []byte {
		e, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = e.Close() }()
		return e.EncodeAll(b, nil)
	}
	within := func(b []byte) []byte {
		return append(append([]byte("\x82\xa1a\xc4\x30 before"), b...), " \xffbehind"...)
	}
	text := func(e *base64.Encoding, b []byte) []byte { return []byte(e.EncodeToString(b)) }
	long := append(bytes.Repeat([]byte("a long text that is compressed. "), 100), secret...)
	for name, planted := range map[string][]byte{
		"as it is": secret, "hexadecimal": []byte(hex.EncodeToString(secret)), "capitals": bytes.ToUpper([]byte(hex.EncodeToString(secret))),
		"base64": text(base64.StdEncoding, secret), "base64 after one": text(base64.StdEncoding, append([]byte("x"), secret...)),
		"base64 after two": text(base64.URLEncoding, append([]byte("xx"), secret...)), "compressed": packed(within(long)),
		"compressed twice": packed(within(packed(within(long)))), "compressed in base64": text(base64.StdEncoding, within(packed(within(long)))),
		"compressed in base64 of addresses":    text(base64.RawURLEncoding, packed(within(long))),
		"base64 of compressed, in hexadecimal": []byte(hex.EncodeToString(text(base64.StdEncoding, packed(within(long))))),
		"behind another frame":                 append(packed([]byte("nothing")), packed(within(long))...),
	} {
		found := map[string]bool{}
		find(map[string][]byte{"it": secret, "other": []byte("another canary")}).in(within(planted), found)
		if len(found) != 1 || !found["it"] {
			t.Errorf("%s: found %v", name, found)
		}
	}
}
