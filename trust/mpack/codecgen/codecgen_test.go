package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// generated runs the generator on one file.
func generated(t *testing.T, code string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("package a\n"+code), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, output)
	if err := run(options{dir: dir, out: out}); err != nil {
		return "", err
	}
	b, err := os.ReadFile(out)
	return string(b), err
}

// TestRefusals: what has no bound, no name or no codec is refused when it is generated.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct{ code, want string }{
		"bytes without a bound": {"//codec:map t\ntype T struct {\n\tB []byte `mp:\"b\"`\n}", "max"},
		"text without a bound":  {"//codec:map t\ntype T struct {\n\tS string `mp:\"s\"`\n}", "max"},
		"list without a bound":  {"//codec:map t\ntype T struct {\n\tL []uint8 `mp:\"l\"`\n}", "max"},
		"no tag":                {"//codec:map t\ntype T struct {\n\tA uint8\n}", "no tag"},
		"no name":               {"//codec:map t\ntype T struct {\n\tA uint8 `mp:\",null\"`\n}", "no name"},
		"unknown option":        {"//codec:map t\ntype T struct {\n\tA uint8 `mp:\"a,maybe\"`\n}", "unknown option"},
		"named constant":        {"//codec:map t\ntype T struct {\n\tA string `mp:\"a,const=x\"`\n}", "constant"},
		"blank variable":        {"//codec:map t\ntype T struct {\n\t_ struct{} `mp:\"a\"`\n}", "blank"},
		"no struct":             {"//codec:map t\ntype T uint8", "no struct"},
		"foreign type":          {"//codec:map t\ntype T struct {\n\tA time.Time `mp:\"a\"`\n}", "no codec"},
		"unknown directive":     {"//codec:mop t\ntype T struct{}", "directive"},
		"tuple with a hole":     {"//codec:tuple\ntype T struct {\n\tA uint8 `mp:\"a,null\"`\n}", "always there"},
		"variant of nothing":    {"//codec:variant U A\ntype T struct{}", "no union"},
		"command without reply": {"//codec:cmd a F\ntype TReq struct{}", "no replies"},
		"reply without status":  {"//codec:cmd a F\n//codec:rep OK\ntype TReq struct{}", "no status"},
		"embeds without codec":  {"type E struct{}\n\n//codec:map t\ntype T struct {\n\tE\n}", "embeds"},
	} {
		if code, err := generated(t, c.code); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\n%s", name, err, code)
		}
	}
}

func TestGenerated(t *testing.T) {
	code, err := generated(t, "//codec:map\ntype E struct {\n\tA uint8 `mp:\"a\"`\n}\n\n"+
		"//codec:map t array\ntype T struct {\n\tE\n\tB *E `mp:\"b,null\"`\n\tC uint32 `mp:\"c,since\"`\n\t_ struct{} `mp:\"d,const=x\"`\n\tF [][]byte `mp:\"f,max=9\"`\n}")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"var fieldsT = []mpack.Field{\n\t{Name: \"type\"},\n\t{Name: \"a\"},\n\t{Name: \"b\"},\n\t{Name: \"c\", Optional: true},\n\t{Name: \"d\"},\n\t{Name: \"f\"},\n}",
		"r.StructOrArray(fieldsT)", "r.Const(\"x\")", "r.Array(9)", "bytes.Clone(r.Bytes(9))", "func (*T) Type() string { return \"t\" }",
	} {
		if !strings.Contains(code, want) {
			t.Errorf("%q is not in\n%s", want, code)
		}
	}
	if strings.Contains(code, "func (*E)") {
		t.Error("a struct without a type has methods")
	}
}

// TestProtocol: commands, replies, unions and enumerations.
func TestProtocol(t *testing.T) {
	code, err := generated(t, "//codec:status ok\ntype OK struct{}\n\n//codec:status ok\ntype A struct {\n\t_ struct{} `mp:\"kind,const=A\"`\n}\n\n"+
		"//codec:union tag\ntype U interface{ isU() }\n\n//codec:variant U X\ntype UX struct{}\n\n//codec:enum P Q\ntype E string\n\n"+
		"//codec:tuple\ntype T struct {\n\tA E `mp:\"a\"`\n\tB uint8 `mp:\"b\"`\n}\n\n"+
		"//codec:cmd get F G\n//codec:rep A\ntype GetReq struct {\n\tN *uint64 `mp:\"n,later,min=1\"`\n\tL [][]byte `mp:\"l,max=9,each=7\"`\n}\n\n"+
		"//codec:cmd put G\n//codec:rep OK\ntype PutReq struct{}")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"{Name: \"cmd\"},\n\t{Name: \"n\", Optional: true},", "r.Const(\"get\")", "if *v.N < 1 {\n\t\t\t\tr.Fail(mpack.ErrRange)",
		"r.Array(9)", "r.Bytes(7)", "switch kind := r.Discriminant(\"kind\"); kind {", "mpack.Read(r, decodeOK)", "switch kind := r.Discriminant(\"tag\"); kind {",
		"r.Array(2)", "case F:\n\t\tswitch name {\n\t\tcase \"get\":\n\t\t\treturn &GetReq{}\n\t\t}", "type GetRep interface {\n\tReply\n\tisGetRep()\n}",
		"func (*UnknownStatus) isPutRep() {}", "func (E) Values() []E", "func VariantsOfU() []U",
	} {
		if !strings.Contains(code, want) {
			t.Errorf("%q is not in\n%s", want, code)
		}
	}
}
