package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// pkg is what codecgen knows of a package.
type pkg struct {
	name    string
	structs []structure
	// ids are aliases of ID[…], which all have one codec.
	ids map[string]bool
}

type structure struct {
	name, kind string
	array      bool
	fields     []field
	// embeds are the types whose fields come first.
	embeds []string
}

type field struct {
	name, key        string
	typ              ast.Expr
	null, opt, since bool
	limit, constant  string
	isPointer        bool
}

const directive = "//codec:map"

func read(dir string) (*pkg, error) {
	p := &pkg{ids: map[string]bool{}}
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") || filepath.Base(path) == output {
			continue
		}
		code, err := os.ReadFile(path) //nolint:gosec // the files of the package that it was asked to read
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, code, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.name = f.Name.Name
		if err := p.file(f); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return p, p.flatten()
}

// flatten puts the fields of embedded structs before those of the structs that embed them.
func (p *pkg) flatten() error {
	for i := range p.structs {
		s := &p.structs[i]
		for _, name := range s.embeds {
			at := slices.IndexFunc(p.structs, func(o structure) bool { return o.name == name })
			if at < 0 || len(p.structs[at].embeds) > 0 {
				return fmt.Errorf("%s embeds %s, which has no codec or embeds another", s.name, name)
			}
			s.fields = slices.Concat(p.structs[at].fields, s.fields)
		}
	}
	return nil
}

func (p *pkg) file(f *ast.File) error {
	for _, decl := range f.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, spec := range gen.Specs {
			t, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			doc := t.Doc
			if doc == nil {
				doc = gen.Doc
			}
			if err := p.typeSpec(t, doc); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pkg) typeSpec(t *ast.TypeSpec, doc *ast.CommentGroup) error {
	if t.Assign.IsValid() {
		p.ids[t.Name.Name] = strings.HasPrefix(types.ExprString(t.Type), "ID[")
		return nil
	}
	if doc == nil {
		return nil
	}
	for _, line := range doc.List {
		words := strings.Fields(line.Text)
		if len(words) == 0 || words[0] != directive {
			continue
		}
		def, ok := t.Type.(*ast.StructType)
		if !ok {
			return fmt.Errorf("%s is no struct", t.Name.Name)
		}
		s := structure{name: t.Name.Name}
		if s.array = slices.Contains(words, "array"); s.array {
			words = words[:len(words)-1]
		}
		if len(words) > 1 {
			s.kind = words[1]
		}
		if err := s.addFields(def); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		p.structs = append(p.structs, s)
	}
	return nil
}

func (s *structure) addFields(def *ast.StructType) error {
	for _, f := range def.Fields.List {
		if len(f.Names) == 0 {
			s.embeds = append(s.embeds, types.ExprString(f.Type))
			continue
		}
		if len(f.Names) != 1 || f.Tag == nil {
			return fmt.Errorf("field %s has no tag", types.ExprString(f.Type))
		}
		tag, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			return err
		}
		made, err := newField(f.Names[0].Name, f.Type, reflect.StructTag(tag).Get("mp"))
		if err != nil {
			return err
		}
		s.fields = append(s.fields, made)
	}
	return nil
}

func newField(name string, typ ast.Expr, tag string) (field, error) {
	parts := strings.Split(tag, ",")
	f := field{name: name, key: parts[0], typ: typ}
	for _, option := range parts[1:] {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "null":
			f.null = true
		case "opt":
			f.null, f.opt = true, true
		case "since":
			f.null, f.opt, f.since = true, true, true
		case "max":
			f.limit = value
		case "const":
			f.constant = value
		default:
			return f, fmt.Errorf("field %s: unknown option %q", name, option)
		}
	}
	if f.key == "" || (f.constant != "") != (name == "_") {
		return f, fmt.Errorf("field %s: no name, or constant and blank do not go together", name)
	}
	_, f.isPointer = typ.(*ast.StarExpr)
	return f, nil
}
