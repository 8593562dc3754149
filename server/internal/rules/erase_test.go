package rules_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// busy makes an organisation with something of most kinds, and returns a block of it.
func busy(t *testing.T, s *Server) (*Organization, trust.BlockID) {
	t.Helper()
	o := s.Bootstrapped()
	bob := o.Enrol("bob", trust.Standard)
	realm := o.First.CreateRealm()
	OK(t, o.First.Do(o.First.RotationReq(realm, 1, o.First.User)))
	for range 3 {
		OK(t, o.First.Do(o.First.VlobReq(realm, 1, "x")))
	}
	block := trust.NewBlockID()
	OK(t, o.First.Do(&cloud.BlockCreateReq{RealmID: realm, KeyIndex: 1, BlockID: block, Block: []byte("x")}))
	token := inviteUser(t, o.First, "zoe@example.com")
	OK(t, o.Invited(token, &cloud.InviteClaimerStartGreetingAttemptReq{Greeter: o.First.User}))
	OK(t, bob.Do(&cloud.TOTPCreateOpaqueKeyReq{}))
	secretOf(t, bob)
	return o, block
}

// rows counts what the tables with organisations have of one, table by table.
func rows(t *testing.T, s *Server, org int64) map[string]int64 {
	t.Helper()
	counts := map[string]int64{}
	err := s.Rules.Store.Read(t.Context(), func(tx *store.Tx) error {
		names := []string{}
		err := tx.Each(t.Context(), store.SQL(`SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) p WHERE m.type = 'table' AND p.name = 'org'`),
			func(r store.Row) error {
				name := ""
				err := r.Scan(&name)
				names = append(names, name)
				return err
			})
		for _, name := range names {
			n := int64(0)
			if err == nil {
				_, err = tx.Get(t.Context(), store.SQL(`SELECT count(*) FROM `+name+` WHERE org = $1`, org), &n)
			}
			counts[name] = n
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// fill gives an organisation a row in every table of organisations.
func fill(t *testing.T, s *Server, org int64) {
	t.Helper()
	err := s.Rules.Store.Write(t.Context(), nil, func(tx *store.Tx) error {
		columns, values := map[string]string{}, map[string]string{}
		err := tx.Each(t.Context(), store.SQL(`SELECT m.name, p.name, p.type FROM sqlite_schema m, pragma_table_info(m.name) p WHERE m.type = 'table'
			AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) x WHERE x.name = 'org') AND p.name <> 'org'`), func(r store.Row) error {
			table, column, kind := "", "", ""
			err := r.Scan(&table, &column, &kind)
			columns[table] += ", " + column
			values[table] += ", " + map[string]string{"INTEGER": "77", "TEXT": "'x'", "BLOB": "x'00112233445566778899aabbccddeeff'"}[kind]
			return err
		})
		for table := range columns {
			if err == nil {
				_, err = tx.Exec(t.Context(), `INSERT INTO `+table+` (org`+columns[table]+`) VALUES ($1`+values[table]+`)`, org)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEraseOrganization: no table has anything of it any more, but its blocks, which are condemned. New tables of organisations must be
// erased too.
func TestEraseOrganization(t *testing.T) {
	s := New(t, Options{})
	o, block := busy(t, s)
	other, _ := busy(t, s)
	org, kept := number(t, o), rows(t, s, number(t, other))
	fill(t, s, org)
	for table, n := range rows(t, s, org) {
		if n == 0 {
			t.Errorf("table %s is empty", table)
		}
	}
	by := rules.Administrator{Who: "test", Now: s.Clock.Tick()}
	if begun, err := s.Rules.EraseOrganization(t.Context(), by, o.ID); !begun || err != nil {
		t.Fatal(begun, err)
	}
	for table, n := range rows(t, s, org) {
		if want := map[string]int64{"condemned_block": 2}[table]; n != want {
			t.Errorf("table %s has %d rows of an organisation that was erased", table, n)
		}
	}
	for table, n := range rows(t, s, number(t, other)) {
		if n != kept[table] {
			t.Errorf("table %s has %d rows of another organisation, and had %d", table, n, kept[table])
		}
	}
	err := s.Rules.Store.Read(t.Context(), func(tx *store.Tx) error {
		ids, err := tables.CondemnedBlocks(t.Context(), tx, org, by.Now, 10)
		if len(ids) != 2 || !slices.Contains(ids, block) {
			t.Errorf("%v are condemned", ids)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	OK(t, other.First.Do(RealmsOf()))
}

// TestErasureEnds: what a request under way writes after the erasure goes too, and the name is free once the blocks are gone.
func TestErasureEnds(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o, _ := busy(t, s)
		org, moment := number(t, o), s.Clock.Tick()
		by := rules.Administrator{Who: "test", Now: moment}
		gone := func(now trust.DateTime) bool {
			t.Helper()
			for _, e := range Must(s.Rules.EndErasures(t.Context(), now)) {
				if e.Num == org {
					return true
				}
			}
			return false
		}
		for range 2 { // the second time there is nothing left to do
			if begun, err := s.Rules.EraseOrganization(t.Context(), by, o.ID); !begun || err != nil {
				t.Fatal(begun, err)
			}
		}
		late := func() {
			err := s.Rules.Store.Write(t.Context(), nil, func(tx *store.Tx) error {
				return tables.SetTOTP(t.Context(), tx, org, o.First.User, tables.TOTP{Secret: []byte("late")})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		left := func() bool {
			found := tables.TOTP{}
			err := s.Rules.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
				found, err = tables.GetTOTP(t.Context(), tx, org, o.First.User)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return found.Secret != nil
		}
		late()
		if gone(moment.Add(time.Minute)) || left() {
			t.Error("said to be over at once, or the row of a late request stays")
		}
		late()
		if !gone(moment.Add(time.Hour)) || left() {
			t.Error("not over after an hour, or the row of a late request stays")
		}
		again := func() error {
			_, err := s.Rules.MakeOrganization(t.Context(), by, o.ID, rules.Change{})
			return err
		}
		if err := again(); !errors.Is(err, rules.ErrBeingErased) {
			t.Error(err)
		}
		err := s.Rules.Store.Write(t.Context(), nil, func(tx *store.Tx) error { return tables.MarkBlocksGone(t.Context(), tx, org, moment) })
		if err != nil || gone(moment.Add(time.Hour)) {
			t.Error(err)
		}
		if err := again(); err != nil || number(t, o) == org {
			t.Errorf("%v, number %d", err, number(t, o))
		}
		if _, err := s.Rules.EraseOrganization(t.Context(), by, Must(trust.NewOrganizationID("Nobody"))); !errors.Is(err, rules.ErrNoOrganization) {
			t.Error(err)
		}
	})
}

// TestErasureIsResumed: one that was interrupted is ended by the collector.
func TestErasureIsResumed(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o, _ := busy(t, s)
		org := number(t, o)
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Rules.Store.Write(ctx, []store.Lock{store.Server()}, func(tx *store.Tx) error {
			found, err := tables.GetOrganization(ctx, tx, org)
			if err != nil {
				return err
			}
			return tables.MarkErased(ctx, tx, found, Must(trust.DateTimeOf(s.Clock.Now())))
		})
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		WantHTTP(t, o.First.Do(RealmsOf()), cloud.StatusBadAuthorization) // nobody was told
		s.Clock.Advance(time.Hour)
		if err := (&rules.Collector{Service: s.Rules, Clock: s.Clock.Now}).Collect(t.Context()); err != nil {
			t.Fatal(err)
		}
		err = s.Rules.Store.Read(t.Context(), func(tx *store.Tx) error {
			user, err := tables.GetUser(t.Context(), tx, org, o.First.User)
			if user != nil {
				t.Error("a user is left")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
