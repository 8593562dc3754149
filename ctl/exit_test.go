package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func TestExitStatuses(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
	}{
		{errors.New("x"), ExitFailed},
		{usagef("x"), ExitUsage},
		{fmt.Errorf("y: %w", usagef("x")), ExitUsage},
		{&client.EndpointError{}, ExitUsage},
		{&client.ConnectionError{Err: io.EOF}, ExitUnreachable},
		{&client.ConnectionError{Err: io.EOF, Sent: true}, ExitFailed},
		{&client.ProtocolError{}, ExitFailed},
		{&wire.Error{Status: wire.StatusNotPermitted}, ExitRefused},
		{&wire.Error{Status: wire.StatusAdminOperation}, ExitRefused},
		{&wire.Error{Status: wire.StatusAuthenticationError}, ExitRefused},
		{&wire.Error{Status: wire.StatusDoesNotExist}, ExitNotFound},
		{&wire.Error{Status: wire.StatusProviderNotRegistered}, ExitNotFound},
		{&wire.Error{Status: wire.StatusBadState}, ExitLocked},
		{&wire.Error{Status: wire.StatusInvalidSignature}, ExitFailed},
		{&answered{ExitFailed}, ExitFailed},
	} {
		if got := exitCode(tc.err); got != tc.want {
			t.Errorf("%v: %d, want %d", tc.err, got, tc.want)
		}
	}
}

// TestErrorsOfOthersAreHarmless has a service whose texts would command the terminal.
func TestErrorsOfOthersAreHarmless(t *testing.T) {
	hostile := &wire.Error{
		Status: wire.StatusGenericError, Object: "key \x1b[2J", Reason: "a\nb\u009b31m\u202e", Remedy: "rm\r\x07", Reference: "\x00",
	}
	var out, msg bytes.Buffer
	p := &Program{Out: &out, Err: &msg}
	if got := p.fail(t.Context(), hostile); got != ExitFailed {
		t.Errorf("exit status %d", got)
	}
	for _, r := range msg.String() {
		if r < 0x20 && r != '\n' || r >= 0x7f && r < 0xa0 || r == 0x202e {
			t.Errorf("the terminal gets %U", r)
		}
	}
	if n := strings.Count(msg.String(), "\n"); n != 3 {
		t.Errorf("%d lines: %q", n, msg.String())
	}
	msg.Reset()
	p.global.json = true
	p.fail(t.Context(), hostile)
	var e struct{ Error failure }
	if err := json.Unmarshal(msg.Bytes(), &e); err != nil || e.Error.Code != 1132 || e.Error.Status != "PsaErrorGenericError" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestInterruptionIsNamed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var msg bytes.Buffer
	p := &Program{Err: &msg}
	p.fail(ctx, errors.New("no answer"))
	if got := msg.String(); got != "parsecctl: no answer (context canceled)\n" {
		t.Errorf("%q", got)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "zwölf €": "zwölf €", "a\tb\nc": "a b c", "\x1b[1m": "�[1m", "\u202eevil": "�evil",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
