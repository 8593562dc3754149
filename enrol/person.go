package enrol

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Person is who a flow asks. One question waits at a time.
type Person interface {
	// Ask returns the answer that goes with the question. An error ends the flow: one that is ErrCancelled tells the other side and
	// undoes what can be undone, any other one leaves the flow to be continued. Ask ends with its context, and may be called again with a
	// question that was answered before when what followed has to be repeated.
	Ask(ctx context.Context, q Question) (Answer, error)
	// Tell says what happens. It does not wait for the person.
	Tell(ctx context.Context, n Notice)
}

// Flow is one enrolment, or one side of it. It runs once.
type Flow interface {
	Run(ctx context.Context, p Person) (Result, error)
}

// Kind names a kind of question, for those who pass them on.
type Kind string

// The kinds.
const (
	KindChooseGreeter    Kind = "choose-greeter"
	KindChooseCode       Kind = "choose-code"
	KindSayCode          Kind = "say-code"
	KindCorrect          Kind = "correct"
	KindChooseProtection Kind = "choose-protection"
	KindGiveSecret       Kind = "give-secret"
	KindConfirm          Kind = "confirm"
)

// Question is one of the seven questions below.
type Question interface {
	Kind() Kind
	question()
}

// Answer is one of the answers below. A question says which one it wants.
type Answer interface{ answer() }

// ChooseGreeter asks a claimer whom several could greet. The answer is a Greeter.
type ChooseGreeter struct{ Greeters []Peer }

// Greeter is who a claimer waits for.
type Greeter struct {
	// User is one of those who were offered; the zero id is whoever comes first.
	User trust.UserID
}

// ChooseCode asks which of the codes the other side says. The answer is a Code.
type ChooseCode struct {
	Peer  Peer
	Codes []trust.SASCode
}

// Code is the code that was heard.
type Code struct {
	// Code is empty for none of these.
	Code trust.SASCode
}

// SayCode asks to say a code to the other side, who chooses it among others. It is over, and its context with ErrHeard, when the other side has
// chosen; the answer Said changes nothing.
type SayCode struct {
	Peer Peer
	Code trust.SASCode
}

// Said says that a code was said.
type Said struct{}

// Correct asks for, or about, what is certified: a claimer, what to ask for; a greeter, whether what was asked for is right. The answer is
// Details. What is wrong with an answer is asked for again, with Wrong.
type Correct struct {
	Side Side
	Peer Peer
	// Details are what to begin with. Human is nil for a device, and Profile empty except for who greets a user.
	Details Details
	// Invited is the address that a user was invited by; a greeter should know why another one is asked for.
	Invited trust.EmailAddress
	// Wrong says what was wrong with the last answer, nil for nothing.
	Wrong error
}

// Details describe a user and a device, or a device only.
type Details struct {
	Human   *trust.HumanHandle
	Label   trust.DeviceLabel
	Profile trust.Profile
}

// ChooseProtection asks how a new device is to be protected. The answer is Protection.
type ChooseProtection struct {
	Organization trust.OrganizationID
	Label        trust.DeviceLabel
	// Wrong says why the last answer did not do, nil for nothing.
	Wrong error
}

// Protection is how a device is to be protected. The flow wipes the password.
type Protection struct{ device.Protection }

// GiveSecret asks for the secret that opens keys that were chosen before, to go on with them. The answer is Secret.
type GiveSecret struct {
	Organization trust.OrganizationID
	Label        trust.DeviceLabel
	// Protection is what opens them.
	Protection device.Kind
	// Wrong says why the last answer did not do, nil for nothing.
	Wrong error
}

// Secret opens keys. The flow wipes the password.
type Secret struct{ device.Secret }

// Confirm asks for a decision. The answer is Decision.
type Confirm struct {
	What Matter
	Peer Peer
	// Reason says in words why there is something to decide.
	Reason string
	// Details are what it is about, where there are any.
	Details Details
	// Since is when it came to be, where that matters.
	Since time.Time
}

// Matter is what there is to decide.
type Matter string

// Matters.
const (
	// ConfirmAgain asks whether to begin anew with the same invitation, after an attempt ended without success.
	ConfirmAgain Matter = "again"
	// ConfirmAddress asks a greeter whether to certify another address than the one that was invited.
	ConfirmAddress Matter = "address"
	// ConfirmReplace asks a greeter whether to revoke the user, or to leave the device, that was certified for this invitation before and that the claimer
	// has no keys of, and to certify the new keys.
	ConfirmReplace Matter = "replace"
)

// Decision is yes or no.
type Decision struct{ Yes bool }

// Peer is who is on the other side, as the server says: no more than a help for people, until the codes were heard.
type Peer struct {
	Side  Side
	User  trust.UserID
	Human trust.HumanHandle
	// Seen is when the greeter was last there for this invitation, zero for never.
	Seen time.Time
}

// Side is a side of a greeting.
type Side = cloud.GreeterOrClaimer

// The sides.
const (
	SideGreeter = cloud.IsGreeter
	SideClaimer = cloud.IsClaimer
)

// Event is what a notice is about.
type Event string

// Events.
const (
	// EventWaiting: the other side has to come.
	EventWaiting Event = "waiting"
	// EventMet: both sides are there, codes follow.
	EventMet Event = "met"
	// EventHeard: the other side has chosen the right code.
	EventHeard Event = "heard"
	// EventWorking: it is the other side's turn, or the server's.
	EventWorking Event = "working"
	// EventAttemptOver: the attempt ended; Reason says why, and By who ended it. Another one may follow.
	EventAttemptOver Event = "attempt-over"
	// EventOffline: the server cannot be reached; the flow goes on trying.
	EventOffline Event = "offline"
	// EventKeysKept: the keys are on disk under their protection.
	EventKeysKept Event = "keys-kept"
	// EventCertified: user or device are certified.
	EventCertified Event = "certified"
	// EventShares: the peer's shares of a recovery are here.
	EventShares Event = "shares"
	// EventDone: nothing is left to do.
	EventDone Event = "done"
)

// Notice says what happens.
type Notice struct {
	Event Event
	Peer  Peer
	// Reason and By are those of an attempt that ended.
	Reason cloud.CancelledGreetingAttemptReason
	By     Side
	// Err is what is in the way, nil for nothing.
	Err error
}

// Result is what a flow has come to.
type Result struct {
	Server       trust.ServerAddress
	Organization trust.OrganizationID
	Root         trust.VerifyKey
	User         trust.UserID
	Device       trust.DeviceID
	Human        trust.HumanHandle
	Label        trust.DeviceLabel
	Profile      trust.Profile
	// Replaced is the user who was revoked, or the device that nobody has, because it could not be continued; zero for none.
	Replaced trust.DeviceID
}

// Kind returns the kind of the question.
func (ChooseGreeter) Kind() Kind { return KindChooseGreeter }

// Kind returns the kind of the question.
func (ChooseCode) Kind() Kind { return KindChooseCode }

// Kind returns the kind of the question.
func (SayCode) Kind() Kind { return KindSayCode }

// Kind returns the kind of the question.
func (Correct) Kind() Kind { return KindCorrect }

// Kind returns the kind of the question.
func (ChooseProtection) Kind() Kind { return KindChooseProtection }

// Kind returns the kind of the question.
func (GiveSecret) Kind() Kind { return KindGiveSecret }

// Kind returns the kind of the question.
func (Confirm) Kind() Kind { return KindConfirm }

func (ChooseGreeter) question()    {}
func (ChooseCode) question()       {}
func (SayCode) question()          {}
func (Correct) question()          {}
func (ChooseProtection) question() {}
func (GiveSecret) question()       {}
func (Confirm) question()          {}

func (Greeter) answer()    {}
func (Code) answer()       {}
func (Said) answer()       {}
func (Details) answer()    {}
func (Protection) answer() {}
func (Secret) answer()     {}
func (Decision) answer()   {}
