package tokentest

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// built holds the programs of this test process.
var built struct {
	dir        string // empty outside of Main
	helperOnce sync.Once
	helper     string
	helperErr  error
	shimOnce   sync.Once
	shim       string
	shimErr    error
}

// Main runs the tests of a package with a place for built programs, which it removes
// afterwards. TestMain calls it and exits with what it returns.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "parsec-pkcs11-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tokentest:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	built.dir = dir
	return m.Run()
}

// Need skips the test where a file or a program is missing, naming the Debian package that
// has it; under CI the test fails.
func Need(tb testing.TB, pkg string, names ...string) {
	tb.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if _, err := os.Stat(name); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			tb.Fatalf("%s is missing (Debian package %s)", name, pkg)
		}
		tb.Skipf("%s is missing (Debian package %s)", name, pkg)
	}
}

const module = "github.com/seed-73b3884f/parsec-agent"

// Helper returns the path of parsec-pkcs11-helper, built at its first use.
func Helper(tb testing.TB) string {
	tb.Helper()
	Need(tb, "gcc", "gcc")
	if built.dir == "" { // without Main it is built for the one test
		path := filepath.Join(tb.TempDir(), "parsec-pkcs11-helper")
		if err := BuildHelper(tb.Context(), path); err != nil {
			tb.Fatal(err)
		}
		return path
	}
	built.helperOnce.Do(func() {
		built.helper = filepath.Join(built.dir, "parsec-pkcs11-helper")
		built.helperErr = BuildHelper(context.WithoutCancel(tb.Context()), built.helper)
	})
	if built.helperErr != nil {
		tb.Fatal(built.helperErr)
	}
	return built.helper
}

// BuildHelper builds parsec-pkcs11-helper as path, which takes a C compiler.
func BuildHelper(ctx context.Context, path string) error {
	return build(ctx, []string{"CGO_ENABLED=1"}, "go", "build", "-o", path, module+"/providers/pkcs11/parsec-pkcs11-helper")
}

//go:embed testdata/shim.c
var shimSource []byte

// shimLibrary returns the path of the library of Shim, built at its first use.
func shimLibrary(tb testing.TB) string {
	tb.Helper()
	Need(tb, "gcc", "gcc")
	if built.dir == "" { // without Main it is built for the one test
		path, err := buildShim(tb.Context(), tb.TempDir())
		if err != nil {
			tb.Fatalf("the shim was not built: %v", err)
		}
		return path
	}
	built.shimOnce.Do(func() { built.shim, built.shimErr = buildShim(context.WithoutCancel(tb.Context()), built.dir) })
	if built.shimErr != nil {
		tb.Fatalf("the shim was not built: %v", built.shimErr)
	}
	return built.shim
}

// buildShim builds the library of Shim in a directory.
func buildShim(ctx context.Context, dir string) (string, error) {
	headers, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/miekg/pkcs11").Output()
	if err != nil {
		return "", err
	}
	source, library := filepath.Join(dir, "shim.c"), filepath.Join(dir, "libshim.so")
	if err := os.WriteFile(source, shimSource, 0o600); err != nil {
		return "", err
	}
	return library, build(ctx, nil, "gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-pthread",
		"-I", strings.TrimSpace(string(headers)), "-o", library, source, "-ldl")
}

func build(ctx context.Context, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	if msg, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, msg)
	}
	return nil
}
