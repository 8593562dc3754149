package index_test

import (
	"fmt"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/index"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

func key(app, name string) index.Key {
	return index.Key{Owner: kim.Owner{App: app}, Name: psa.KeyName(name)}
}

func entryOf(k index.Key) kim.Entry {
	return kim.Entry{Owner: k.Owner, Name: k.Name, KeyID: []byte("id")}
}

func TestOrderAndCounts(t *testing.T) {
	x := index.New(nil)
	for _, i := range []int{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5} {
		for _, app := range []string{"b", "a"} {
			k := key(app, fmt.Sprint(i))
			x.Put(k, entryOf(k))
		}
	}
	x.Remove(key("a", "4"))
	x.Remove(key("a", "4"))
	x.Remove(key("a", "8"))
	var got string
	for _, e := range x.All() {
		got += e.Owner.App + string(e.Name) + " "
	}
	if want := "a1 a2 a3 a5 a6 a9 b1 b2 b3 b4 b5 b6 b9 "; got != want || x.Len() != 13 {
		t.Errorf("%d: %q, want %q", x.Len(), got, want)
	}
	for _, e := range x.List(kim.Owner{App: "a"}) {
		x.Remove(index.Key{Owner: e.Owner, Name: e.Name})
	}
	if x.Len() != 7 || len(x.List(kim.Owner{App: "a"})) != 0 {
		t.Error("an owner without keys has keys")
	}
}

func TestReplaceKeepsReservations(t *testing.T) {
	x := index.New(nil)
	k := key("a", "k")
	if !x.Take(k) || x.Take(k) {
		t.Fatal("a key can be taken not once, but twice")
	}
	x.Replace(map[index.Key]kim.Entry{})
	if x.Take(k) {
		t.Error("a reservation is gone")
	}
	x.Release(k)
	if !x.Take(k) {
		t.Error("a released key stays taken")
	}
}

// TestGetAllocatesTheEntryAlone: one allocation, the copy of the key id.
func TestGetAllocatesTheEntryAlone(t *testing.T) {
	x := index.New(nil)
	k := key("a", "k")
	x.Put(k, entryOf(k))
	if n := testing.AllocsPerRun(100, func() { x.Get(k) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { x.Get(key("a", "none")) }); n > 0 {
		t.Errorf("%v allocations for nothing", n)
	}
}
