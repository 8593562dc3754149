// Package qrcode draws QR codes on a terminal, for a camera in front of it.
package qrcode

import (
	"errors"
	"fmt"
	"strings"

	"rsc.io/qr"
)

const (
	// quiet is how many modules of light are around the code, as the standard wants it.
	quiet = 4
	// maxText is the longest text, in bytes: what needs a larger code does not fit on a usual terminal.
	maxText = 512
)

// Black on white whatever the colours of the terminal are: many readers do not know a code that is inverted.
const (
	begin = "\x1b[30;107m"
	end   = "\x1b[0m"
)

// Text draws a text. Two rows of modules are one line, for a character is about twice as high as wide.
func Text(text string) (string, error) {
	if text == "" || len(text) > maxText {
		return "", fmt.Errorf("a QR code of %d bytes cannot be shown", len(text))
	}
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return "", errors.New("the text does not fit into a QR code")
	}
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString(begin)
		for x := -quiet; x < code.Size+quiet; x++ {
			b.WriteRune(half(code.Black(x, y), code.Black(x, y+1)))
		}
		b.WriteString(end + "\n")
	}
	return b.String(), nil
}

// half is a character whose upper and lower half are dark or not.
func half(upper, lower bool) rune {
	switch {
	case upper && lower:
		return '█'
	case upper:
		return '▀'
	case lower:
		return '▄'
	default:
		return ' '
	}
}
