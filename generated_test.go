package house_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

var protocVersion = regexp.MustCompile(`(?m)^// \tprotoc .*\n`)

// TestGeneratedCodeIsCurrent generates the protobuf messages again, with the generator of
// the very module version that go.mod requires.
func TestGeneratedCodeIsCurrent(t *testing.T) {
	protoc, err := exec.LookPath("protoc")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("protoc is missing (Debian package protobuf-compiler)")
		}
		t.Skip("protoc is missing (Debian package protobuf-compiler)")
	}
	dir := t.TempDir()
	plugin := filepath.Join(dir, "protoc-gen-go")
	run(t, "go", "build", "-o", plugin, "google.golang.org/protobuf/cmd/protoc-gen-go")
	for _, file := range files(t, ".proto") {
		in, name := filepath.Split(file)
		run(t, protoc, "--plugin=protoc-gen-go="+plugin, "--go_out=paths=source_relative:"+dir, "-I", in, name)
		generated := name[:len(name)-len(".proto")] + ".pb.go"
		want := protocVersion.ReplaceAllString(read(t, filepath.Join(dir, generated)), "")
		if got := protocVersion.ReplaceAllString(read(t, filepath.Join(in, generated)), ""); got != want {
			t.Errorf("%s is not what %s says: run make generate", filepath.Join(in, generated), file)
		}
	}
}

// TestGeneratedCodecsAreCurrent generates the MessagePack codecs again.
func TestGeneratedCodecsAreCurrent(t *testing.T) {
	for dir, options := range map[string][]string{"trust": nil, "proto/cloud": {"-alias", "-trust", "trust"}, "enrol": {"-trust", "trust"}} {
		out := filepath.Join(t.TempDir(), "codec_gen.go")
		run(t, "go", slices.Concat([]string{"run", "./trust/mpack/codecgen", "-o", out}, options, []string{dir})...)
		if read(t, out) != read(t, filepath.Join(dir, "codec_gen.go")) {
			t.Errorf("%s/codec_gen.go is not what the types there say: run make generate", dir)
		}
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}
