package software

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/rootkey"
)

// The severities of findings.
const (
	severityError   = "error"
	severityWarning = "warning"
	severityNote    = "note"
)

// settled is the age from which a file of this process that nothing maps to is no longer
// a key that is just being made.
const settled = 10 * time.Second

// examination gathers the findings of one Examine.
type examination struct {
	p        *Provider
	now      time.Time
	dirOpen  bool // others can reach the files of the directory
	locked   bool // the root key waits for somebody's help
	findings []providers.Finding

	plaintext, encrypted, ciphers int
}

// Examine reads every key file and compares the store with the known ids. It changes
// nothing. A key that is destroyed meanwhile may be reported as missing.
func (p *Provider) Examine(ctx context.Context, known []providers.KeyID) ([]providers.Finding, error) {
	names, err := p.store.dir.Names()
	if err != nil {
		return nil, storageError("list the key store", err)
	}
	x := &examination{p: p, now: time.Now()}
	x.directory()
	x.rootKey(ctx, names)
	if err := x.files(ctx, keyIDs(names), known); err != nil {
		return nil, err
	}
	x.others(names)
	x.exposures()
	x.totals()
	slices.SortStableFunc(x.findings, func(a, b providers.Finding) int {
		return cmp.Compare(rank(a.Severity), rank(b.Severity))
	})
	return x.findings, nil
}

func rank(severity string) int {
	return slices.Index([]string{severityError, severityWarning, severityNote}, severity)
}

func (x *examination) report(severity, object, problem, remedy string) {
	x.findings = append(x.findings, providers.Finding{Severity: severity, Object: object, Problem: problem, Remedy: remedy})
}

func (x *examination) path(name string) string { return filepath.Join(x.p.store.dir.Path(), name) }

func (x *examination) directory() {
	st, err := x.p.store.dir.Stat()
	if err != nil {
		x.report(severityError, x.p.store.dir.Path(), "cannot be examined: "+err.Error(), "")
		return
	}
	mode := st.Mode().Perm()
	x.dirOpen = mode&0o011 != 0
	if mode&0o022 != 0 {
		x.report(severityWarning, x.p.store.dir.Path(), fmt.Sprintf("others can write to the key store: mode %04o", mode),
			"chmod 700 "+x.p.store.dir.Path())
	}
}

// rootKey examines the root key that is loaded and the file that is in the store.
func (x *examination) rootKey(ctx context.Context, names []string) {
	if _, err := x.p.root.get(ctx); errors.Is(err, ErrSealed) {
		x.locked = true
		x.report(severityError, "root key", err.Error(), "parsecctl key recover")
	}
	if _, sealing := x.p.home.(rootkey.Sealed); sealing && slices.Contains(names, rootKeyFile) {
		x.report(severityWarning, x.path(rootKeyFile), "the root key is to be sealed to a TPM and lies in a file", "parsecctl key seal")
	}
	if err := x.p.root.lockError(); err != nil {
		x.report(severityWarning, "root key", "it is not locked in memory and may reach swap or a core dump: "+err.Error(),
			"raise LimitMEMLOCK of the service")
	}
	if !slices.Contains(names, rootKeyFile) {
		return
	}
	f, err := x.p.store.dir.OpenFile(rootKeyFile)
	if err != nil {
		x.report(severityError, x.path(rootKeyFile), "cannot be read: "+err.Error(), "")
		return
	}
	defer f.Close()
	x.rights(rootKeyFile, f.Stat, severityError)
}

// rights reports who else has rights to a file.
func (x *examination) rights(name string, st durable.Stat, severity string) {
	if int64(st.UID) != int64(os.Geteuid()) {
		x.report(severity, x.path(name), fmt.Sprintf("it belongs to uid %d, the agent is uid %d", st.UID, os.Geteuid()),
			fmt.Sprintf("chown %d %s", os.Geteuid(), x.path(name)))
	}
	if st.Mode&foreignBits != 0 {
		x.report(severity, x.path(name), fmt.Sprintf("others have rights to it: mode %04o", st.Mode), "chmod 600 "+x.path(name))
	}
}

func (x *examination) files(ctx context.Context, present []keyID, known []providers.KeyID) error {
	mapped := map[keyID]bool{}
	for _, b := range known {
		id, err := parseKeyID(b)
		if err != nil || !id.valid() {
			x.report(severityError, fmt.Sprintf("key id %x", []byte(b)), "it is not an id of the software provider", "delete the key")
			continue
		}
		mapped[id] = true
		if _, found := slices.BinarySearch(present, id); !found {
			x.report(severityError, x.path(id.fileName()), "the key file is missing",
				"put the file back or restore the key from a backup, else delete the key")
		}
	}
	for _, id := range present {
		if err := ctx.Err(); err != nil {
			return err
		}
		x.file(ctx, id, mapped[id])
	}
	return nil
}

func (x *examination) file(ctx context.Context, id keyID, mapped bool) {
	name := id.fileName()
	f, err := x.p.store.dir.OpenFile(name)
	if err != nil {
		x.report(severityError, x.path(name), "cannot be read: "+errors.Unwrap(err).Error(), "restore the key from a backup")
		return
	}
	defer f.Close()
	x.rights(name, f.Stat, severityWarning)
	its, err := x.content(ctx, id, f)
	if x.locked && errors.Is(err, ErrSealed) {
		x.encrypted++ // which was reported once
		return
	}
	if err != nil {
		x.report(severityError, x.path(name), err.Error(), "restore the key from a backup")
		return
	}
	if !mapped && !x.beingMade(id, f.Stat) {
		x.report(severityWarning, x.path(name), "no key maps to this "+its.Describe()+", which was perhaps never acknowledged",
			"rm "+x.path(name)+" (unless another key info manager uses this directory)")
	}
}

// content reads and checks a file; the key itself is wiped before it returns.
func (x *examination) content(ctx context.Context, id keyID, f *durable.File) (keyfile.ITS, error) {
	b, err := f.Read(keyfile.MaxSize)
	if err != nil {
		return keyfile.ITS{}, readError(err)
	}
	content, form, err := x.p.open(ctx, id, b)
	if err != nil {
		return keyfile.ITS{}, err
	}
	defer wipe(content)
	its, err := keyfile.Parse(content)
	if err != nil {
		return keyfile.ITS{}, err
	}
	x.count(form, its)
	return its, nil
}

func (x *examination) count(form keyfile.Form, its keyfile.ITS) {
	switch {
	case form == keyfile.FormEncrypted:
		x.encrypted++
	case its.StopsOriginal():
		x.ciphers++
		x.plaintext++
	default:
		x.plaintext++
	}
}

// beingMade reports whether the agent may just be about to map the file.
func (x *examination) beingMade(id keyID, st durable.Stat) bool {
	return x.p.store.fresh(id) && x.young(st)
}

func (x *examination) young(st durable.Stat) bool { return x.now.Sub(st.Modified) < settled }

// others looks at what is neither a key nor the root key.
func (x *examination) others(names []string) {
	for _, name := range names {
		switch {
		case isLeftover(name):
			if f, err := x.p.store.dir.OpenFile(name); err == nil {
				young := x.young(f.Stat)
				_ = f.Close() // read-only
				if young {
					continue // somebody is writing it
				}
			}
			x.report(severityNote, x.path(name), "a temporary file that a crash left", "restart the agent, which removes it")
		case name == "tempfile.psa_its":
			x.report(severityNote, x.path(name), "a temporary file that the original service left; it may hold a private key", "rm "+x.path(name))
		}
	}
}

// exposures reports the files that this process made private.
func (x *examination) exposures() {
	if !x.dirOpen {
		return
	}
	x.p.mu.Lock()
	defer x.p.mu.Unlock()
	for id, mode := range x.p.exposed {
		x.report(severityWarning, x.path(id.fileName()),
			fmt.Sprintf("others had rights to this key, mode %04o, until the agent took them", mode),
			"replace the key by a new one if you do not trust everybody with an account on this machine")
	}
}

// totals reports what concerns many files at once.
func (x *examination) totals() {
	store := x.p.store.dir.Path()
	compatible := x.p.storage == providers.ProtectionCompatible
	if x.plaintext > 0 && !compatible {
		x.report(severityWarning, store, fmt.Sprintf("%d keys are stored unencrypted", x.plaintext), "parsecctl key protect --all")
	}
	if x.encrypted > 0 && compatible {
		x.report(severityNote, store, fmt.Sprintf("%d keys are encrypted, the original service would not start", x.encrypted),
			"parsecctl key protect --compatible --all")
	}
	if x.ciphers > 0 && compatible {
		x.report(severityNote, store, fmt.Sprintf("%d keys are for unauthenticated ciphers, the original service would not start", x.ciphers),
			"delete these keys before you go back to the original service")
	}
}
