package tool

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"syscall"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// toolError is an error that the tool itself finds. debug is the original's debug form.
type toolError struct{ text, debug string }

func (e *toolError) Error() string { return fmt.Sprintf("%s (%s)", e.text, e.debug) }

var (
	errWrongAlgorithm = &toolError{"the key is for another algorithm", "ParsecToolError(WrongKeyAlgorithm)"}
	errNotSupported   = &toolError{"parsec-tool does not support the operation", "ParsecToolError(NotSupported)"}
	errNotFound       = &toolError{"no key has that name", "ParsecClientError(Client(NotFound))"}
	errProvider       = &toolError{"no provider has that number", "ParsecInterfaceError(ProviderDoesNotExist)"}
	errCore           = &toolError{"the core provider does not work with keys", "ParsecClientError(Client(InvalidProvider))"}
	errSigning        = &toolError{"the key refuses to sign", "RcgenError(KeyGenerationUnavailable)"}
)

// explain writes an error as TEXT (DEBUG).
func explain(err error) string {
	if t, ok := errors.AsType[*toolError](err); ok {
		return t.Error()
	}
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return fmt.Sprintf("%s (ParsecClientError(Service(%s)))", e.Error(), e.Status.String())
	}
	if _, ok := errors.AsType[*client.ProtocolError](err); ok {
		return fmt.Sprintf("%v (ParsecClientError(Client(InvalidServiceResponseType)))", err)
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return fmt.Sprintf("%s (ParsecClientError(Client(Ipc(%s))))", osText(err), debugOS(err))
	}
	return err.Error()
}

// osText is an error of the operating system with its number, as Rust writes it.
func osText(err error) string {
	if no, ok := errors.AsType[syscall.Errno](err); ok {
		return fmt.Sprintf("%v (os error %d)", err, int(no))
	}
	return err.Error()
}

func debugOS(err error) string {
	no, _ := errors.AsType[syscall.Errno](err)
	kind := map[syscall.Errno]string{
		syscall.ECONNREFUSED: "ConnectionRefused", syscall.EACCES: "PermissionDenied", syscall.ECONNRESET: "ConnectionReset",
		syscall.EPIPE: "BrokenPipe", syscall.ENOENT: "NotFound",
	}[no]
	if kind == "" {
		kind = "Uncategorized"
	}
	return fmt.Sprintf("Os { code: %d, kind: %s, message: %s }", int(no), kind, strconv.Quote(no.Error()))
}

// decodeBase64 decodes strictly; its errors name the place as the original's do.
func decodeBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err == nil && !containsLineEnd(s) {
		return b, nil
	}
	for i := range len(s) {
		if !base64Symbol(s[i]) && (s[i] != '=' || !validPadding(s, i)) {
			return nil, &toolError{fmt.Sprintf("no base64: symbol %d at offset %d", s[i], i), fmt.Sprintf("Base64Decode(InvalidByte(%d, %d))", i, s[i])}
		}
	}
	if len(s)%4 == 1 {
		return nil, &toolError{fmt.Sprintf("no base64: a length of %d", len(s)), fmt.Sprintf("Base64Decode(InvalidLength(%d))", len(s))}
	}
	if len(s)%4 != 0 {
		return nil, &toolError{"no base64: the padding is wrong", "Base64Decode(InvalidPadding)"}
	}
	last := len(s) - 1
	for last > 0 && s[last] == '=' {
		last--
	}
	return nil, &toolError{
		fmt.Sprintf("no base64: symbol %d at offset %d has bits left over", s[last], last),
		fmt.Sprintf("Base64Decode(InvalidLastSymbol(%d, %d))", last, s[last]),
	}
}

func containsLineEnd(s string) bool {
	for i := range len(s) {
		if s[i] == '\n' || s[i] == '\r' {
			return true
		}
	}
	return false
}

func base64Symbol(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}

// validPadding reports whether "=" at offset i stands in the last two places of a group,
// and only padding follows.
func validPadding(s string, i int) bool {
	for _, c := range s[i:] {
		if c != '=' {
			return false
		}
	}
	return i%4 >= 2 && len(s)-i <= 4-i%4
}

// lineError is an error of which the first words are the original's, for scripts that look for
// them.
type lineError struct{ first, rest string }

func (l lineError) Error() string { return l.first + ": " + l.rest }

func spinning(text string) error { return lineError{"Error spinning up the BasicClient", text} }

func failed(text string) error { return lineError{"Subcommand failed", text} }
