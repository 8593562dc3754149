// Codecgen writes the MessagePack codecs of a package from its struct definitions.
//
//	codecgen [-o FILE] DIRECTORY
//
// A struct is encoded if its comment has a line
//
//	//codec:map [TYPE] [array]
//
// which means a map whose first field is type with the value TYPE, then the fields in the order
// of the definition. With array the reader takes an array in that order as well. Each field has a tag
//
//	mp:"NAME[,OPTION]..."
//
//	null        nil stands for the zero value; the key must be there
//	opt         nil or no key stands for the zero value; it is written as nil
//	since       nil or no key stands for the zero value; it is not written
//	max=N       most bytes or elements: strings, bytes, lists, maps and sets need it
//	const=TEXT  the text that must stand there; the Go field is blank
//
// The fields of an embedded struct come first. A field of another named type T is read by decodeT and written by encodeT, which codecgen makes or
// which somebody wrote. A map to struct{} is a set, which travels as an array.
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
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: codecgen [-o FILE] DIRECTORY")
		os.Exit(2)
	}
	if *out == "" {
		*out = filepath.Join(flag.Arg(0), output)
	}
	if err := run(flag.Arg(0), *out); err != nil {
		fmt.Fprintln(os.Stderr, "codecgen:", err)
		os.Exit(1)
	}
}

func run(dir, out string) error {
	p, err := read(dir)
	if err != nil {
		return err
	}
	code, err := p.generate()
	if err != nil {
		return err
	}
	return os.WriteFile(out, code, 0o644) //nolint:gosec // source code is for everybody to read
}
