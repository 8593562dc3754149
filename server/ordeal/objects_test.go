package ordeal

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/server/s3test"
)

// TestObjectStoreKilledUnderLoad: the object store is killed and started again while clients write through two processes. What was
// acknowledged can be read, and the processes resume by themselves.
func TestObjectStoreKilledUnderLoad(t *testing.T) {
	gateway := s3test.Start(t, s3test.Options{})
	endpoint := strings.ReplaceAll(gateway.URL().String(), ":", `\:`)
	store := fmt.Sprintf("--blockstore=s3:%s:%s:%s:%s:%s", endpoint, s3test.Region, s3test.Bucket, s3test.Key, s3test.Secret)
	c := together(t, 2, "--db="+pgtest.Database(t), store)
	o := c.proxy.Bootstrapped()
	realm := o.First.CreateRealm()
	l := begin(t, o.First, realm)
	for range amount(2, 20) {
		l.progress()
		gateway.Kill()
		gateway.Start()
	}
	l.progress()
	l.end()
	l.ledger.Check(t, o.First, realm, true)
	vlobs, blocks := l.ledger.Count()
	t.Logf("%d vlobs and %d blocks", vlobs, blocks)
}
