package spiffe

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// object is what all errors of this package are about.
const object = "authentication"

// maxText bounds foreign texts in errors, in bytes.
const maxText = 200

// refuse returns a refusal with StatusAuthenticationError.
func refuse(format string, args ...any) *wire.Error {
	err := wire.Errorf(wire.StatusAuthenticationError, format, args...)
	err.Object = object
	return err
}

// refusal translates an error of the Workload API. Its text is for the log alone, and only
// if it does not repeat the token.
func (a *Authenticator) refusal(err error, token string) error {
	answer, ok := status.FromError(err)
	if !ok { // of the library: it accepted the token a moment ago
		return refuse("%s", describeToken(err))
	}
	var r *wire.Error
	switch answer.Code() {
	case codes.InvalidArgument:
		r = refuse("the SPIFFE Workload API does not accept the token")
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		r = refuse("the SPIFFE Workload API does not answer")
	case codes.PermissionDenied, codes.Unauthenticated:
		r = refuse("the SPIFFE Workload API does not serve this agent")
	default:
		r = refuse("the SPIFFE Workload API failed")
	}
	r.Err = fmt.Errorf("%s: %s: %s", a.endpoint, answer.Code(), withoutToken(answer.Message(), token))
	return r
}

// withoutToken returns text if it holds no part of the token that would be of use to
// anybody, that is its signature.
func withoutToken(text, token string) string {
	if strings.Contains(text, token[strings.LastIndexByte(token, '.')+1:]) {
		return "(text with the token in it)"
	}
	return cut(text)
}

// describeToken returns why go-spiffe refuses a token. Its texts quote the audience and
// nothing else.
func describeToken(err error) string {
	if cause := errors.Unwrap(err); cause != nil {
		err = cause // without the name of the library's package
	}
	return cut(err.Error())
}

// cut bounds a foreign text and quotes what is not printable in it.
func cut(text string) string {
	if len(text) > maxText {
		text = text[:maxText] + "…"
	}
	quoted := fmt.Sprintf("%q", text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
