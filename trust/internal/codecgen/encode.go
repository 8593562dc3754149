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
		w.line("w.String(\"type\")\nw.String(%q)", s.kind)
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
	switch {
	case f.constant != "":
		w.line("w.String(%q)", f.constant)
	case f.isPointer:
		star, _ := f.typ.(*ast.StarExpr)
		w.line("encode%s(w, v.%s)", w.codec(star.X), f.name)
	default:
		w.encodeValue(f.typ, "v."+f.name)
	}
	if f.null {
		w.line("}")
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
		w.line("w.%s(len(%s))\nfor _, %s := range %s(%s) {", header, value, k, w.sorted(t.Key), value)
		w.encodeValue(t.Key, k)
		if !set {
			w.line("%s := %s[%s]", e, value, k)
			w.encodeValue(t.Value, e)
		}
		w.line("}")
	default:
		w.line("encode%s(w, &%s)", w.codec(typ), strings.TrimPrefix(value, "&"))
	}
}

// sorted is the function that puts keys in order: the same value always gives the same bytes.
func (w *writer) sorted(key ast.Expr) string { return "sorted" + w.codec(key) + "s" }
