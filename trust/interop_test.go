//go:build interop

package trust

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// oracle is the reference implementation, which answers questions.
type oracle struct {
	in  io.Writer
	out *bufio.Scanner
}

type question struct {
	Op        string `json:"op"`
	Type      string `json:"type"`
	Data      string `json:"data"`
	Signing   string `json:"signing,omitempty"`
	Author    string `json:"author"`
	Timestamp int64  `json:"timestamp"`
}

type answer struct {
	Out   string `json:"out"`
	Error string `json:"error"`
}

// newOracle starts the reference. It needs Python 3.12, for which the reference is built.
func newOracle(t *testing.T) *oracle {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "../interop/peers", "cloud-python", "-c", "import parsec._parsec").CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no reference implementation: %s", out)
		}
		t.Skipf("no reference implementation (it needs Python 3.12): %s", out)
	}
	cmd := exec.CommandContext(t.Context(), "../interop/peers", "cloud-python", "testdata/oracle.py")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<24)
	return &oracle{in: in, out: scanner}
}

func (o *oracle) ask(t require, q question) answer {
	t.Helper()
	b, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.in.Write(append(b, '\n')); err != nil {
		t.Fatal(err)
	}
	a := answer{}
	if !o.out.Scan() {
		t.Fatalf("the reference ended: %v", o.out.Err())
	}
	if err := json.Unmarshal(o.out.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// require is what tests and properties have in common.
type require interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// drawing makes random objects.
type drawing struct{ t *rapid.T }

func (d drawing) id() (id [16]byte) {
	return [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(d.t, "id"))
}

func (d drawing) key() [32]byte {
	return [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(d.t, "key"))
}

func (d drawing) time() DateTime {
	return DateTime{rapid.Int64Range(minMicros, maxMicros).Draw(d.t, "time")}
}

func (d drawing) bytes() []byte {
	return rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(d.t, "bytes")
}

func (d drawing) label() DeviceLabel {
	for {
		if l, err := NewDeviceLabel(rapid.StringN(1, 40, 255).Draw(d.t, "label")); err == nil {
			return l
		}
	}
}

func (d drawing) name() EntryName {
	for {
		if n, err := NewEntryName(rapid.StringN(1, 40, 255).Draw(d.t, "name")); err == nil {
			return n
		}
	}
}

func (d drawing) profile() Profile {
	return rapid.SampledFrom([]Profile{Outsider, Standard, Admin}).Draw(d.t, "profile")
}

func (d drawing) maybe() bool { return rapid.Bool().Draw(d.t, "maybe") }

func (d drawing) number() uint64 { return rapid.Uint64().Draw(d.t, "number") }

// rsaDER is the key of all sequester certificates.
var rsaDER []byte

// object draws an object of the type. The author is the given device, or nil where that may be and chance wills.
func (d drawing) object(kind string, author DeviceID) object {
	by := &author
	if d.maybe() {
		by = nil
	}
	switch kind {
	case "user_certificate":
		c := &UserCertificate{Author: by, Timestamp: d.time(), UserID: d.id(), PublicKey: d.key(), Profile: d.profile()}
		if d.maybe() {
			h := must(NewHumanHandle("a.b+c@example.com", "Zoë Ångström"))
			c.HumanHandle = &h
		}
		return c
	case "device_certificate":
		c := &DeviceCertificate{
			Author: by, Timestamp: d.time(), UserID: d.id(), DeviceID: d.id(),
			VerifyKey: must(SigningKey{newSecret(slices.Clone(sliceOf(d.key())))}.VerifyKey()),
			Purpose:   rapid.SampledFrom([]Purpose{StandardDevice, ShamirRecovery, PassphraseRecovery, Registration}).Draw(d.t, "purpose"),
		}
		if d.maybe() {
			l := d.label()
			c.DeviceLabel = &l
		}
		return c
	case "revoked_user_certificate":
		return &RevokedUserCertificate{Author: author, Timestamp: d.time(), UserID: d.id()}
	case "user_update_certificate":
		return &UserUpdateCertificate{Author: author, Timestamp: d.time(), UserID: d.id(), NewProfile: d.profile()}
	case "realm_role_certificate":
		role := rapid.SampledFrom([]Role{NoRole, Reader, Contributor, Manager, Owner}).Draw(d.t, "role")
		return &RealmRoleCertificate{Author: author, Timestamp: d.time(), RealmID: d.id(), UserID: d.id(), Role: role}
	case "realm_key_rotation_certificate":
		return &RealmKeyRotationCertificate{Author: author, Timestamp: d.time(), RealmID: d.id(), KeyIndex: d.number(), KeyCanary: d.bytes()}
	case "realm_name_certificate":
		return &RealmNameCertificate{Author: author, Timestamp: d.time(), RealmID: d.id(), KeyIndex: d.number(), EncryptedName: d.bytes()}
	case "realm_archiving_certificate":
		c := &RealmArchivingCertificate{Author: author, Timestamp: d.time(), RealmID: d.id()}
		c.Configuration.State = rapid.SampledFrom([]ArchivingState{Available, Archived, DeletionPlanned}).Draw(d.t, "state")
		if c.Configuration.State == DeletionPlanned {
			c.Configuration.DeletionDate = d.time()
		}
		return c
	case "sequester_authority_certificate":
		return &SequesterAuthorityCertificate{Timestamp: d.time(), VerifyKeyDER: rsaDER}
	case "sequester_service_certificate":
		return &SequesterServiceCertificate{Timestamp: d.time(), ServiceID: d.id(), ServiceLabel: d.label().s, EncryptionKeyDER: rsaDER}
	case "sequester_revoked_service_certificate":
		return &SequesterRevokedServiceCertificate{Timestamp: d.time(), ServiceID: d.id()}
	case "shamir_recovery_brief_certificate":
		c := &ShamirRecoveryBriefCertificate{Author: author, Timestamp: d.time(), UserID: d.id(), Threshold: 1, PerRecipientShares: map[UserID]uint8{}}
		for range rapid.IntRange(1, 5).Draw(d.t, "recipients") {
			c.PerRecipientShares[d.id()] = rapid.Uint8Range(1, 50).Draw(d.t, "shares")
		}
		return c
	case "shamir_recovery_share_certificate":
		return &ShamirRecoveryShareCertificate{Author: author, Timestamp: d.time(), UserID: d.id(), Recipient: d.id(), CipheredShare: d.bytes()}
	case "shamir_recovery_deletion_certificate":
		c := &ShamirRecoveryDeletionCertificate{
			Author: author, Timestamp: d.time(), SetupToDeleteTimestamp: d.time(), SetupToDeleteUserID: d.id(),
			ShareRecipients: map[UserID]struct{}{},
		}
		for range rapid.IntRange(1, 5).Draw(d.t, "recipients") {
			c.ShareRecipients[d.id()] = struct{}{}
		}
		return c
	}
	return d.manifest(kind, author)
}

func sliceOf(b [32]byte) []byte { return b[:] }

func (d drawing) manifest(kind string, author DeviceID) object {
	version := rapid.Uint32().Draw(d.t, "version")
	switch kind {
	case "user_manifest":
		return &UserManifest{Author: author, Timestamp: d.time(), ID: d.id(), Version: version, Created: d.time(), Updated: d.time()}
	case "folder_manifest":
		m := &FolderManifest{
			Author: author, Timestamp: d.time(), ID: d.id(), Parent: d.id(), Version: version, Created: d.time(), Updated: d.time(),
			Children: map[EntryName]VlobID{},
		}
		for range rapid.IntRange(0, 5).Draw(d.t, "children") {
			m.Children[d.name()] = d.id()
		}
		return m
	}
	m := &FileManifest{
		Author: author, Timestamp: d.time(), ID: d.id(), Parent: d.id(), Version: version, Created: d.time(), Updated: d.time(),
		Blocksize: rapid.Uint64Range(MinBlocksize, 1<<30).Draw(d.t, "blocksize"),
	}
	for i := range rapid.Uint64Range(0, 4).Draw(d.t, "blocks") {
		m.Blocks = append(m.Blocks, BlockAccess{ID: d.id(), Offset: i * m.Blocksize, Size: 1 + i, Digest: d.key()})
		m.Size = i*m.Blocksize + 1 + i
	}
	return m
}

// operation says how the oracle reads a type.
func operation(kind string) string {
	switch {
	case strings.HasSuffix(kind, "manifest"):
		return "manifest"
	case strings.HasPrefix(kind, "sequester_") && kind != "sequester_authority_certificate":
		return "service"
	}
	return "certificate"
}

// outcome is what a side made of a content: the content written again, or why it is refused.
type outcome struct {
	plain []byte
	err   error
}

// both gives the same content to both sides.
type both struct {
	oracle  *oracle
	signing SigningKey
	verify  VerifyKey
	author  DeviceID
}

func (b *both) read(t require, kind string, plain []byte, author *DeviceID, at DateTime) (ours, theirs outcome) {
	t.Helper()
	data := must(compressor()).EncodeAll(plain, []byte{format0})
	op := operation(kind)
	if op != "service" {
		data = must(b.signing.Sign(data))
	}
	q := question{Op: op, Type: kind, Data: hex.EncodeToString(data), Signing: hex.EncodeToString(must(b.signing.Export())), Timestamp: at.Micros()}
	if author != nil {
		q.Author = author.String()
	}
	if a := b.oracle.ask(t, q); a.Error != "" {
		theirs.err = errors.New(a.Error)
	} else {
		out := must(hex.DecodeString(a.Out))
		if op != "service" {
			out = out[SignatureSize:]
		}
		theirs.plain = must(decompress(out[1:], MaxSize))
	}
	ours.plain, ours.err = b.load(op, kind, data, author, at)
	return ours, theirs
}

func (b *both) load(op, kind string, data []byte, author *DeviceID, at DateTime) ([]byte, error) {
	by := Author{Device: author, Key: b.verify}
	var o object
	switch op {
	case "service":
		c, err := loadCertificate(data, newServiceCertificate)
		if err != nil {
			return nil, err
		}
		o = c
	case "manifest":
		read := readChild
		if kind == "user_manifest" {
			read = func(r *mpack.Reader) manifest { m := &UserManifest{}; m.decode(r); return m }
		}
		message, err := b.verify.Verify(data)
		if err != nil {
			return nil, err
		}
		var m manifest
		if err := unpack(message, func(r *mpack.Reader) { m = read(r) }); err != nil {
			return nil, err
		}
		if err := errors.Join(check(m), by.check(m)); err != nil {
			return nil, err
		}
		if folder, ok := m.(*FolderManifest); ok {
			if err := folder.checkChild(); err != nil {
				return nil, err
			}
		}
		if m.SignedAt() != at {
			return nil, &UnexpectedError{"timestamp"}
		}
		o = m
	default:
		c, err := VerifyCertificate(data, by)
		if err != nil {
			return nil, err
		}
		o = c
	}
	if o.Type() != kind && op != "manifest" {
		return nil, &UnexpectedError{"type"}
	}
	return packRaw(stated(o).encode)
}

var kindsOfObjects = []string{
	"user_certificate", "device_certificate", "revoked_user_certificate", "user_update_certificate", "realm_role_certificate",
	"realm_key_rotation_certificate", "realm_name_certificate", "realm_archiving_certificate", "sequester_authority_certificate",
	"sequester_service_certificate", "sequester_revoked_service_certificate", "shamir_recovery_brief_certificate",
	"shamir_recovery_share_certificate", "shamir_recovery_deletion_certificate", "file_manifest", "folder_manifest", "user_manifest",
}

func newBoth(t *testing.T) *both {
	t.Helper()
	signing := GenerateSigningKey()
	rsaDER = parsedDER(t)
	return &both{oracle: newOracle(t), signing: signing, verify: must(signing.VerifyKey()), author: NewDeviceID()}
}

func parsedDER(t *testing.T) []byte {
	t.Helper()
	for _, v := range vectors(t) {
		if v.Op == "sequester_verify" {
			return v.In.bytes("public_key_der")
		}
	}
	t.Fatal("no vector has an RSA key")
	return nil
}

// author returns what the object names, and its time where it has one.
func authorOf(o object) (*DeviceID, DateTime) {
	s, ok := o.(signedObject)
	if !ok {
		return nil, DateTime{}
	}
	return s.SignedBy(), s.SignedAt()
}

// normal is the content in our order, for maps and sets have none.
func (b *both) normal(t require, kind string, plain []byte) []byte {
	t.Helper()
	for _, o := range allObjects() {
		if o.Type() == kind && unpackRaw(plain, o.decode) == nil {
			return must(packRaw(stated(o).encode))
		}
	}
	t.Fatalf("%s that the reference wrote cannot be read: %x", kind, plain)
	return nil
}

// stated states the purpose of a device that a certificate leaves open, as the reference does when it writes.
func stated(o object) object {
	if d, ok := o.(*DeviceCertificate); ok {
		d.Purpose = d.PurposeOf()
	}
	return o
}

// TestReferenceReadsOurs: what we write the reference reads, and what it then writes we read as the same.
func TestReferenceReadsOurs(t *testing.T) {
	b := newBoth(t)
	for _, kind := range kindsOfObjects {
		t.Run(kind, rapid.MakeCheck(func(t *rapid.T) {
			o := drawing{t}.object(kind, b.author)
			plain := must(packRaw(o.encode))
			author, at := authorOf(o)
			ours, theirs := b.read(t, kind, plain, author, at)
			if ours.err != nil || theirs.err != nil {
				t.Fatalf("ours: %v, reference: %v", ours.err, theirs.err)
			}
			if !bytes.Equal(ours.plain, plain) || !bytes.Equal(b.normal(t, kind, theirs.plain), plain) {
				t.Fatalf("read as\n%x, written as\n%x, by the reference as\n%x", ours.plain, plain, theirs.plain)
			}
		}))
	}
}

// stricter are our reasons to refuse what the reference accepts: rows of decision 0042.
var stricter = []error{mpack.ErrTrailing, mpack.ErrDuplicate, mpack.ErrLimit, mpack.ErrDepth, ErrWeakKey, ErrNotRSA, ErrText, mpack.ErrText, mpack.ErrKey, errName}

// TestMutated changes what was written: both sides accept it and read the same, or both refuse it, but for what we are stricter in.
func TestMutated(t *testing.T) {
	b := newBoth(t)
	for _, kind := range kindsOfObjects {
		t.Run(kind, rapid.MakeCheck(func(t *rapid.T) {
			o := drawing{t}.object(kind, b.author)
			plain := mutate(t, must(packRaw(o.encode)))
			author, at := authorOf(o)
			ours, theirs := b.read(t, kind, plain, author, at)
			switch {
			case ours.err == nil && theirs.err == nil:
				if !bytes.Equal(ours.plain, b.normal(t, kind, theirs.plain)) {
					t.Fatalf("%x is read as\n%x, by the reference as\n%x", plain, ours.plain, theirs.plain)
				}
			case ours.err == nil:
				t.Fatalf("%x: only the reference refuses: %v", plain, theirs.err)
			case theirs.err == nil && errors.Is(ours.err, mpack.ErrMissing) && lacks(plain, "author"):
				// the reference takes a missing author of a user or device for the root key
			case theirs.err == nil && !slices.ContainsFunc(stricter, func(s error) bool { return errors.Is(ours.err, s) }):
				t.Fatalf("%x: only we refuse: %v", plain, ours.err)
			}
		}))
	}
}

// lacks reports whether a field is absent from a map.
func lacks(plain []byte, name string) bool {
	return !bytes.Contains(plain, append([]byte{0xa0 | byte(len(name))}, name...))
}

// mutate changes, removes, doubles or inserts bytes.
func mutate(t *rapid.T, plain []byte) []byte {
	b := slices.Clone(plain)
	for range rapid.IntRange(1, 2).Draw(t, "changes") {
		at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		n := rapid.IntRange(1, min(12, len(b)-at)).Draw(t, "n")
		switch rapid.IntRange(0, 4).Draw(t, "how") {
		case 0:
			b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case 1:
			b[at] = rapid.SampledFrom([]byte{0xc0, 0xc2, 0xc3, 0xc4, 0xc5, 0xc7, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd7, 0xd8, 0xd9, 0xdc, 0xde, 0x80, 0x90, 0xa0, 0xff}).Draw(t, "byte")
		case 2:
			b = slices.Delete(b, at, at+n)
		case 3:
			b = slices.Insert(b, at, b[at:at+n]...)
		case 4:
			b = slices.Insert(b, at, rapid.Byte().Draw(t, "inserted"))
		}
		if len(b) == 0 {
			return []byte{0x80}
		}
	}
	return b
}

// TestReferenceBoxes: what we encrypt and sign the reference opens and verifies.
func TestReferenceBoxes(t *testing.T) {
	o := newOracle(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		key, private, signing := GenerateSecretKey(), GeneratePrivateKey(), GenerateSigningKey()
		verify := must(signing.VerifyKey())
		for _, c := range []struct {
			op        string
			key, data []byte
		}{
			{"secretbox", must(key.Export()), must(key.Encrypt(plain))},
			{"sealedbox", must(private.Export()), must(must(private.Public()).Seal(plain))},
			{"verify", verify[:], must(signing.Sign(plain))},
		} {
			a := o.ask(t, question{Op: c.op, Signing: hex.EncodeToString(c.key), Data: hex.EncodeToString(c.data)})
			if a.Error != "" || a.Out != hex.EncodeToString(plain) {
				t.Fatalf("%s of %x: %s, %s", c.op, plain, a.Out, a.Error)
			}
		}
	})
}

// TestReferenceWeakSignatures: both decide alike on keys and signatures that everybody can compute with, or that have two forms.
func TestReferenceWeakSignatures(t *testing.T) {
	o := newOracle(t)
	points := []string{
		strings.Repeat("00", 32), "01" + strings.Repeat("00", 31), "ec" + strings.Repeat("ff", 30) + "7f", strings.Repeat("00", 31) + "80",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"ed" + strings.Repeat("ff", 30) + "7f", "ee" + strings.Repeat("ff", 30) + "7f", "ed" + strings.Repeat("ff", 31), "ee" + strings.Repeat("ff", 31),
		"01" + strings.Repeat("00", 30) + "80", "ec" + strings.Repeat("ff", 31),
	}
	for _, key := range points {
		for _, r := range points {
			signed := must(hex.DecodeString(r + strings.Repeat("00", 32) + "6d"))
			_, err := VerifyKey(must(hex.DecodeString(key))).Verify(signed)
			a := o.ask(t, question{Op: "verify", Signing: key, Data: hex.EncodeToString(signed)})
			if (err == nil) != (a.Error == "") {
				t.Errorf("key %s, R %s: %v, reference %q", key, r, err, a.Error)
			}
		}
	}
}

// TestReferenceTexts compares names.
func TestReferenceTexts(t *testing.T) {
	o := newOracle(t)
	for _, kind := range []string{"organization_id", "device_label", "email", "entry_name"} {
		t.Run(kind, rapid.MakeCheck(func(t *rapid.T) {
			s := rapid.OneOf(
				rapid.StringN(1, 40, -1), rapid.StringMatching(`[a-zA-Z0-9._@"\-]{1,20}`), rapid.StringMatching(`[a-z."]{1,4}@[a-z.\-\[\]]{1,6}`),
			).Draw(t, "text")
			got, err := parseIdentifier(kind, s)
			a := o.ask(t, question{Op: "text", Type: kind, Data: s})
			if err == nil && a.Out != fmt.Sprint(got) || err == nil && a.Error != "" || err != nil && a.Error == "" && !stricterText(s) {
				t.Fatalf("%q: %v, %v, reference %q, %s", s, got, err, a.Out, a.Error)
			}
		}))
	}
}

// stricterText reports whether a text has what we refuse and the reference may accept: white space in an address, or
// characters that Go's tables do not have yet.
func stricterText(s string) bool {
	return strings.ContainsFunc(s, func(c rune) bool {
		return c == ' ' || c == '\t' || !unicode.In(c, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C)
	})
}

// TestReferenceAddresses compares addresses that were changed.
func TestReferenceAddresses(t *testing.T) {
	o := newOracle(t)
	all := slices.DeleteFunc(vectors(t), func(v vector) bool {
		return v.Op != "url_parse" || strings.HasPrefix(v.In.text("kind"), "a")
	})
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom(all).Draw(t, "vector")
		kind := strings.TrimSuffix(v.In.text("kind"), "_redirect")
		url := string(mutateText(t, []byte(v.In.text("url"))))
		if !utf8.ValidString(url) {
			return
		}
		a := o.ask(t, question{Op: "address", Type: kind, Data: url})
		ours, err := parseKind(kind, url)
		switch {
		case err == nil && a.Error != "":
			t.Fatalf("%q: only the reference refuses: %s", url, a.Error)
		case err == nil && ours != a.Out:
			t.Fatalf("%q is written as %q, by the reference as %q", url, ours, a.Out)
		case err != nil && a.Error == "" && !errors.Is(err, mpack.ErrTrailing) && !stricterAddress(url):
			t.Fatalf("%q: only we refuse: %v", url, err)
		}
	})
}

// stricterAddress reports whether an address has what only the reference takes: no slashes after its scheme.
func stricterAddress(s string) bool {
	s = strings.NewReplacer("\t", "", "\n", "").Replace(s)
	_, rest, _ := strings.Cut(s, ":")
	return !strings.HasPrefix(strings.ReplaceAll(rest, `\`, "/"), "//") || strings.HasPrefix(rest, `/\`) || strings.HasPrefix(rest, `\`)
}

func parseKind(kind, url string) (string, error) {
	switch kind {
	case "server":
		a, err := ParseServerAddress(url)
		return a.String(), err
	case "organization":
		a, err := ParseOrganizationAddress(url)
		return a.String(), err
	}
	a, err := ParseAction(url)
	if err != nil {
		return "", err
	}
	if !actionIs(kind, a) {
		return "", ErrParameter
	}
	return a.URL()
}

// mutateText changes an address in ways that matter to a parser of addresses.
func mutateText(t *rapid.T, b []byte) []byte {
	b = slices.Clone(b)
	for range rapid.IntRange(1, 3).Draw(t, "changes") {
		if len(b) == 0 {
			break
		}
		at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		n := rapid.IntRange(1, min(8, len(b)-at)).Draw(t, "n")
		piece := rapid.SampledFrom([]string{
			"/", "\\", "//", ".", "..", "/../", "%2e", "%2F", "%", "%41", "?", "#", "&", "=", "&a=path", ":", ":443", ":80", "@", "[::1]", "0x7f.1", "127.1",
			"no_ssl=true&", "+", " ", "\t", "\n", "é", "xn--", "A", "z", "_", "-", "1", "redirect", "&unknown=1",
		}).Draw(t, "piece")
		switch rapid.IntRange(0, 3).Draw(t, "how") {
		case 0:
			b = slices.Insert(b, at, []byte(piece)...)
		case 1:
			b = slices.Delete(b, at, at+n)
		case 2:
			b = slices.Replace(b, at, at+n, []byte(piece)...)
		case 3:
			b[at] ^= 0x20
		}
	}
	return b
}
