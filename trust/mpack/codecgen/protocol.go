package main

import (
	"slices"
	"strings"
)

// protocol writes what commands, replies, unions and enumerations need besides the codecs of their structs.
func (w *writer) protocol() {
	for _, e := range w.p.enums {
		w.enum(e)
	}
	for _, u := range w.p.unions {
		w.union(u)
	}
	commands := []*structure{}
	for i := range w.p.structs {
		switch s := &w.p.structs[i]; s.role {
		case status:
			w.statusMethods(s)
		case command:
			commands = append(commands, s)
			w.command(s)
		case plain, variant:
		}
	}
	if len(commands) > 0 {
		w.table(commands)
	}
}

func (w *writer) enum(e enum) {
	list := `"` + strings.Join(e.values, `", "`) + `"`
	w.line("// Values returns all values.\nfunc (%s) Values() []%s { return []%s{%s} }\n", e.name, e.name, e.name, list)
	w.line("func decode%s(r *mpack.Reader, v *%s) {\nswitch s := r.Text(mpack.MaxName); string(s) {", e.name, e.name)
	for _, value := range e.values {
		w.line("case %q:\n*v = %q", value, value)
	}
	w.line("default:\nr.Unknown(%q, string(s))\n}\n}\n", e.name)
	w.line("func encode%s(w *mpack.Writer, v *%s) {\nswitch *v {\ncase %s:\nw.String(string(*v))\ndefault:\nw.Fail(mpack.ErrType)\n}\n}\n",
		e.name, e.name, list)
}

func (w *writer) union(u union) {
	variants := []*structure{}
	for i := range w.p.structs {
		if w.p.structs[i].union == u.name {
			variants = append(variants, &w.p.structs[i])
		}
	}
	w.line("// VariantsOf%s returns an empty one of each.\nfunc VariantsOf%s() []%s {\nreturn []%s{", u.name, u.name, u.name, u.name)
	for _, s := range variants {
		w.line("&%s{},", s.name)
	}
	w.line("}\n}\n\nfunc decode%s(r *mpack.Reader, v *%s) {\nswitch kind := r.Discriminant(%q); kind {", u.name, u.name, u.tag)
	for _, s := range variants {
		w.line("case %q:\n*v = mpack.Read(r, decode%s)", s.kind, s.name)
	}
	w.line("default:\nr.Unknown(%q, kind)\n}\n}\n", u.name)
	w.line("func encode%s(w *mpack.Writer, v *%s) {\nswitch x := (*v).(type) {", u.name, u.name)
	for _, s := range variants {
		w.line("case *%s:\nencode%s(w, x)", s.name, s.name)
	}
	w.line("default:\nw.Fail(mpack.ErrType)\n}\n}\n")
	for _, s := range variants {
		w.line("func (*%s) is%s() {}\n", s.name, u.name)
	}
}

func (w *writer) statusMethods(s *structure) {
	w.line("// Status returns the name of the status on the wire.\nfunc (*%s) Status() string { return %q }\n", s.name, s.kind)
	w.line("func (v *%s) encode(w *mpack.Writer) { encode%s(w, v) }\n", s.name, s.name)
}

func (w *writer) command(s *structure) {
	rep := strings.TrimSuffix(s.name, "Req") + "Rep"
	w.line("// Command returns the name of the command on the wire.\nfunc (*%s) Command() string { return %q }\n", s.name, s.kind)
	w.line("func (v *%s) encode(w *mpack.Writer) { encode%s(w, v) }\n", s.name, s.name)
	w.line("func (v *%s) decode(r *mpack.Reader) { decode%s(r, v) }\n", s.name, s.name)
	w.line("// DecodeReply reads a reply; it may be called on nil.")
	w.line("func (*%s) DecodeReply(body []byte) (%s, error) { return decodeReply(body, decode%s) }\n", s.name, rep, rep)
	w.line("// %s is a reply to %s, or an *UnknownStatus:\n//", rep, s.name)
	for _, name := range s.replies {
		w.line("//   - [%s]", name)
	}
	w.line("type %s interface {\nReply\nis%s()\n}\n", rep, rep)
	for _, name := range append(slices.Clone(s.replies), "UnknownStatus") {
		w.line("func (*%s) is%s() {}\n", name, rep)
	}
	w.line("func decode%s(r *mpack.Reader) %s {\nswitch status := r.Discriminant(\"status\"); status {", rep, rep)
	w.cases(s.replies)
	w.line("default:\nreturn decodeUnknownStatus(r)\n}\n}\n")
}

// cases reads the reply of each status. Where several share a status, their first field tells them apart.
func (w *writer) cases(replies []string) {
	done := map[string]bool{}
	for _, name := range replies {
		s := w.find(name)
		if s == nil || done[s.kind] {
			continue
		}
		done[s.kind] = true
		w.line("case %q:", s.kind)
		same := []*structure{}
		for _, other := range replies {
			if o := w.find(other); o != nil && o.kind == s.kind {
				same = append(same, o)
			}
		}
		if len(same) == 1 && (len(s.fields) == 0 || s.fields[0].constant == "") {
			w.line("return mpack.Read(r, decode%s)", s.name)
			continue
		}
		w.line("switch kind := r.Discriminant(%q); kind {", s.fields[0].key)
		for _, o := range same {
			w.line("case %q:\nreturn mpack.Read(r, decode%s)", o.fields[0].constant, o.name)
		}
		w.line("default:\nr.Unknown(%q, kind)\nreturn nil\n}", s.fields[0].key)
	}
}
