package kimtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// testModel compares the store with a map over random sequences of calls, with the store
// closed and opened in between.
func testModel(t *testing.T, c Config) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{t: t, config: c, dir: t.TempDir(), entries: map[string]kim.Entry{}}
		m.reopen(rt)
		defer func() { _ = m.store.Close() }() // the last check has passed
		rt.Repeat(map[string]func(*rapid.T){
			"":       m.check,
			"create": m.create, "abandon": m.abandon, "update": m.update, "delete": m.delete, "reopen": m.reopen,
		})
	})
}

type model struct {
	t       *testing.T
	config  Config
	dir     string
	store   kim.Store
	entries map[string]kim.Entry
}

// id is what the store compares of an entry.
func (m *model) id(e kim.Entry) string {
	auth, provider := e.Owner.Auth, e.Provider.ID
	if !m.config.ComparesProvider {
		provider = 0
	}
	return fmt.Sprintf("%d %q %q %d", auth, e.Owner.App, e.Name, provider)
}

func (m *model) draw(t *rapid.T) kim.Entry {
	names := []psa.KeyName{"a", "b", "é/\x00", "a\n", psa.KeyName(strings.Repeat("n", 170))}
	return kim.Entry{
		Owner:      rapid.SampledFrom([]kim.Owner{Alice, Bob, kim.Internal()}).Draw(t, "owner"),
		Name:       rapid.SampledFrom(names).Draw(t, "name"),
		Provider:   rapid.SampledFrom([]kim.Provider{Software, Token}).Draw(t, "provider"),
		KeyID:      rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "key id"),
		Attributes: rapid.SampledFrom([]psa.Attributes{P256(), Ed25519()}).Draw(t, "attributes"),
		Adopted:    rapid.Bool().Draw(t, "adopted"),
	}
}

func (m *model) create(t *rapid.T) {
	e := m.draw(t)
	err := Create(m.t, m.store, e)
	_, exists := m.entries[m.id(e)]
	if exists != errors.Is(err, kim.ErrExists) || !exists && err != nil {
		t.Fatalf("create %q, there is one: %v: %v", e.Name, exists, err)
	}
	if !exists {
		m.entries[m.id(e)] = e
	}
}

func (m *model) abandon(t *rapid.T) {
	e := m.draw(t)
	r, err := m.store.Reserve(e.Owner, e.Name, e.Provider)
	if _, exists := m.entries[m.id(e)]; exists != errors.Is(err, kim.ErrExists) || !exists && err != nil {
		t.Fatalf("reserve %q, there is one: %v: %v", e.Name, exists, err)
	}
	if err == nil {
		r.Release()
	}
}

func (m *model) update(t *rapid.T) {
	e := m.draw(t)
	old, exists := m.entries[m.id(e)]
	e.Provider, e.Attributes, e.Adopted = old.Provider, old.Attributes, old.Adopted
	if !exists {
		e.Provider, e.Attributes = Software, P256()
		_, exists = m.entries[m.id(e)]
		if exists {
			return
		}
	}
	e.Attributes.Usage = psa.UsageVerifyMessage
	m.changed(t, m.store.Update(m.t.Context(), e), exists)
	if exists {
		m.entries[m.id(e)] = e
	}
}

func (m *model) delete(t *rapid.T) {
	e := m.draw(t)
	_, exists := m.entries[m.id(e)]
	m.changed(t, m.store.Delete(m.t.Context(), e), exists)
	delete(m.entries, m.id(e))
}

func (m *model) changed(t *rapid.T, err error, exists bool) {
	if exists == errors.Is(err, kim.ErrNotFound) || exists && err != nil {
		t.Fatalf("change of an entry, there is one: %v: %v", exists, err)
	}
}

func (m *model) reopen(t *rapid.T) {
	if m.store != nil {
		if err := m.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if m.store, err = m.config.Open(m.t, m.dir); err != nil {
		t.Fatal(err)
	}
}

func (m *model) check(t *rapid.T) {
	want := slices.SortedFunc(maps.Values(m.entries), func(a, b kim.Entry) int { return strings.Compare(m.order(a), m.order(b)) })
	got := m.store.All()
	if len(got)+len(want) > 0 {
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("all (-want +got):\n%s", d)
		}
	}
	for _, e := range want {
		if one, err := m.store.Get(e.Owner, e.Name, e.Provider); err != nil || !cmp.Equal(one, e) {
			t.Fatalf("get %+v: %+v, %v", e, one, err)
		}
	}
}

func (m *model) order(e kim.Entry) string {
	return fmt.Sprintf("%03d\x00%s\x00%s\x00%d", e.Owner.Auth, e.Owner.App, e.Name, e.Provider.ID)
}
