package rules_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// connections is how many clients ask at once.
const connections = 32

// benchEach measures requests that make gives, on both databases.
func benchEach(b *testing.B, prepare func(o *Organization) func() *Request) {
	for name, address := range map[string]func() string{"SQLite": func() string { return "" }, "PostgreSQL": func() string { return pgtest.Database(b) }} {
		b.Run(name, func(b *testing.B) {
			o := New(b, Options{Store: address()}).Bootstrapped()
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
			next := prepare(o)
			b.SetParallelism(connections)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r := next()
					q, _ := http.NewRequestWithContext(context.Background(), r.Method, o.URL+r.Path, bytes.NewReader(r.Body))
					q.Header = r.Header
					a, err := client.Do(q)
					if err != nil || a.StatusCode != http.StatusOK {
						b.Error(a, err)
						return
					}
					_, _ = io.Copy(io.Discard, a.Body)
					_ = a.Body.Close()
				}
			})
		})
	}
}

func BenchmarkVlobCreate(b *testing.B) {
	benchEach(b, func(o *Organization) func() *Request {
		realm, blob := o.First.CreateRealm(), string(make([]byte, 1000))
		return func() *Request {
			return o.Prepare(cloud.Authenticated, o.First.VlobReq(realm, 0, blob), o.First.Token())
		}
	})
}

func BenchmarkVlobReadBatch(b *testing.B) {
	benchEach(b, func(o *Organization) func() *Request {
		realm := o.First.CreateRealm()
		v := o.First.VlobReq(realm, 0, string(make([]byte, 1000)))
		OK(b, o.First.Do(v))
		ask := &cloud.VlobReadBatchReq{RealmID: realm, Vlobs: []trust.VlobID{v.VlobID}}
		return func() *Request { return o.Prepare(cloud.Authenticated, ask, o.First.Token()) }
	})
}

func BenchmarkServerConfig(b *testing.B) {
	benchEach(b, func(o *Organization) func() *Request {
		return func() *Request { return o.Prepare(cloud.AnonymousServer, &cloud.ServerConfigReq{}, "") }
	})
}
