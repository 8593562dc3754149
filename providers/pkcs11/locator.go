package pkcs11

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
)

// locator names an object of a token in text: parts such as id:01ab, label:web%20key and
// type:private with slashes between, without characters that a shell would take. The
// attributes id, object and type of a PKCS#11 URI (RFC 7512) are understood as well.
type locator struct {
	id, label []byte // nil when not said
	class     uint64 // 0 when not said
}

// maxLocator bounds the text in bytes.
const maxLocator = 8192

// classNames are the values of type, and what listings call objects.
var classNames = map[uint64]string{
	ck.ClassPrivateKey: "private", ck.ClassSecretKey: "secret-key", ck.ClassPublicKey: "public", ck.ClassCertificate: "cert",
}

func classOf(name string) (uint64, bool) {
	for class, n := range classNames {
		if n == name {
			return class, true
		}
	}
	return 0, false
}

func (l locator) String() string {
	var parts []string
	if l.id != nil {
		parts = append(parts, "id:"+hex.EncodeToString(l.id))
	}
	if l.label != nil {
		parts = append(parts, "label:"+escape(string(l.label)))
	}
	if l.class != 0 {
		parts = append(parts, "type:"+classNames[l.class])
	}
	return strings.Join(parts, "/")
}

// parseLocator reads a locator in either form.
func parseLocator(text string) (locator, error) {
	var l locator
	if len(text) > maxLocator {
		return l, wire.Errorf(wire.StatusInvalidArgument, "a locator of %d bytes is too long, %d are the most", len(text), maxLocator)
	}
	rest, separator, equals := text, "/", ":"
	if after, isURI := strings.CutPrefix(text, uriScheme); isURI {
		rest, separator, equals = after, ";", "="
	}
	for part := range strings.SplitSeq(rest, separator) {
		name, raw, found := strings.Cut(part, equals)
		if !found || !setPart(&l, name, raw, equals == ":") {
			return l, &wire.Error{
				Status: wire.StatusInvalidArgument, Reason: fmt.Sprintf("%q is no part of a locator such as id:01ab/label:web", cut(part)),
				Remedy: "parsecctl key list --unnamed",
			}
		}
	}
	if l.id == nil && l.label == nil {
		return l, wire.Errorf(wire.StatusInvalidArgument, "a locator has an id or a label")
	}
	return l, nil
}

// setPart takes a part, once.
func setPart(l *locator, name, raw string, ours bool) bool {
	switch {
	case name == "id" && ours && l.id == nil:
		b, err := hex.DecodeString(raw)
		l.id = append([]byte{}, b...)
		return err == nil
	case name == "id" && l.id == nil:
		text, err := url.PathUnescape(raw)
		l.id = []byte(text)
		return err == nil
	case (name == "label" && ours || name == "object" && !ours) && l.label == nil:
		text, err := url.PathUnescape(raw)
		l.label = []byte(text)
		return err == nil
	case name == "type" && l.class == 0:
		class, known := classOf(raw)
		l.class = class
		return known
	default:
		return false
	}
}

// matches reports whether an object has all that the locator says.
func (l locator) matches(o *object) bool {
	return (l.id == nil || bytes.Equal(l.id, o.id)) && (l.label == nil || bytes.Equal(l.label, o.label)) && //nolint:forbidigo // no secrets
		(l.class == 0 || l.class == o.class)
}
