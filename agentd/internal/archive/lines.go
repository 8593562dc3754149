package archive

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// The first two fields of every manifest, whatever its version.
const (
	format  = "parsec-agent backup"
	version = 1
)

// The lines of an archive. Each has exactly one encoding, which is the only one that is
// read: struct order, no spaces, no HTML escapes. Fields are append-only by version.
type (
	manifestLine struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
		Agent   string `json:"agent"`
		Created string `json:"created"`
		Keys    int    `json:"keys"`
	}
	// recordLine is followed by the material, which encoding/json never sees.
	recordLine struct {
		Record     string         `json:"record"` // "key"
		Auth       wire.AuthType  `json:"auth"`
		App        string         `json:"app"`
		Name       string         `json:"name"`
		Provider   providerField  `json:"provider"`
		KeyID      []byte         `json:"key_id"`
		Attributes attributeField `json:"attributes"`
		Note       string         `json:"note,omitempty"`
	}
	providerField struct {
		ID   wire.ProviderID `json:"id"`
		UUID string          `json:"uuid"`
		Name string          `json:"name"`
	}
	attributeField struct {
		Type      psa.KeyType    `json:"type"`
		Curve     psa.Curve      `json:"curve"`
		Group     psa.Group      `json:"group"`
		Bits      uint64         `json:"bits"`
		Usage     psa.Usage      `json:"usage"`
		Algorithm algorithmField `json:"algorithm"`
	}
	algorithmField struct {
		Kind      psa.Kind `json:"kind"`
		Hash      psa.Hash `json:"hash"`
		Truncated bool     `json:"truncated"`
		Length    uint64   `json:"length"`
		KDF       psa.Kind `json:"kdf"`
		KDFHash   psa.Hash `json:"kdf_hash"`
	}
	endLine struct {
		Record   string `json:"record"` // "end"
		Keys     int    `json:"keys"`
		Material int    `json:"material"` // records that have some
		SHA256   string `json:"sha256"`   // of all bytes before this line
	}
)

const (
	kindKey = "key"
	kindEnd = "end"
	// materialField opens the last field of a record. Inside a JSON string its quotes
	// would be escaped, so the last occurrence in a line is the field.
	materialField = `,"material":"`
)

var errCanonical = errors.New("the line is not written as this format demands")

// appendLine appends the encoding of v, without a line feed.
func appendLine(b []byte, v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return b, err
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...), nil
}

// parseLine decodes a line into v, a pointer, and makes sure that it is v's only encoding.
// That refuses unknown, missing and repeated fields, and bytes behind.
func parseLine(line []byte, v any) error {
	if err := json.Unmarshal(line, v); err != nil {
		return errCanonical
	}
	again, err := appendLine(make([]byte, 0, len(line)), v)
	if err != nil || string(again) != string(line) {
		return errCanonical
	}
	return nil
}

// appendRecord appends the line of a record, which must have passed check, to b. Key
// material is written into b alone.
func appendRecord(b []byte, r *Record) ([]byte, error) {
	a := r.Attributes
	b, err := appendLine(b, &recordLine{
		Record: kindKey, Auth: r.Owner.Auth, App: r.Owner.App, Name: string(r.Name),
		Provider: providerField{r.Provider.ID, r.Provider.UUID, r.Provider.Name}, KeyID: append([]byte{}, r.KeyID...),
		Attributes: attributeField{
			a.Type, a.Curve, a.Group, a.Bits, a.Usage,
			algorithmField{a.Alg.Kind, a.Alg.Hash, a.Alg.Truncated, a.Alg.Length, a.Alg.KDF, a.Alg.KDFHash},
		},
		Note: r.Note,
	})
	if err != nil || len(r.Material) == 0 {
		return b, err
	}
	// Grown before the material is in it: no copy of it is left behind.
	b = slices.Grow(b[:len(b)-1], len(materialField)+base64.StdEncoding.EncodedLen(len(r.Material))+len(`"}`))
	b = append(b, materialField...)
	b = base64.StdEncoding.AppendEncode(b, r.Material)
	return append(b, `"}`...), nil
}

// parseRecord decodes the line of a record. The material is decoded into memory of its own,
// which the caller wipes.
func parseRecord(line []byte) (*Record, error) {
	head, material, err := cutMaterial(line)
	if err != nil {
		return nil, err
	}
	var l recordLine
	if err := parseLine(head, &l); err != nil || l.KeyID == nil {
		clear(material)
		return nil, errCanonical
	}
	a, g := l.Attributes, l.Attributes.Algorithm
	r := &Record{
		Entry: kim.Entry{
			Owner: kim.Owner{Auth: l.Auth, App: l.App}, Name: psa.KeyName(l.Name),
			Provider: kim.Provider{ID: l.Provider.ID, UUID: l.Provider.UUID, Name: l.Provider.Name}, KeyID: l.KeyID,
			Attributes: psa.Attributes{
				Type: a.Type, Curve: a.Curve, Group: a.Group, Bits: a.Bits, Usage: a.Usage,
				Alg: psa.Algorithm{Kind: g.Kind, Hash: g.Hash, Truncated: g.Truncated, Length: g.Length, KDF: g.KDF, KDFHash: g.KDFHash},
			},
		},
		Note: l.Note, Material: material,
	}
	if l.Record != kindKey {
		err = fmt.Errorf("the line is a %q, not a key", l.Record)
	} else {
		err = r.check()
	}
	if err != nil {
		r.Wipe()
		return nil, err
	}
	return r, nil
}

// cutMaterial splits a line into the object without its material, and the material, nil if
// there is none.
func cutMaterial(line []byte) (head []byte, material Secret, err error) {
	i := bytes.LastIndex(line, []byte(materialField))
	if i < 0 {
		return line, nil, nil
	}
	coded, ok := bytes.CutSuffix(line[i+len(materialField):], []byte(`"}`))
	if !ok {
		return nil, nil, errCanonical
	}
	material = make(Secret, base64.StdEncoding.DecodedLen(len(coded)))
	n, err := base64.StdEncoding.Strict().Decode(material, coded)
	// The decoder skips line ends, so that only the length shows that there were none.
	if err != nil || n == 0 || base64.StdEncoding.EncodedLen(n) != len(coded) {
		clear(material)
		return nil, nil, errCanonical
	}
	head = append(slices.Clone(line[:i]), '}')
	return head, material[:n:n], nil
}

// parseManifest decodes the first line. What it says about the version comes before
// everything else, for another version may have other fields.
func parseManifest(line []byte) (Manifest, error) {
	var l manifestLine
	if err := json.Unmarshal(line, &l); err != nil || l.Format != format {
		return Manifest{}, damaged("its content is not a backup of this agent")
	}
	if l.Version != version {
		return Manifest{}, wire.Errorf(wire.StatusNotSupported, "it has version %d of the format, this agent reads version %d", l.Version, version)
	}
	l = manifestLine{}
	if err := parseLine(line, &l); err != nil {
		return Manifest{}, damaged("manifest: %w", err)
	}
	created, err := time.Parse(time.RFC3339, l.Created)
	if err != nil || created.UTC().Format(time.RFC3339) != l.Created || !text(l.Agent, MaxText) || l.Keys < 0 {
		return Manifest{}, damaged("manifest: %w", errCanonical)
	}
	return Manifest{AgentVersion: l.Agent, Created: created.UTC(), Keys: l.Keys}, nil
}

func manifestOf(m Manifest) *manifestLine {
	return &manifestLine{
		Format: format, Version: version, Agent: m.AgentVersion, Created: m.Created.UTC().Format(time.RFC3339), Keys: m.Keys,
	}
}
