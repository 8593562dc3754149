package ondisk_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/kimtest"
	"github.com/seed-73b3884f/parsec-agent/kim/ondisk"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func name(text string) string { return base64.URLEncoding.EncodeToString([]byte(text)) }

// tree writes files below dir; a path that ends with a slash is a directory.
func tree(tb testing.TB, dir string, files map[string]string) {
	tb.Helper()
	for path, content := range files {
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			tb.Fatal(err)
		}
		var err error
		if strings.HasSuffix(path, "/") {
			err = os.MkdirAll(full, 0o700)
		} else {
			err = os.WriteFile(full, []byte(content), 0o600)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// snapshot returns all files and directories below dir with modes and contents.
func snapshot(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		text := fi.Mode().String()
		if fi.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += " " + string(b)
		}
		all[rel] = text
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func mustOpen(tb testing.TB, dir string, o ondisk.Options) *ondisk.Store {
	tb.Helper()
	s, err := ondisk.Open(tb.Context(), dir, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// content is a file of the original's for p256.
func content(tb testing.TB) string {
	tb.Helper()
	vectors, _ := kimtest.Vectors(tb)
	return string(vectors[0].Content)
}

// originalDirectory writes the 27 files of the original's software provider, and the TPM's
// root key, which the original keeps as its own.
func originalDirectory(tb testing.TB, dir string) (entries []kim.Entry) {
	tb.Helper()
	vectors, _ := kimtest.Vectors(tb)
	files := map[string]string{}
	for _, v := range vectors {
		if v.AuthenticatorID == int64(wire.AuthInternal) {
			v.File = "parsec/dHBtUm9vdEtleVRQTQ=="
			v.Content = append(kim.AppendBytes(nil, v.KeyID), v.Attributes...)
		}
		if v.File != "" {
			files[v.File] = string(v.Content)
			entries = append(entries, v.Entry(tb))
		}
	}
	if len(entries) != 28 {
		tb.Fatalf("%d files", len(entries))
	}
	tree(tb, dir, files)
	return entries
}

func vectorOptions() ondisk.Options {
	o := options()
	o.Providers[wire.ProviderTPM] = kim.Provider{
		ID: wire.ProviderTPM, UUID: kim.ProviderUUID(wire.ProviderTPM), Name: "tpm-provider",
	}
	return o
}

func TestTakesOverTheOriginalsFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mappings")
	want := originalDirectory(t, dir)
	before := snapshot(t, dir)
	s := mustOpen(t, dir, vectorOptions())
	kimtest.Same(t, "directory after opening", snapshot(t, dir), before)
	if len(s.All()) != len(want) {
		t.Errorf("%d entries of %d files", len(s.All()), len(want))
	}
	for _, e := range want {
		got, err := s.Get(e.Owner, e.Name, e.Provider)
		if err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
		kimtest.Same(t, string(e.Name), got, e)
		if err := s.Update(t.Context(), got); err != nil { // writes the same again
			t.Fatal(err)
		}
	}
	kimtest.Same(t, "directory after rewriting", snapshot(t, dir), before)
	for _, e := range want {
		if err := s.Delete(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	kimtest.Same(t, "files after deleting", files(snapshot(t, dir)), []string(nil))
}

func files(tree map[string]string) (names []string) {
	for path, text := range tree {
		if !strings.HasPrefix(text, "d") {
			names = append(names, path)
		}
	}
	slices.Sort(names)
	return names
}

func TestWritesTheOriginalsFiles(t *testing.T) {
	dir := t.TempDir()
	theirs, our := filepath.Join(dir, "theirs"), filepath.Join(dir, "new", "mappings")
	entries := originalDirectory(t, theirs)
	s := mustOpen(t, our, vectorOptions())
	for _, e := range entries {
		if err := kimtest.Create(t, s, e); err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
	}
	kimtest.Same(t, "directory", snapshot(t, our), snapshot(t, theirs))
	for path, text := range snapshot(t, our) {
		if !strings.HasPrefix(text, "drwx------") && !strings.HasPrefix(text, "-rw-------") {
			t.Errorf("%s has mode %.10s", path, text)
		}
	}
}

// TestIgnores: what the original ignores, we ignore, and leave alone.
func TestIgnores(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mappings")
	tree(t, dir, map[string]string{
		"README": "x", ".hidden": "x", "not base64/": "", "not base64/file": "x", "zz/9/": "",
		name("1000") + "/a note": "x", name("1000") + "/" + name("agent-"): "x", name("1000") + "/1/directory/": "",
		name("1000") + "/1/directory/deep": "x", "parsec/directory/deep": "x", "parsec/" + name("elsewhere"): "x",
		name("1000") + "/2/" + name("key"): content(t),
	})
	before := snapshot(t, dir)
	s := mustOpen(t, dir, options())
	e := kimtest.P256Key("key")
	e.Provider = kimtest.Token
	kimtest.Same(t, "all", s.All(), []kim.Entry{e})
	kimtest.Same(t, "directory", snapshot(t, dir), before)
}

func TestSweepsTemporaryFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mappings")
	tree(t, dir, map[string]string{".agent-new-ABC": "half", name("1000") + "/1/" + name("key"): content(t)})
	mustOpen(t, dir, options())
	kimtest.Same(t, "files", files(snapshot(t, dir)), []string{name("1000") + "/1/" + name("key")})
}

func TestRefusals(t *testing.T) {
	good := content(t)
	key := name("key")
	mine := ownFile(t)
	for what, c := range map[string]struct {
		path, content string
		words         []string
	}{
		"application not base64":     {"zz/1/" + key, good, []string{"application's directory", "base64"}},
		"application without pads":   {"MA/1/" + key, good, []string{"base64"}},
		"application not UTF-8":      {"_w==/1/" + key, good, []string{"UTF-8"}},
		"provider not a number":      {"MA==/x/" + key, good, []string{`"x" is not the number of a provider`}},
		"provider with zero":         {"MA==/01/" + key, good, []string{"number of a provider"}},
		"unknown provider":           {"MA==/6/" + key, good, []string{"number of a provider"}},
		"key not base64":             {"MA==/1/key", good, []string{"base64"}},
		"key with a newline":         {"MA==/1/a2V5\n", good, []string{"base64"}},
		"key with stray bits":        {"MA==/1/YR==", good, []string{"base64"}},
		"key not UTF-8":              {"MA==/1/_w==", good, []string{"UTF-8"}},
		"internal not base64":        {"parsec/agent", good, []string{"base64"}},
		"empty":                      {"MA==/1/" + key, "", []string{"ends before its length"}},
		"cut":                        {"MA==/1/" + key, good[:len(good)-1], []string{"end too early"}},
		"key id too long":            {"MA==/1/" + key, "\xff\xff\xff\xff\xff\xff\xff\xff" + good, []string{"announces"}},
		"unknown type":               {"MA==/1/" + key, strings.Replace(good, "\x0a", "\x7f", 1), []string{"unknown key type 127"}},
		"too large":                  {"MA==/1/" + key, good + strings.Repeat("x", 1<<20), []string{"larger than"}},
		"ours with a foreign name":   {"MA==/" + name("agent-"+strings.Repeat("0", 64)), mine, []string{"should be"}},
		"ours, not ours":             {"MA==/" + name("agent-"+strings.Repeat("0", 64)), "x", []string{"does not begin"}},
		"ours, newer":                {"MA==/" + name("agent-"+strings.Repeat("0", 64)), "PAGTKEY\x00\x03\x00\x00\x00\x01", []string{"version 3"}},
		"ours, unknown flags":        {"MA==/" + name("agent-"+strings.Repeat("0", 64)), "PAGTKEY\x00\x02\x00\x00\x00\x01\x03", []string{"flags"}},
		"ours, no flags":             {"MA==/" + name("agent-"+strings.Repeat("0", 64)), "PAGTKEY\x00\x02\x00\x00\x00\x01", []string{"flags"}},
		"ours, cut":                  {"parsec/" + name("agent-"+strings.Repeat("0", 64)), mine[:30], []string{"byte vector"}},
		"ours, bytes behind the end": {"parsec/" + name("agent-"+strings.Repeat("0", 64)), mine + "x", []string{"behind its end"}},
	} {
		t.Run(what, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "mappings")
			tree(t, dir, map[string]string{c.path: c.content, name("2") + "/1/" + key: good})
			refused(t, dir, c.path, c.words...)
		})
	}
}

func refused(t *testing.T, dir, path string, words ...string) {
	t.Helper()
	before := snapshot(t, dir)
	for range 2 { // a failed opening leaves no lock
		_, err := ondisk.Open(t.Context(), dir, options())
		e, ok := errors.AsType[*wire.Error](err)
		if !ok {
			t.Fatalf("error %v", err)
		}
		if e.Object != filepath.Join(dir, path) || e.Status != wire.StatusKeyInfoManagerError || e.Remedy == "" {
			t.Errorf("object %q, status %d, remedy %q", e.Object, e.Status, e.Remedy)
		}
		for _, w := range words {
			if !strings.Contains(e.Error(), w) {
				t.Errorf("error %q does not say %q", e, w)
			}
		}
	}
	kimtest.Same(t, "directory", snapshot(t, dir), before)
}

// ownFile returns the content of a file of ours.
func ownFile(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "mappings")
	s := mustOpen(tb, dir, options())
	e := kimtest.P256Key("key")
	e.Attributes = kimtest.Ed25519()
	if err := kimtest.Create(tb, s, e); err != nil {
		tb.Fatal(err)
	}
	tree := snapshot(tb, dir)
	names := files(tree)
	if len(names) != 1 || !strings.HasPrefix(names[0], name("1000")+"/"+name("agent-")[:8]) {
		tb.Fatalf("files %q", names)
	}
	_, text, _ := strings.Cut(tree[names[0]], " ")
	return text
}

// TestAdoptedFile: an adopted key is a file of ours whatever its attributes are.
func TestAdoptedFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mappings")
	s := mustOpen(t, dir, options())
	e := kimtest.P256Key("key")
	r, err := s.Reserve(e.Owner, e.Name, e.Provider)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Adopt(t.Context(), []byte("id"), e.Attributes); err != nil {
		t.Fatal(err)
	}
	found := files(snapshot(t, dir))
	if len(found) != 1 || !strings.HasPrefix(found[0], name("1000")+"/"+name("agent-")[:8]) {
		t.Fatalf("files: %q", found)
	}
	b, err := os.ReadFile(filepath.Join(dir, found[0]))
	if err != nil {
		t.Fatal(err)
	}
	const want = "50414754" + "4b455900" + "02000000" + "01" + "01" + "0300000000000000" + "6b6579" + "0200000000000000" + "6964" +
		"3200000000000000" +
		"01000000" + "01000000" + "0a000000" + "01000000" + "0001000000000000" + "00000000000101010100" + "05000000" + "03000000" + "00000000" + "06000000"
	kimtest.Same(t, "file", hex.EncodeToString(b), want)
}

func TestRefusesLinks(t *testing.T) {
	for _, path := range []string{"MA==", "MA==/1", "MA==/1/" + name("key"), "parsec/" + name("tpmx")} {
		dir := filepath.Join(t.TempDir(), "mappings")
		tree(t, dir, map[string]string{path: ""})
		if err := os.Remove(filepath.Join(dir, path)); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/etc/passwd", filepath.Join(dir, path)); err != nil {
			t.Fatal(err)
		}
		_, err := ondisk.Open(t.Context(), dir, options())
		if err == nil || !strings.Contains(err.Error(), path+": it is neither a file nor a directory") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestLocked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mappings")
	release := kimtest.LockFile(t, dir+".lock")
	if _, err := ondisk.Open(t.Context(), dir, options()); !errors.Is(err, kim.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v, want ErrLocked with the path", err)
	}
	release()
	mustOpen(t, dir, options())
}

// TestOpeningsHaveTheirOwnNames: a reload can name providers otherwise, or exchange the
// authenticator.
func TestOpeningsHaveTheirOwnNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mappings")
	old := mustOpen(t, dir, options())
	e := kimtest.P256Key("key")
	if err := kimtest.Create(t, old, e); err != nil {
		t.Fatal(err)
	}
	young := mustOpen(t, dir, ondisk.Options{Auth: wire.AuthDirect})
	kimtest.Same(t, "old", old.All(), []kim.Entry{e})
	e.Owner.Auth, e.Provider.Name = wire.AuthDirect, ""
	kimtest.Same(t, "young", young.All(), []kim.Entry{e})
}

// TestUnknownProviderGoesIntoOurFiles: the original would not start with its directory.
func TestUnknownProviderGoesIntoOurFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mappings")
	s := mustOpen(t, dir, options())
	e := kimtest.P256Key("key")
	e.Provider = kim.Provider{ID: 77}
	own := e
	own.Owner = kim.Internal()
	for _, e := range []kim.Entry{e, own} {
		if err := kimtest.Create(t, s, e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, name("1000"), "77")); err == nil {
		t.Error("there is a directory that the original would not start with")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	kimtest.Same(t, "after reopening", mustOpen(t, dir, options()).All(), []kim.Entry{e, own})
}

func TestChangedByOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mappings")
	s := mustOpen(t, dir, options())
	mine := kimtest.P256Key("mine")
	if err := kimtest.Create(t, s, mine); err != nil {
		t.Fatal(err)
	}
	changes := func(what string, errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err == nil || !strings.Contains(err.Error(), "another program") || wire.StatusOf(err) != wire.StatusKeyInfoManagerError {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	path := func(key string) string { return name("1000") + "/1/" + name(key) }
	theirs := strings.Replace(content(t), "\x02", "\x07", 1)
	tree(t, dir, map[string]string{path("appeared"): theirs, path("mine"): theirs})
	before := snapshot(t, dir)
	changed := mine
	changed.KeyID = []byte("changed")
	changes("create what is there", kimtest.Create(t, s, kimtest.P256Key("appeared")), kimtest.Create(t, s, kimtest.P256Key("appeared")))
	changes("change what changed", s.Update(t.Context(), changed), s.Delete(t.Context(), mine))
	kimtest.Same(t, "directory", snapshot(t, dir), before)

	again := mustOpen(t, dir, options())
	mine.KeyID = []byte{7, 0, 0, 0}
	appeared := kimtest.P256Key("appeared")
	appeared.KeyID = mine.KeyID
	kimtest.Same(t, "after a reload", s.All(), []kim.Entry{appeared, mine})
	if err := again.Delete(t.Context(), appeared); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(dir, path("mine"))); err != nil {
		t.Fatal(err)
	}
	changes("change what disappeared", s.Update(t.Context(), changed), s.Delete(t.Context(), mine))

	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	changes("create in a directory that is gone", kimtest.Create(t, s, kimtest.P256Key("k")))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	changes("create in another directory", kimtest.Create(t, s, kimtest.P256Key("k")))
	mustOpen(t, dir, options())
	kimtest.Same(t, "after a reload", s.All(), []kim.Entry{})
	if err := kimtest.Create(t, s, kimtest.P256Key("k")); err != nil {
		t.Error(err)
	}
}

func TestReservedNameTakenByOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mappings")
	s := mustOpen(t, dir, options())
	r, err := s.Reserve(kimtest.Alice, "key", kimtest.Software)
	if err != nil {
		t.Fatal(err)
	}
	tree(t, dir, map[string]string{name("1000") + "/1/" + name("key"): content(t)})
	mustOpen(t, dir, options())
	if err := r.Commit(t.Context(), []byte("mine"), kimtest.Ed25519()); !errors.Is(err, kim.ErrExists) {
		t.Errorf("commit in a file of ours: %v", err)
	}
	kimtest.Same(t, "all", s.All(), []kim.Entry{kimtest.P256Key("key")})
}
