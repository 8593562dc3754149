package ondisk

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/index"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

const (
	// internalDir holds the service's own entries. It is no base64, for its length is no
	// multiple of four.
	internalDir = "parsec"
	// maxName is the longest text in bytes whose encoding is a file name (255 bytes).
	maxName = 189
	// ourPrefix opens the decoded names of our own files.
	ourPrefix = "agent-"
	// temporary opens the names of files that are being written.
	temporary = ".agent-new-"
)

// encoding is how names become file names.
var encoding = base64.URLEncoding.Strict()

// prefixes begin the names of the service's own entries. None is the start of another.
var prefixes = map[wire.ProviderID]string{
	wire.ProviderCore: "core", wire.ProviderMbedCrypto: "mbedcrypto", wire.ProviderPKCS11: "pkcs11", wire.ProviderTPM: "tpm",
	wire.ProviderTrustedService: "trusted-service", wire.ProviderCryptoAuthLib: "cryptoauthlib",
}

// checkNames refuses a key that the layout has no place for.
func checkNames(k index.Key) error {
	var reason string
	switch {
	case k.Name == "":
		reason = "the key name is empty"
	case len(prefix(k))+len(k.Name) > maxName:
		reason = fmt.Sprintf("the key name has %d bytes, the key info manager holds %d", len(k.Name), maxName-len(prefix(k)))
	case k.Owner.App == "" || len(k.Owner.App) > maxName:
		reason = fmt.Sprintf("the application identity has %d bytes, the key info manager holds 1 to %d", len(k.Owner.App), maxName)
	case !utf8.ValidString(string(k.Name)) || !utf8.ValidString(k.Owner.App):
		reason = "the key name or the application identity is not UTF-8"
	default:
		return nil
	}
	return &wire.Error{Status: wire.StatusKeyInfoManagerError, Reason: reason, Err: kim.ErrName}
}

// prefix is what stands before the name of an entry of the service's own.
func prefix(k index.Key) string {
	if k.Owner != kim.Internal() {
		return ""
	}
	return prefixes[k.Provider]
}

// ownerDir is the directory of level 1.
func ownerDir(o kim.Owner) string {
	if o == kim.Internal() {
		return internalDir
	}
	return encode(o.App)
}

// originalPath is where the original has an entry.
func originalPath(k index.Key) string {
	name := encode(prefix(k) + string(k.Name))
	if k.Owner == kim.Internal() {
		return path.Join(internalDir, name)
	}
	return path.Join(ownerDir(k.Owner), strconv.Itoa(int(k.Provider)), name)
}

// ourPath is where we have an entry that the original cannot parse: in a file directly
// under the owner's directory, whose name decodes to "agent-" and the hexadecimal SHA-256
// of the provider ID as one byte and the key name. The original ignores such files; among
// the service's own it demands base64 and ignores prefixes that it does not know.
func ourPath(k index.Key) string {
	sum := sha256.Sum256(append([]byte{byte(k.Provider)}, k.Name...))
	return path.Join(ownerDir(k.Owner), encode(ourPrefix+hex.EncodeToString(sum[:])))
}

// isOurs reports whether a file directly under an owner's directory is one of ours.
func isOurs(name string) bool {
	text, err := decode(name)
	digits, found := strings.CutPrefix(text, ourPrefix)
	if err != nil || !found || strings.ToLower(digits) != digits {
		return false
	}
	sum, err := hex.DecodeString(digits)
	return err == nil && len(sum) == sha256.Size
}

func encode(text string) string { return encoding.EncodeToString([]byte(text)) }

func decode(name string) (string, error) {
	b, err := encoding.DecodeString(name)
	if err != nil || strings.ContainsAny(name, "\r\n") { // which the decoder would skip
		return "", errors.New("its name is not URL-safe base64 with padding")
	}
	if len(b) == 0 || !utf8.Valid(b) {
		return "", errors.New("its name does not decode to UTF-8")
	}
	return string(b), nil
}

// keyOf returns the key of an application's file that the original made.
func keyOf(owner, provider, name string) (index.Key, error) {
	app, err := decode(owner)
	if err != nil {
		return index.Key{}, fmt.Errorf("its application's directory: %w", err)
	}
	id, err := strconv.ParseUint(provider, 10, 8)
	if err != nil || strconv.FormatUint(id, 10) != provider || !wire.ProviderID(id).Known() {
		return index.Key{}, fmt.Errorf("its directory %q is not the number of a provider", provider)
	}
	text, err := decode(name)
	if err != nil {
		return index.Key{}, err
	}
	return index.Key{Owner: kim.Owner{App: app}, Name: psa.KeyName(text), Provider: wire.ProviderID(id)}, nil
}

// internalKeyOf returns the key of one of the service's own files; known is false for a
// prefix that the layout does not have, which the original ignores.
func internalKeyOf(name string) (k index.Key, known bool, err error) {
	text, err := decode(name)
	if err != nil {
		return index.Key{}, false, err
	}
	for id, p := range prefixes {
		if rest, ok := strings.CutPrefix(text, p); ok {
			return index.Key{Owner: kim.Internal(), Name: psa.KeyName(rest), Provider: id}, true, nil
		}
	}
	return index.Key{}, false, nil
}
