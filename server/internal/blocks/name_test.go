package blocks_test

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/blockstest"
)

// TestGoldenNames: objects have the names that the original gives them.
func TestGoldenNames(t *testing.T) {
	const name = "3b917792-35ac-409f-9af1-fe6de8d2b905"
	id, ok := blocks.ParseName(name)
	if !ok {
		t.Fatal("a name is not read")
	}
	if got := blocks.ObjectKey(blockstest.Org(t, "CoolOrg"), id); got != "CoolOrg/"+name {
		t.Errorf("the key is %q", got)
	}
	for _, other := range []string{
		"", "3b917792", "3b91779235ac409f9af1fe6de8d2b905", "3B917792-35ac-409f-9af1-fe6de8d2b905",
		"3b917792-35ac-409f-9af1-fe6de8d2b90", name + "0", name + " ", "../../etc/passwd", "3b917792-35ac-409f-9af1-fe6de8d2b90g",
	} {
		if _, ok := blocks.ParseName(other); ok {
			t.Errorf("%q is read as a name", other)
		}
	}
}
