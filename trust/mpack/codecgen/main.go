// Codecgen writes the MessagePack codecs of a package from its type definitions.
//
//	codecgen [-o FILE] [-alias] [-trust DIRECTORY] DIRECTORY
//
// A type is encoded if its comment has one of these lines:
//
//	//codec:map [TYPE] [array]     a struct: a map whose first field is type with the value TYPE, then the fields in the
//	                               order of the definition. With array the reader takes an array in that order as well
//	//codec:tuple                  a struct: an array of the fields
//	//codec:union TAG              an interface with a method isNAME: one of its variants, which the field TAG tells apart
//	//codec:variant UNION VALUE    a struct: a map whose first field is the union's TAG with the value VALUE
//	//codec:enum VALUE...          a string that is one of the values
//	//codec:status NAME            a struct: a map whose first field is status
//	//codec:cmd NAME FAMILY...     a struct whose name ends in Req: a map whose first field is cmd; the interface of its
//	//codec:rep STATUS...          replies is made as well
//
// Each field of a struct has a tag
//
//	mp:"NAME[,OPTION]..."
//
//	null        nil stands for the zero value; the key must be there
//	opt         nil or no key stands for the zero value; it is written as nil
//	since       nil or no key stands for the zero value; it is not written
//	later       no key stands for the zero value, which is not written; nil is refused
//	max=N       most bytes or elements: strings, bytes, lists, maps and sets need it
//	each=N      most bytes or elements of each element, if they are not as many
//	min=N       the least number
//	const=TEXT  the text that must stand there; the Go field is blank
//
// The fields of an embedded struct come first. A field of another named type T is read by decodeT and written by encodeT, which codecgen makes or
// which somebody wrote; trust.T by trust.DecodeT and trust.EncodeT. A map to struct{} is a set, which travels as an array. With -alias fields of bytes are parts of
// what was read instead of copies.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

const output = "codec_gen.go"

func main() {
	out := flag.String("o", "", "write to this file instead of "+output+" in the directory")
	trust := flag.String("trust", "", "directory of package trust, if the types have some of its own")
	alias := flag.Bool("alias", false, "let fields of bytes be parts of the input")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: codecgen [-o FILE] [-alias] [-trust DIRECTORY] DIRECTORY")
		os.Exit(2)
	}
	if *out == "" {
		*out = filepath.Join(flag.Arg(0), output)
	}
	if err := run(options{dir: flag.Arg(0), out: *out, trust: *trust, alias: *alias}); err != nil {
		fmt.Fprintln(os.Stderr, "codecgen:", err)
		os.Exit(1)
	}
}

type options struct {
	dir, out, trust string
	alias           bool
}

func run(o options) error {
	p, err := read(o.dir)
	if err != nil {
		return err
	}
	p.alias = o.alias
	if o.trust != "" {
		other, err := read(o.trust)
		if err != nil {
			return err
		}
		p.trustIDs = other.ids
	}
	code, err := p.generate()
	if err != nil {
		return err
	}
	return os.WriteFile(o.out, code, 0o644) //nolint:gosec // source code is for everybody to read
}
