package session

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Fingerprint is the SHA-256 of an organisation's root key: what people compare.
type Fingerprint [sha256.Size]byte

// FingerprintOf returns the fingerprint of a root key.
func FingerprintOf(root trust.VerifyKey) Fingerprint { return sha256.Sum256(root[:]) }

// String returns 64 digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// MarshalText returns 64 digits.
func (f Fingerprint) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, f[:]), nil }

// UnmarshalText reads 64 digits.
func (f *Fingerprint) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(f) {
		return errors.New("a fingerprint is 64 hexadecimal digits")
	}
	*f = Fingerprint(b)
	return nil
}

// Dir is where the session of a device keeps what it has, below the directory of its person.
func Dir(person string, root trust.VerifyKey, device trust.DeviceID) string {
	return filepath.Join(person, "organisations", FingerprintOf(root).String(), device.String())
}

// Pin binds the name of an organisation on a server to a root key, for one person.
type Pin struct {
	// Server is the address of the server, as trust.ServerAddress writes it.
	Server       string      `json:"server"`
	Organization string      `json:"organization"`
	Root         Fingerprint `json:"root"`
	Since        time.Time   `json:"since"`
	// Rollbacks are the last ones that the person has accepted.
	Rollbacks []Rollback `json:"rollbacks,omitempty"`
}

// Rollback is the acceptance of a server that is behind what a device has seen.
type Rollback struct {
	Accepted time.Time `json:"accepted"`
	Device   string    `json:"device"`
	// Missing says what the server did not have.
	Missing string `json:"missing"`
}

// Pins are the pins of one person, in a file (docs/formats/pins.md).
type Pins struct {
	now func() time.Time

	mu  sync.Mutex // guards the fields below
	dir *durable.Dir
	all []Pin
}

const (
	pinsName      = "pins.json"
	pinsVersion   = 1
	maxPins       = 4096
	maxRollbacks  = 16
	maxPinsFile   = 16 << 20
	maxPinMissing = 512
)

// pinsFile is the content of the file.
type pinsFile struct {
	Version int   `json:"version"`
	Pins    []Pin `json:"pins"`
}

// OpenPins opens the pins in a directory, which it makes, and takes its lock.
func OpenPins(path string) (*Pins, error) {
	if err := durable.MakeAll(path); err != nil {
		return nil, err
	}
	dir, err := durable.Open(path)
	if err != nil {
		return nil, err
	}
	p := &Pins{now: time.Now, dir: dir}
	if err := dir.Lock(); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	if p.all, err = readPins(dir); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return p, nil
}

func readPins(dir *durable.Dir) ([]Pin, error) {
	f, err := dir.OpenFile(pinsName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := f.Read(maxPinsFile)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	all, err := decodePins(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir.Path(), pinsName), err)
	}
	return all, nil
}

// decodePins reads what encodePins wrote, and nothing else.
func decodePins(b []byte) ([]Pin, error) {
	var f pinsFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("the pins cannot be read: %w", err)
	}
	if f.Version != pinsVersion {
		return nil, fmt.Errorf("the pins are of version %d of the format, this program knows %d", f.Version, pinsVersion)
	}
	if again, err := encodePins(f.Pins); err != nil || string(again) != string(b) {
		return nil, errors.New("the pins are not as this program writes them")
	}
	for i, pin := range f.Pins {
		if i > 0 && comparePins(f.Pins[i-1], pin) >= 0 || len(f.Pins) > maxPins || len(pin.Rollbacks) > maxRollbacks {
			return nil, errors.New("the pins are not in order, or too many")
		}
	}
	return f.Pins, nil
}

func encodePins(all []Pin) ([]byte, error) {
	b, err := json.MarshalIndent(pinsFile{Version: pinsVersion, Pins: all}, "", "  ")
	return append(b, '\n'), err
}

func comparePins(a, b Pin) int {
	return cmp.Or(cmp.Compare(a.Server, b.Server), cmp.Compare(a.Organization, b.Organization))
}

func (p *Pins) find(server trust.ServerAddress, organization trust.OrganizationID) (int, bool) {
	return slices.BinarySearchFunc(p.all, Pin{Server: server.String(), Organization: organization.String()}, comparePins)
}

// write makes a new state durable, and then counts it.
func (p *Pins) write(all []Pin) error {
	if len(all) > maxPins {
		return fmt.Errorf("there are %d pins already: leave an organisation first", maxPins)
	}
	b, err := encodePins(all)
	if err != nil {
		return err
	}
	if err := p.dir.Replace(pinsName, b); err != nil {
		return err
	}
	p.all = all
	return nil
}

// Check pins the root key of an organisation that is met for the first time, and compares it with the pinned one ever after. A *PinError says that it is another one.
func (p *Pins) Check(server trust.ServerAddress, organization trust.OrganizationID, root trust.VerifyKey) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, found := p.find(server, organization)
	if !found {
		pin := Pin{Server: server.String(), Organization: organization.String(), Root: FingerprintOf(root), Since: p.now().UTC()}
		return p.write(slices.Insert(slices.Clone(p.all), i, pin))
	}
	if got := FingerprintOf(root); got != p.all[i].Root {
		return &PinError{Server: server, Organization: organization, Pinned: p.all[i].Root, Got: got}
	}
	return nil
}

// Get returns the pin of an organisation.
func (p *Pins) Get(server trust.ServerAddress, organization trust.OrganizationID) (Pin, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, found := p.find(server, organization)
	if !found {
		return Pin{}, false
	}
	return p.all[i], true
}

// List returns all pins, in the order of servers and organisations.
func (p *Pins) List() []Pin {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.all)
}

// Leave removes a pin, because a person says so: what is met next under this name is pinned anew. It reports false where there was none.
func (p *Pins) Leave(server trust.ServerAddress, organization trust.OrganizationID) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, found := p.find(server, organization)
	if !found {
		return false, nil
	}
	return true, p.write(slices.Delete(slices.Clone(p.all), i, i+1))
}

// accepted records that a rollback was accepted; the last ones are kept.
func (p *Pins) accepted(server trust.ServerAddress, organization trust.OrganizationID, device trust.DeviceID, missing string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, found := p.find(server, organization)
	if !found {
		return fmt.Errorf("organisation %q: there is no pin", organization)
	}
	all := slices.Clone(p.all)
	r := Rollback{Accepted: p.now().UTC(), Device: device.String(), Missing: strings.ToValidUTF8(missing[:min(len(missing), maxPinMissing)], "")}
	all[i].Rollbacks = append(slices.Clone(all[i].Rollbacks), r)
	all[i].Rollbacks = all[i].Rollbacks[max(0, len(all[i].Rollbacks)-maxRollbacks):]
	return p.write(all)
}

// Close gives the lock up.
func (p *Pins) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dir.Close()
}
