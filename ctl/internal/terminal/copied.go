package terminal

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/big"
)

// ErrNotCopied says that a secret was not written down, or not well.
var ErrNotCopied = errors.New("what was typed is not what was shown")

// Copied shows a secret of several groups with dashes between them, and has the person type
// some of the groups from what was written down.
func Copied(ctx context.Context, introduction string, secret []byte) error {
	const asked, tries = 2, 3
	tty, err := open()
	if err != nil {
		return errors.New("there is no terminal to show it on")
	}
	defer tty.Close()
	fmt.Fprintf(tty, "%s\n\n", introduction)
	groups := bytes.Split(secret, []byte("-"))
	for i, g := range groups {
		end := " "
		if i%5 == 4 || i == len(groups)-1 {
			end = "\n"
		}
		fmt.Fprintf(tty, "  %2d %s%s", i+1, g, end)
	}
	fmt.Fprintln(tty)
	first, err := pick(len(groups) - 1)
	if err != nil {
		return err
	}
	second, err := pick(len(groups) - first - 1) // after the first
	if err != nil {
		return err
	}
	for _, n := range [asked]int{first, first + 1 + second} {
		if err := tty.again(ctx, n, groups[n], tries); err != nil {
			return err
		}
	}
	return nil
}

// pick draws a number below n.
func pick(n int) (int, error) {
	v, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		return 0, err
	}
	return int(v.Int64()), nil
}

// again asks for one group.
func (t *tty) again(ctx context.Context, n int, group []byte, tries int) error {
	for range tries {
		line, err := t.ask(ctx, fmt.Sprintf("Type group %d from what you wrote down: ", n+1))
		if err != nil {
			return err
		}
		same := subtle.ConstantTimeCompare(bytes.ToUpper(bytes.TrimSpace(line)), group) == 1
		clear(line)
		if same {
			return nil
		}
		fmt.Fprintln(t, "That is not it.")
	}
	return ErrNotCopied
}
