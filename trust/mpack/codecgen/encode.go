package main

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

func (w *writer) encoder(s *structure) {
	fixed := len(s.fields)
	if s.kind != "" {
		fixed++
	}
	w.line("func encode%s(w *mpack.Writer, v *%s) {\nn := %d", title(s.name), s.name, fixed)
	for i := range s.fields {
		if f := &s.fields[i]; f.since {
			w.line("if %s {\nn--\n}", w.zero(f))
		}
	}
	w.line("w.Map(n)")
	if s.kind != "" {
		w.line("w.String(%q)\nw.String(%q)", s.tag, s.kind)
	}
	for i := range s.fields {
		w.encodeField(&s.fields[i])
	}
	w.line("}\n")
}

// zero is a condition: the field has its zero value.
func (w *writer) zero(f *field) string {
	switch t := f.typ.(type) {
	case *ast.StarExpr, *ast.ArrayType, *ast.MapType:
		return fmt.Sprintf("v.%s == nil", f.name)
	default:
		return fmt.Sprintf("v.%s == *new(%s)", f.name, types.ExprString(t))
	}
}

func (w *writer) encodeField(f *field) {
	switch {
	case f.since:
		w.line("if !(%s) {\nw.String(%q)", w.zero(f), f.key)
	case f.null:
		w.line("w.String(%q)\nif %s {\nw.Nil()\n} else {", f.key, w.zero(f))
	default:
		w.line("w.String(%q)", f.key)
	}
	w.encodeContent(f)
	if f.null || f.since {
		w.line("}")
	}
}

func (w *writer) encodeContent(f *field) {
	value := "v." + f.name
	star, isPointer := f.typ.(*ast.StarExpr)
	if f.least != "" {
		if isPointer {
			value = "*" + value
		}
		w.line("if %s < %s {\nw.Fail(mpack.ErrRange)\n}", value, f.least)
	}
	switch {
	case f.constant != "":
		w.line("w.String(%q)", f.constant)
	case !isPointer:
		w.encodeValue(f.typ, value)
	default:
		if scalar, ok := scalars[types.ExprString(star.X)]; ok {
			w.line(scalar.write, "*v."+f.name)
			return
		}
		w.line("%s(w, v.%s)", w.call("encode", star.X), f.name)
	}
}

func (w *writer) encodeValue(typ ast.Expr, value string) {
	if scalar, ok := scalars[types.ExprString(typ)]; ok {
		w.line(scalar.write, value)
		return
	}
	w.depth++
	defer func() { w.depth-- }()
	k, e := fmt.Sprint("k", w.depth), fmt.Sprint("e", w.depth)
	switch t := typ.(type) {
	case *ast.ArrayType:
		w.line("w.Array(len(%s))\nfor %s := range %s {", value, k, value)
		w.encodeValue(t.Elt, value+"["+k+"]")
		w.line("}")
	case *ast.MapType:
		set := types.ExprString(t.Value) == "struct{}"
		header := "Map"
		if set {
			header = "Array"
		}
		w.line("w.%s(len(%s))\nfor _, %s := range %s {", header, value, k, w.sorted(t.Key, value))
		w.encodeValue(t.Key, k)
		if !set {
			w.line("%s := %s[%s]", e, value, k)
			w.encodeValue(t.Value, e)
		}
		w.line("}")
	default:
		w.line("%s(w, &%s)", w.call("encode", typ), strings.TrimPrefix(value, "&"))
	}
}

// sorted puts the keys of a map in order: the same value always gives the same bytes.
func (w *writer) sorted(key ast.Expr, value string) string {
	if types.ExprString(key) == "string" {
		return fmt.Sprintf("slices.Sorted(maps.Keys(%s))", value)
	}
	return fmt.Sprintf("%ss(%s)", w.call("sorted", key), value)
}
