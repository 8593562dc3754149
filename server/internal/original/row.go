package original

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
)

// keeper turns rows of the original into ours.
type keeper struct {
	box       *secrets.Box
	protected map[string]rules.Protected
}

func newKeeper(box *secrets.Box) *keeper { return &keeper{box, rules.ProtectedColumns()} }

// check refuses a row that the table cannot have.
func (s *selection) check(row []any) error {
	for i, c := range s.columns {
		if row[i] == nil && !c.Null {
			return fmt.Errorf("table %s: %s is missing in a row of the original server%s", s.Name, c.Name, hints[s.Name+"."+c.Name])
		}
	}
	return nil
}

// hints say what may be done.
var hints = map[string]string{
	"invitation.created_by": ": an external service invited, not a device; delete that invitation there",
}

// normalize gives texts of JSON the form that this program writes.
func (s *selection) normalize(row []any) error {
	for i, c := range s.columns {
		text, ok := row[i].(string)
		if !ok {
			continue
		}
		var into any
		switch s.Name + "." + c.Name {
		case "organization.tos_urls":
			into = &map[string]string{}
		case "enrollment.submit_chain", "enrollment.accept_chain":
			into, text = &[][]byte{}, strings.ReplaceAll(text, `\n`, "") // base 64 is cut into lines there
		default:
			continue
		}
		err := json.Unmarshal([]byte(text), into)
		if err == nil {
			var b []byte
			b, err = json.Marshal(into)
			row[i] = string(b)
		}
		if err != nil {
			return fmt.Errorf("table %s: %s cannot be read: %w", s.Name, c.Name, err)
		}
	}
	return nil
}

// value gives the columns of a row.
func (s *selection) value(row []any) func(string) any {
	return func(name string) any {
		for i, c := range s.columns {
			if c.Name == name {
				return row[i]
			}
		}
		return nil
	}
}

// keep puts in the place of secrets what our table keeps of them.
func (k *keeper) keep(s *selection, org int64, row []any) ([]any, error) {
	kept := append([]any{}, row...)
	for i, c := range s.columns {
		p, is := k.protected[s.Name+"."+c.Name]
		secret, ok := row[i].([]byte)
		if !is || !ok {
			continue
		}
		b, err := p.Keep(k.box, org, secret, s.value(row))
		if err != nil {
			return nil, err
		}
		kept[i] = b
	}
	return kept, nil
}

// same reports whether a row of ours is what theirs became.
func (k *keeper) same(s *selection, org int64, theirs, ours []any) (bool, error) {
	for i, c := range s.columns {
		p, is := k.protected[s.Name+"."+c.Name]
		a, bytes := theirs[i].([]byte)
		b, too := ours[i].([]byte)
		switch {
		case bytes != too:
			return false, nil
		case is && bytes:
			if ok, err := p.Keeps(k.box, org, a, b, s.value(theirs)); err != nil || !ok {
				return false, err
			}
		case bytes && string(a) != string(b), !bytes && theirs[i] != ours[i]:
			return false, nil
		}
	}
	return true, nil
}
