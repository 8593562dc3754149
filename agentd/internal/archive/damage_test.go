package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// refused asserts that an archive opens for nobody, and that the error says which.
func refused(t *testing.T, what string, archive []byte) {
	t.Helper()
	_, err := NewReader(t.Context(), bytes.NewReader(archive), []byte(passphrase))
	if s := wire.StatusOf(err); s != wire.StatusDataCorrupt && !errors.Is(err, ErrPassphrase) {
		t.Errorf("%s: %v", what, err)
	}
}

func TestEveryChangedByteIsRefused(t *testing.T) {
	archive := write(t, samples()[:2])
	for i := range archive {
		for _, bit := range []byte{0x01, 0x80} {
			changed := bytes.Clone(archive)
			changed[i] ^= bit
			refused(t, fmt.Sprintf("byte %d ^ %#x", i, bit), changed)
		}
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	archive := write(t, samples()[:2])
	for i := range archive {
		refused(t, fmt.Sprintf("first %d bytes", i), archive[:i])
	}
	refused(t, "one byte more", append(bytes.Clone(archive), 0))
	refused(t, "twice", append(bytes.Clone(archive), archive...))
}

// An archive of several of age's chunks, cut between two of them.
func TestCutAtAChunkIsRefused(t *testing.T) {
	r := samples()[0]
	r.Material = make([]byte, 200<<10)
	archive := write(t, []Record{r})
	const chunk = 64<<10 + 16
	header := bytes.Index(archive, []byte("\n---")) + len("\n--- ") + 43 + len("\n") + 16
	if (len(archive)-header)%chunk == 0 {
		t.Fatal("the archive ends with a whole chunk")
	}
	for end := header; end < len(archive); end += chunk {
		refused(t, fmt.Sprintf("cut at %d of %d", end, len(archive)), archive[:end])
	}
}

func TestOtherFilesAreRefused(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var toKey bytes.Buffer
	w, err := age.Encrypt(&toKey, identity.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	archive := write(t, nil)
	for name, file := range map[string][]byte{
		"empty":             {},
		"text":              []byte("hello\n"),
		"age version 2":     bytes.Replace(archive, []byte("/v1"), []byte("/v2"), 1),
		"age to a key":      toKey.Bytes(),
		"endless header":    append([]byte("age-encryption.org/v1\n-> scrypt "), bytes.Repeat([]byte("a"), 1<<20)...),
		"too expensive":     bytes.Replace(archive, []byte(" 1\n"), []byte(" 19\n"), 1),
		"far too expensive": bytes.Replace(archive, []byte(" 1\n"), []byte(" 99999999999\n"), 1),
		"other content":     encrypt(t, "hello\n"),
		"no content":        encrypt(t, ""),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewReader(t.Context(), bytes.NewReader(file), []byte(passphrase))
			if wire.StatusOf(err) != wire.StatusDataCorrupt {
				t.Errorf("got %v", err)
			} else if len(err.Error()) > 400 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

// encrypt seals any content with the right passphrase.
func encrypt(t *testing.T, plain string) []byte {
	t.Helper()
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(1)
	var buf bytes.Buffer
	w, err := age.Encrypt(&buf, r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// plain returns the lines inside an archive of the records.
func plain(t testing.TB, records []Record) string {
	t.Helper()
	var buf bytes.Buffer
	p := plainWriter{}
	if err := p.begin(&buf, Manifest{AgentVersion: "1.2.3", Created: created, Keys: len(records)}); err != nil {
		t.Fatal(err)
	}
	for i := range records {
		if err := p.write(&records[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// scan reads lines to their end.
func scan(lines string) (*scanner, error) {
	s, err := newScanner(strings.NewReader(lines))
	for err == nil {
		_, err = s.next()
	}
	if errors.Is(err, io.EOF) {
		return s, nil
	}
	return nil, err
}

// ended returns lines with a right end: what somebody with the passphrase can make.
func ended(keys, material int, lines ...string) string {
	all := strings.Join(lines, "")
	sum := sha256.Sum256([]byte(all))
	return all + fmt.Sprintf(`{"record":"end","keys":%d,"material":%d,"sha256":"%s"}`+"\n", keys, material, hex.EncodeToString(sum[:]))
}

func TestContentIsRefused(t *testing.T) {
	good := plain(t, samples()[:1])
	lines := strings.SplitAfter(good, "\n")
	manifest, record, end := lines[0], lines[1], lines[2]
	if ended(1, 1, manifest, record) != good {
		t.Fatalf("the test makes another end than the writer: %q", good)
	}
	edit := func(from, to string) string {
		changed := strings.Replace(record, from, to, 1)
		if changed == record {
			t.Fatalf("%q is not in %q", from, record)
		}
		return ended(1, 1, manifest, changed)
	}
	for name, c := range map[string]string{
		"no end":                   manifest + record,
		"unfinished end":           good[:len(good)-1],
		"no manifest":              ended(1, 1, record),
		"manifest twice":           ended(1, 1, manifest, manifest, record),
		"record missing":           manifest + end,
		"record twice":             ended(2, 2, manifest, record, record),
		"line behind the end":      good + record,
		"byte behind the end":      good + "x",
		"empty line behind":        good + "\n",
		"two ends":                 good + end,
		"empty line":               ended(1, 1, manifest, "\n", record),
		"wrong number of keys":     ended(2, 1, manifest, record),
		"wrong number of material": ended(1, 0, manifest, record),
		"end with a space":         manifest + record + strings.Replace(end, ",", ", ", 1),
		"upper-case digest":        manifest + record + strings.ToUpper(end),
		"line ends of DOS":         strings.ReplaceAll(good, "\n", "\r\n"),
		"byte order mark":          "\ufeff" + good,
		"other format":             ended(1, 1, strings.Replace(manifest, "backup", "restore", 1), record),
		"manifest with a space":    ended(1, 1, strings.Replace(manifest, ",", ", ", 1), record),
		"date of another zone":     ended(1, 1, strings.Replace(manifest, "11Z", "11+00:00", 1), record),
		"negative number of keys":  ended(1, 1, strings.Replace(manifest, `"keys":1`, `"keys":-1`, 1), record),
		"unknown field":            edit(`"app"`, `"x":1,"app"`),
		"field twice":              edit(`"app"`, `"app":"0","app"`),
		"field in other case":      edit(`"app"`, `"APP"`),
		"field missing":            edit(`"app":"1000",`, ``),
		"other order":              edit(`"record":"key","auth":3`, `"auth":3,"record":"key"`),
		"needless escape":          edit(`1000`, `\u0031000`),
		"invalid UTF-8":            edit(`1000`, "\xff"),
		"lone surrogate":           edit(`1000`, `\ud800`),
		"unknown kind of line":     edit(`"key"`, `"kex"`),
		"unknown authenticator":    edit(`"auth":3`, `"auth":9`),
		"other provider":           edit(`"provider":{"id":1`, `"provider":{"id":2`),
		"other provider UUID":      edit(`1c1139dc`, `1c1139dd`),
		"unknown key type":         edit(`"type":11`, `"type":99`),
		"unknown usage":            edit(`"usage":160`, `"usage":65535`),
		"number too large":         edit(`"usage":160`, `"usage":65536`),
		"null key id":              edit(`"key_id":"AAAAAA=="`, `"key_id":null`),
		"no material":              edit(`"oKCg`, `"","material":"oKCg`),
		"material empty":           ended(1, 1, manifest, record[:strings.Index(record, materialField)]+materialField+"\"}\n"),
		"material and note":        edit(`,"material"`, `,"note":"x","material"`),
		"material with line end":   edit(`"oKCg`, `"oK\nCg`),
		"material with return":     edit(`"oKCg`, "\"oK\rCg"),
		"material with bits left":  edit(`KA="}`, `KB="}`),
		"material not padded":      edit(`="}`, `"}`),
		"material URL-safe":        edit(`"oKCg`, `"oK-_`),
		"material before note":     edit(`"}`, `","note":"x"}`),
		"space at the end":         edit(`"}`, `"} `),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := scan(c); wire.StatusOf(err) != wire.StatusDataCorrupt {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLaterVersion(t *testing.T) {
	later := ended(0, 0, `{"format":"parsec-agent backup","version":2,"something":"new"}`+"\n")
	_, err := scan(later)
	if wire.StatusOf(err) != wire.StatusNotSupported || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("got %v", err)
	}
}

// endless is a stream without a line feed.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	e.read += len(p)
	return len(p), nil
}

func TestEndlessLine(t *testing.T) {
	e := &endless{}
	if _, err := newScanner(e); wire.StatusOf(err) != wire.StatusDataCorrupt {
		t.Errorf("got %v", err)
	}
	if e.read > 2*maxLine {
		t.Errorf("read %d bytes", e.read)
	}
}

// A record longer than the limit that arrives at once is refused too.
func TestLongLine(t *testing.T) {
	l := lineReader{r: strings.NewReader(strings.Repeat("a", maxLine+1) + "\nb\n")}
	if _, err := l.next(); !errors.Is(err, errLong) {
		t.Errorf("got %v", err)
	}
	l = lineReader{r: strings.NewReader(strings.Repeat("a", maxLine) + "\nb\n")}
	for _, want := range []int{maxLine, 1} {
		if line, err := l.next(); err != nil || len(line) != want {
			t.Errorf("%d bytes, %v", len(line), err)
		}
	}
	if _, err := l.next(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

// Another archive in the place of the one that was verified.
func TestReplacedArchive(t *testing.T) {
	a, b := open(t, write(t, samples()[:2])), open(t, write(t, samples()[2:4]))
	a.src, a.key = b.src, b.key
	if err := a.Rewind(); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil {
		_, err = a.Next()
	}
	if wire.StatusOf(err) != wire.StatusDataCorrupt || !strings.Contains(err.Error(), "replaced") {
		t.Errorf("got %v", err)
	}
}

func TestWriterRefusesAndGoesOn(t *testing.T) {
	var buf bytes.Buffer
	p := plainWriter{}
	if err := p.begin(&buf, Manifest{Created: created}); err != nil {
		t.Fatal(err)
	}
	good := samples()[0]
	if err := p.write(&good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Record){
		"twice":                 func(*Record) {},
		"name not UTF-8":        func(r *Record) { r.Name = "\xff" },
		"name too long":         func(r *Record) { r.Name = psa.KeyName(strings.Repeat("a", MaxName+1)) },
		"app not UTF-8":         func(r *Record) { r.Owner.App = "\xff" },
		"app too long":          func(r *Record) { r.Owner.App = strings.Repeat("a", MaxApp+1) },
		"unknown authenticator": func(r *Record) { r.Owner.Auth = 5 },
		"provider and UUID":     func(r *Record) { r.Provider.ID = wire.ProviderTPM },
		"provider name":         func(r *Record) { r.Provider.Name = strings.Repeat("a", MaxText+1) },
		"unknown UUID":          func(r *Record) { r.Provider.ID, r.Provider.UUID = kim.UnknownProvider, "\xff" },
		"key id too long":       func(r *Record) { r.KeyID = make([]byte, MaxKeyID+1) },
		"material too long":     func(r *Record) { r.Material = make([]byte, MaxMaterial+1) },
		"neither":               func(r *Record) { r.Material = nil },
		"both":                  func(r *Record) { r.Note = "x" },
		"attributes":            func(r *Record) { r.Attributes.Type = 0 },
	} {
		bad := samples()[0]
		spoil(&bad)
		if err := p.write(&bad); wire.StatusOf(err) != wire.StatusInvalidArgument {
			t.Errorf("%s: %v", name, err)
		} else if len(err.Error()) > 400 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
	noted := samples()[1]
	noted.Material, noted.Note = nil, "bad \xff\x1b[31m "+strings.Repeat("漢", MaxNote)
	if err := p.write(&noted); err != nil {
		t.Errorf("a note is made to fit: %v", err)
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
	s, err := scan(buf.String())
	if err != nil || s.end.Keys != 2 || s.end.Material != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	if err := p.write(&good); err == nil {
		t.Error("written behind the end")
	}
	if err := p.close(); err == nil {
		t.Error("closed twice")
	}
}

// full is a disk with little room.
type full struct{ room int }

var errFull = errors.New("no space left on device")

func (f *full) Write(b []byte) (int, error) {
	n := min(f.room, len(b))
	if f.room -= n; n < len(b) {
		return n, errFull
	}
	return n, nil
}

func TestFullDisk(t *testing.T) {
	records := samples()
	size := len(write(t, records))
	for room := 0; room < size; room += 61 {
		w, err := NewWriter(t.Context(), &full{room}, WriterOptions{Passphrase: []byte(passphrase), testOnlyWorkFactor: 1})
		for i := range records {
			if err == nil {
				err = w.Write(&records[i])
			}
		}
		if err == nil {
			err = w.Close()
		}
		if !errors.Is(err, errFull) {
			t.Errorf("room for %d of %d bytes: %v", room, size, err)
		}
	}
}
