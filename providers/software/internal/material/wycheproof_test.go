package material_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest/wycheproof"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

// Every vector of Project Wycheproof about our operations is answered as it demands.
func TestWycheproof(t *testing.T) {
	files := wycheproof.Files()
	if len(files) < 100 {
		t.Fatalf("only %d files of vectors: %v", len(files), files)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			cases, step := wycheproof.Load(t, file), 1
			if testing.Short() { // arithmetic, in which no rare value changes who reads and writes
				step = 20
			}
			for i := 0; i < len(cases); i += step {
				if err := replay(&cases[i]); err != nil {
					t.Errorf("%s %v: %v", &cases[i], cases[i].Flags, err)
				}
			}
		})
	}
}

// replay returns what is wrong with our answer.
func replay(c *wycheproof.Case) error {
	err := operate(c)
	if err != nil && wire.StatusOf(err) == wire.StatusGenericError {
		return err
	}
	switch {
	case c.Exception != "":
		if err == nil {
			return fmt.Errorf("it is an exception (%s), but succeeds", c.Exception)
		}
	case c.Want == wycheproof.Valid:
		return err
	case c.Want == wycheproof.Invalid && err == nil:
		return fmt.Errorf("invalid, but accepted")
	}
	return nil
}

func operate(c *wycheproof.Case) error {
	k, err := material.New(c.Attributes, c.KeyData)
	if err != nil {
		return err
	}
	defer k.Wipe()
	in := providers.AEADInput{Nonce: c.Nonce, AdditionalData: c.AdditionalData, Data: c.Input}
	var got []byte
	switch c.Op {
	case wycheproof.VerifyMessage:
		return k.VerifyMessage(c.Algorithm(), c.Input, c.Output)
	case wycheproof.MAC:
		return k.VerifyMAC(c.Algorithm(), c.Input, c.Output)
	case wycheproof.Decrypt:
		got, err = k.Decrypt(c.Algorithm(), c.Input, c.Salt)
	case wycheproof.Seal:
		got, err = k.Seal(c.Algorithm(), in)
	case wycheproof.Open:
		got, err = k.Open(c.Algorithm(), in)
	case wycheproof.CipherDecrypt:
		got, err = k.CipherDecrypt(c.Algorithm(), c.Input)
	case wycheproof.Agree:
		got, err = k.Agree(c.Algorithm(), c.Input)
	}
	if err == nil && !bytes.Equal(got, c.Output) {
		return wire.Errorf(wire.StatusGenericError, "result %x, want %x", got, c.Output)
	}
	return err
}
