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
	// ids are aliases of ID[…], which all have one codec; trustIDs are those of package trust, seen from another one.
	ids, trustIDs map[string]bool
	unions        []union
	enums         []enum
	// alias makes fields of bytes parts of the input.
	alias bool
}

// structure is a map, or an array if tuple is set. Its first field has the key tag and the text kind, if kind is one.
type structure struct {
	name, tag, kind string
	array, tuple    bool
	role            role
	// union is the interface that a variant belongs to.
	union string
	// families and replies are those of a command.
	families, replies []string
	fields            []field
	// embeds are the types whose fields come first.
	embeds []string
}

type field struct {
	name, key                    string
	typ                          ast.Expr
	null, opt, since             bool
	limit, each, least, constant string
	isPointer                    bool
}

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
	if err := p.tags(); err != nil {
		return nil, err
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
	return p.directives(t, doc)
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
		case "later":
			f.opt, f.since = true, true
		case "max":
			f.limit = value
		case "each":
			f.each = value
		case "min":
			f.least = value
		case "const":
			f.constant = value
		default:
			return f, fmt.Errorf("field %s: unknown option %q", name, option)
		}
	}
	if f.key == "" || (f.constant != "") != (name == "_") {
		return f, fmt.Errorf("field %s: no name, or constant and blank do not go together", name)
	}
	if f.each == "" {
		f.each = f.limit
	}
	_, f.isPointer = typ.(*ast.StarExpr)
	return f, nil
}
