package enrol

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Bounds of an entry (docs/formats/enrolment-journal.md).
const (
	maxPublic      = 16 << 10
	maxSealed      = 128 << 10
	maxCertificate = 8 << 10
	maxMessage     = 64 << 10
	maxProvider    = 255
	maxRoots       = 8
	maxHeld        = trust.MaxShares
)

// EntryID names an entry of the journal.
type EntryID [16]byte

func newEntryID() (id EntryID) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// String returns 32 digits.
func (id EntryID) String() string { return hex.EncodeToString(id[:]) }

// ParseEntryID reads 32 digits.
func ParseEntryID(s string) (EntryID, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(EntryID{}) {
		return EntryID{}, fmt.Errorf("%w: %.64q", ErrNoEntry, s)
	}
	return EntryID(b), nil
}

// Entry is an enrolment that has begun and has not ended, or what is left of one. All of it can be read without a secret.
//
//codec:map enrolment
type Entry struct {
	ID   EntryID `mp:"id"`
	Work Work    `mp:"work"`
	// Stage is how far it has come.
	Stage        Stage                `mp:"stage"`
	Server       trust.ServerAddress  `mp:"server_url"`
	Organization trust.OrganizationID `mp:"organization_id"`
	Began        trust.DateTime       `mp:"began"`
	Changed      trust.DateTime       `mp:"changed"`
	// Invitation is the digest of the token, so that the same one is recognised; zero for a bootstrap.
	Invitation trust.HashDigest `mp:"invitation"`
	// Holder is what opens the sealed part: the reservation that has the new keys, or the greeter's own device.
	Holder trust.DeviceID `mp:"holder"`
	// Human, Label and Profile are what was asked for, or certified.
	Human   *trust.HumanHandle `mp:"human_handle,opt"`
	Label   *trust.DeviceLabel `mp:"device_label,opt"`
	Profile *trust.Profile     `mp:"profile,opt"`
	// User and Device are who was certified, nil as long as that is not known.
	User   *trust.UserID   `mp:"user_id,opt"`
	Device *trust.DeviceID `mp:"device_id,opt"`
	// Root is the root key, once the device is on disk.
	Root *trust.VerifyKey `mp:"root_verify_key,opt"`
	// Protection is that of the keys of a reservation; Provider and Certificate go with it.
	Protection  string `mp:"protection,max=maxProvider"`
	Provider    string `mp:"provider,max=maxProvider"`
	Certificate []byte `mp:"certificate,opt,max=maxCertificate"`
}

// Work is what an entry is about.
//
//codec:enum BOOTSTRAP CLAIM_USER CLAIM_DEVICE GREET_USER GREET_DEVICE RECOVER
type Work string

// Works.
const (
	WorkBootstrap   Work = "BOOTSTRAP"
	WorkClaimUser   Work = "CLAIM_USER"
	WorkClaimDevice Work = "CLAIM_DEVICE"
	WorkGreetUser   Work = "GREET_USER"
	WorkGreetDevice Work = "GREET_DEVICE"
	// WorkRecover makes a device with what other people hold, or a file.
	WorkRecover Work = "RECOVER"
)

// Stage is how far an entry has come.
//
//codec:enum KEPT ASKED CONFIRMED SAVED CERTIFYING CERTIFIED LEFT
type Stage string

// Stages. The first four are of those who enrol, the others of greeters.
const (
	// StageKept: keys are on disk, and nobody else has them.
	StageKept Stage = "KEPT"
	// StageAsked: the greeter, or the server of a bootstrap, may have got the keys, and certified or accepted them.
	StageAsked Stage = "ASKED"
	// StageConfirmed: the greeter's answer is here.
	StageConfirmed Stage = "CONFIRMED"
	// StageSaved: the device is on disk; the other side may not know yet.
	StageSaved Stage = "SAVED"
	// StageCertifying: the server may have got the certificates.
	StageCertifying Stage = "CERTIFYING"
	// StageCertified: the server has the certificates; the claimer may not have the answer.
	StageCertified Stage = "CERTIFIED"
	// StageLeft: a device was certified that nobody has.
	StageLeft Stage = "LEFT"
)

// secrets are the sealed part of an entry.
//
//codec:map enrolment_secrets
type secrets struct {
	Token *trust.AccessToken `mp:"token,opt"`
	// Request is the bootstrap as it is sent, and Roots all root keys that were made for it.
	Request []byte            `mp:"request,opt,max=maxMessage"`
	Roots   []trust.VerifyKey `mp:"roots,max=maxRoots"`
	// Attempt is the last attempt, with Greeter, in which Payload was sent; for claimers Shared opens Reply.
	Attempt *trust.GreetingAttemptID `mp:"greeting_attempt,opt"`
	Greeter *trust.UserID            `mp:"greeter,opt"`
	Shared  *trust.SecretKey         `mp:"shared,opt"`
	Payload []byte                   `mp:"payload,opt,max=maxMessage"`
	Reply   []byte                   `mp:"reply,opt,max=maxMessage"`
	// PublicKey and VerifyKey are the keys that a greeter certified.
	PublicKey *trust.PublicKey `mp:"public_key,opt"`
	VerifyKey *trust.VerifyKey `mp:"verify_key,opt"`
	// Held are the shares that a recovery has got so far.
	Held []held `mp:"held,since,max=maxHeld"`
}

// held are the shares of one person.
//
//codec:map enrolment_shares
type held struct {
	Holder trust.UserID `mp:"holder"`
	// Sealed is the confirmation with the shares, encrypted by the key of the entry.
	Sealed []byte `mp:"sealed,max=maxMessage"`
}

func (s *secrets) wipe() {
	if s.Token != nil {
		s.Token.Wipe()
	}
	if s.Shared != nil {
		s.Shared.Wipe()
	}
	clear(s.Request)
	clear(s.Reply)
}

// Claims reports whether the entry is of somebody who enrols, and not of a greeter.
func (e *Entry) Claims() bool {
	return e.Work == WorkBootstrap || e.Work == WorkClaimUser || e.Work == WorkClaimDevice || e.Work == WorkRecover
}

// protect says how the keys of a reservation are protected.
func (e *Entry) protect(p device.Protection) {
	e.Provider, e.Certificate = p.Provider, p.Certificate
	e.Protection = string(kindOf(p))
}

// kindOf names a protection.
func kindOf(p device.Protection) device.Kind {
	switch {
	case p.Certificate != nil:
		return device.KindCertificate
	case p.Provider != "" && len(p.Password) > 0:
		return device.KindPasswordProvider
	case p.Provider != "":
		return device.KindProvider
	default:
		return device.KindPassword
	}
}

// protection is the one that protect described, with the password that a person gave again.
func (e *Entry) protection(password []byte) device.Protection {
	return device.Protection{Password: password, Provider: e.Provider, Certificate: e.Certificate}
}
