package s3test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// find returns the gateway: the one of the path, or what make built in the tree that the
// test belongs to.
func find(t testing.TB) string {
	t.Helper()
	if path, err := exec.LookPath("versitygw"); err == nil {
		return path
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if built, err := filepath.Glob(filepath.Join(dir, ".tools", "versitygw-*")); err == nil && len(built) > 0 {
			return built[len(built)-1]
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("versitygw is missing: make versitygw")
	}
	t.Skip("versitygw is missing: make versitygw")
	return ""
}
