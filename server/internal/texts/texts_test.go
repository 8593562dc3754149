package texts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/internal/texts"
)

// TestAll: every text has what it must have, in every language, and nothing of it is markup that a name smuggled in.
func TestAll(t *testing.T) {
	all, err := texts.Load("")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range texts.Languages {
		for _, kind := range []string{texts.KindUser, texts.KindDevice, texts.KindRecovery} {
			link := "https://example.com/redirect/Org-1?a=b&p=c"
			d := texts.Data{Organization: "Org-1", Kind: kind, Link: link, Page: "https://example.com/open/Org-1"}
			if kind != texts.KindDevice {
				d.Greeter = "<b>Eve</b>"
			}
			subject, plain, rich, err := all.Mail(texts.Invitation, l, d)
			if err != nil {
				t.Fatal(err)
			}
			escaped := "https://example.com/redirect/Org-1?a=b&amp;p=c"
			if !strings.Contains(subject, "Org-1") || strings.Contains(subject, "\n") || !strings.Contains(plain, "Org-1") || !strings.Contains(plain, link) ||
				!strings.Contains(rich, `href="`+escaped+`"`) || strings.Contains(rich, "<b>Eve") || strings.Contains(rich, "<script") {
				t.Errorf("%s %s: %q\n%s\n%s", l, kind, subject, plain, rich)
			}
			if (d.Greeter != "") != strings.Contains(plain, "<b>Eve</b>") {
				t.Errorf("%s %s: %s", l, kind, plain)
			}
		}
		for _, p := range []texts.Page{texts.Home, texts.Open, texts.Missing} {
			page, err := all.Page(p, l, texts.Data{Organization: `"><script>`, Kind: texts.KindUser})
			if err != nil || strings.Contains(string(page), "<script") || !strings.Contains(string(page), `lang="`+string(l)+`"`) || len(page) > 4096 {
				t.Errorf("%s %s: %s, %v", p, l, page, err)
			}
		}
	}
}

// TestReplaced: files of a directory stand in for those with their names, and what cannot be used is refused at once.
func TestReplaced(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("invitation.fr.txt", `{{define "subject"}}Bonjour{{end}}Venez à {{.Organization}}`)
	all, err := texts.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	subject, plain, _, err := all.Mail(texts.Invitation, texts.French, texts.Data{Organization: "Org-1"})
	if err != nil || subject != "Bonjour" || plain != "Venez à Org-1" {
		t.Error(subject, plain, err)
	}
	for want, c := range map[string][2]string{
		"there is none with this name": {"invitation.html.j2", "x"},
		`no template "subject"`:        {"invitation.fr.txt", "no subject"},
		"unclosed action":              {"home.en.html", "{{"},
		"can't evaluate field Tokem":   {"open.en.html", "{{.Tokem}}"},
		"more than 262144 bytes":       {"style.css", strings.Repeat("x", 256<<10+1)},
		"more than 1048576 bytes":      {"home.fr.html", `{{range 100}}` + strings.Repeat("x", 20<<10) + `{{end}}`},
	} {
		write(c[0], c[1])
		if _, err := texts.Load(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", c[0], err, want)
		}
		if err := os.Remove(filepath.Join(dir, c[0])); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := texts.Load(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that does not exist is taken")
	}
}

func TestAccepted(t *testing.T) {
	for header, want := range map[string]texts.Language{
		"": texts.English, "fr": texts.French, "fr-FR,fr;q=0.9,en;q=0.8": texts.French, "de, en;q=0.5, fr;q=0.7": texts.French, "en-GB, fr;q=0.9": texts.English,
		"*": texts.English, "FR;q=x": texts.English, "fr;q=0": texts.English, strings.Repeat("de,", 40) + "fr": texts.English,
	} {
		if got := texts.Accepted(header); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}
