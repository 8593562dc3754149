package terminal

import (
	"context"
	"fmt"
	"strings"
)

// Line asks for a line of text, which is shown as it is typed.
func Line(ctx context.Context, prompt string) (string, error) {
	tty, err := open()
	if err != nil {
		return "", err
	}
	defer tty.Close()
	line, err := tty.ask(ctx, prompt)
	if err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(tty) // what was asked is of no interest any more
		}
		return "", err
	}
	return strings.TrimSpace(string(line)), nil
}

// Show writes lines to the terminal, wherever the output goes.
func Show(text string) error {
	tty, err := open()
	if err != nil {
		return err
	}
	defer tty.Close()
	_, err = fmt.Fprintln(tty, text)
	return err
}
