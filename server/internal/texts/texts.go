// Package texts is what the server has to say to people: mails and pages, in their languages. All are templates of Go that an administrator may
// replace by files of the same name in a directory; they are read once, and tried, when the server starts.
//
// What is put into HTML is escaped for its place. A Texts may be used concurrently.
package texts

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	text "text/template"
)

//go:embed files
var built embed.FS

// Language is one that the server speaks.
type Language string

// Languages, the first is for those who speak no other.
const (
	English Language = "en"
	French  Language = "fr"
)

// Languages are all of them.
var Languages = []Language{English, French}

// Mail is a mail by what it is for.
type Mail string

// Mails.
const (
	Invitation         Mail = "invitation"
	EnrollmentAccepted Mail = "enrollment-accepted"
	TOTPReset          Mail = "totp-reset"
)

var mails = []Mail{Invitation, EnrollmentAccepted, TOTPReset}

// Page is a page for browsers.
type Page string

// Pages.
const (
	Home    Page = "home"
	Open    Page = "open"
	Missing Page = "missing"
)

var pages = []Page{Home, Open, Missing}

// styleName is the file with the looks of pages.
const styleName = "style.css"

// Kinds are what links are for, as templates have it.
const (
	KindUser     = "user"
	KindDevice   = "device"
	KindRecovery = "recovery"
)

// Data is what templates may use. Kind, Greeter and Link are empty where there is none.
type Data struct {
	Organization, Kind, Greeter string
	// Link opens in the application, Page says so to those who have none, Install leads to it.
	Link, Page any
	Install    string
}

// install is where the applications are.
const install = "https://parsec.cloud/en/start-parsec"

// maxTemplate bounds a file, maxText what comes out of it.
const (
	maxTemplate = 256 << 10
	maxText     = 1 << 20
)

// Texts are all templates.
type Texts struct {
	plain map[string]*text.Template
	html  map[string]*html.Template
	style []byte
}

// Load reads the built-in templates, and those of a directory in place of the ones with their names. The directory may be empty for none.
func Load(dir string) (*Texts, error) {
	files, err := read(dir)
	if err != nil {
		return nil, err
	}
	t := &Texts{plain: map[string]*text.Template{}, html: map[string]*html.Template{}, style: files[styleName]}
	for name, content := range files {
		var err error
		switch {
		case strings.HasSuffix(name, ".txt"):
			t.plain[name], err = text.New(name).Parse(string(content))
		case strings.HasSuffix(name, ".html"):
			t.html[name], err = html.New(name).Parse(string(content))
		}
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
	}
	return t, t.try()
}

// read returns the content of all files.
func read(dir string) (map[string][]byte, error) {
	own, err := fs.Sub(built, "files")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	if err := add(files, own, func(string) bool { return true }); err != nil || dir == "" {
		return files, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the templates: %w", err)
	}
	defer func() { _ = root.Close() }()
	names := files
	return files, add(files, root.FS(), func(name string) bool { _, known := names[name]; return known })
}

func add(files map[string][]byte, from fs.FS, known func(string) bool) error {
	entries, err := fs.ReadDir(from, ".")
	if err != nil {
		return fmt.Errorf("cannot read the templates: %w", err)
	}
	for _, e := range entries {
		if !known(e.Name()) {
			return fmt.Errorf("template %q: there is none with this name (templates of other programs are not read): the names are %s", e.Name(), strings.Join(names(), ", "))
		}
		if files[e.Name()], err = readFile(from, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

func readFile(from fs.FS, name string) ([]byte, error) {
	f, err := from.Open(name)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	content, err := io.ReadAll(io.LimitReader(f, maxTemplate+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("template %s: %w", name, err)
	case len(content) > maxTemplate:
		return nil, fmt.Errorf("template %s: it has more than %d bytes", name, maxTemplate)
	}
	return content, nil
}

// names are those of all files.
func names() []string {
	all := []string{styleName}
	for _, l := range Languages {
		for _, m := range mails {
			all = append(all, plainName(m, l), htmlName(m, l))
		}
		for _, p := range pages {
			all = append(all, htmlName(p, l))
		}
	}
	slices.Sort(all)
	return all
}

func plainName(m Mail, l Language) string { return string(m) + "." + string(l) + ".txt" }

func htmlName[T ~string](t T, l Language) string { return string(t) + "." + string(l) + ".html" }

// try renders everything once, so that a template that cannot be used is known before somebody needs it.
func (t *Texts) try() error {
	for _, l := range Languages {
		for _, kind := range []string{KindUser, KindDevice, KindRecovery, ""} {
			d := Data{Organization: "Organization", Kind: kind, Greeter: "Greeter", Link: "https://example.com/", Page: "https://example.com/"}
			for _, m := range mails {
				if _, _, _, err := t.Mail(m, l, d); err != nil {
					return err
				}
			}
			for _, p := range pages {
				if _, err := t.Page(p, l, d); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Mail returns subject and both forms of a mail.
func (t *Texts) Mail(m Mail, l Language, d Data) (subject, plain, rich string, err error) {
	d.Install = install
	name := plainName(m, l)
	head, body, page := &bounded{}, &bounded{}, &bounded{}
	err = errors.Join(t.plain[name].ExecuteTemplate(head, "subject", d), t.plain[name].Execute(body, d), t.html[htmlName(m, l)].Execute(page, d))
	if err != nil {
		return "", "", "", fmt.Errorf("template %s: %w", name, err)
	}
	return head.String(), body.String(), page.String(), nil
}

// Page returns a page.
func (t *Texts) Page(p Page, l Language, d Data) ([]byte, error) {
	d.Install = install
	page := &bounded{}
	if err := t.html[htmlName(p, l)].Execute(page, d); err != nil {
		return nil, fmt.Errorf("template %s: %w", htmlName(p, l), err)
	}
	return page.Bytes(), nil
}

// Style returns the looks of pages.
func (t *Texts) Style() []byte { return t.style }

// bounded is a text that does not grow without end.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxText {
		return 0, fmt.Errorf("the text has more than %d bytes", maxText)
	}
	return b.Buffer.Write(p)
}
