package organisations

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

var update = flag.Bool("update", false, "write docs/forgeries.md; what the server says is added with -tags interop")

const document = "../../docs/forgeries.md"

const introduction = `# Forgeries

What the corpus of organisations (` + "`trust/trusttest`" + `, decision [0046](decisions/0046-a-corpus-of-organisations.md)) tries, each at random places of random organisations: why ` + "`trust`" + ` refuses it, and
what the reference server 3.9.3 says to the command that carries it. ` + "`ok`" + ` is a rule that the server leaves to clients, – what no command carries, so that a server would have to be the forger;
HTTP 461 keeps out whoever is revoked before any rule is looked at; the server in memory may notice it a moment late, and the deletion of a recovery does not look again. There are several answers where they depend on what else is wrong. The tables are held to the code by
the tests of ` + "`interop/organisations`" + `.

## By participants

| Forgery | Refused because | Reference server |
|---|---|---|
`

const middle = `
## By a server, which has no key

| Tampering | Refused because |
|---|---|
`

// rows reads what the server said from the document.
func rows(t *testing.T) map[string][]string {
	t.Helper()
	b, err := os.ReadFile(document)
	if err != nil && !*update {
		t.Fatal(err)
	}
	said := map[string][]string{}
	for line := range strings.Lines(string(b)) {
		if cells := strings.Split(strings.TrimSpace(line), " | "); len(cells) == 3 {
			said[strings.TrimPrefix(cells[0], "| ")] = strings.Split(strings.TrimSuffix(cells[2], " |"), ", ")
		}
	}
	return said
}

// written is the document.
func written(said map[string][]string) string {
	text := strings.Builder{}
	text.WriteString(introduction)
	for _, k := range trusttest.Forgeries() {
		why := k.Want.String()
		if k.Field != "" {
			why = "the redacted form has another " + k.Field
		}
		fmt.Fprintf(&text, "| %s | %s | %s |\n", k.Name, why, strings.Join(said[k.Name], ", "))
	}
	text.WriteString(middle)
	for _, k := range trusttest.Tamperings() {
		fmt.Fprintf(&text, "| %s | %s |\n", k.Name, strings.Join(texts(k.Want), "; or "))
	}
	return text.String()
}

func texts(all []trust.Reason) []string {
	s := []string{}
	for _, r := range all {
		s = append(s, r.String())
	}
	return s
}

// TestForgeriesDocumentIsCurrent: the document lists what the corpus tries, and an answer to each.
func TestForgeriesDocumentIsCurrent(t *testing.T) {
	said := rows(t)
	want := written(said)
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/forgeries.md is not what the corpus tries: go test -tags interop ./interop/organisations -update")
	}
	for _, k := range trusttest.Forgeries() {
		if len(said[k.Name]) == 0 && !*update {
			t.Errorf("%s: no row", k.Name)
		}
	}
}

// compareTable: the server says nothing that the document does not.
func compareTable(t *testing.T, said map[string]map[string]bool) {
	t.Helper()
	known := rows(t)
	for name, statuses := range said {
		for status := range statuses {
			if !slices.Contains(known[name], status) && !*update {
				t.Errorf("%s: the server says %s, and the document %v", name, status, known[name])
			}
			statuses[status] = true
		}
		for _, status := range known[name] {
			statuses[status] = status != ""
		}
		delete(statuses, "")
		known[name] = slices.Sorted(maps.Keys(statuses))
	}
	if *update {
		if err := os.WriteFile(document, []byte(written(known)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
