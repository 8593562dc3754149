package enrol

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// What an error of this package may wrap.
var (
	// ErrCancelled ends a flow for good. Person.Ask returns it, or it is the cause with which a context ends, when the person does not want to go on.
	ErrCancelled = errors.New("it was cancelled")
	// ErrHeard ends the context of SayCode when the other side has chosen the code.
	ErrHeard = errors.New("the other side has chosen the code")
	// ErrAnswer is an answer that does not go with its question.
	ErrAnswer = errors.New("the answer does not go with the question")
	// ErrNoEntry is an entry that the journal does not have.
	ErrNoEntry = errors.New("there is no such enrolment")
	// ErrBusy is an entry that another flow works on.
	ErrBusy = errors.New("another flow works on this enrolment")
	// ErrInvitation is an invitation that cannot be used, or not by this person.
	ErrInvitation = errors.New("the invitation cannot be used")
	// ErrAttempts says that too many attempts ended without success.
	ErrAttempts = errors.New("too many attempts ended without success")
	// ErrMeddling is an answer that an honest server does not give.
	ErrMeddling = errors.New("the server does not do what an honest one does")
	// ErrLost is an enrolment that cannot be brought to an end any more.
	ErrLost = errors.New("the enrolment cannot be continued")
	// ErrRefused is what the server does not accept.
	ErrRefused = errors.New("the server refuses it")
)

// OverError is an attempt that ended without success.
type OverError struct {
	Reason cloud.CancelledGreetingAttemptReason
	By     Side
}

// Error says who ended the attempt, and why.
func (e *OverError) Error() string {
	return fmt.Sprintf("the %s ended the attempt: %s", sideNames[e.By], reasonTexts[e.Reason])
}

var sideNames = map[Side]string{SideGreeter: "greeter", SideClaimer: "claimer"}

// reasonTexts are the reasons for people.
var reasonTexts = map[cloud.CancelledGreetingAttemptReason]string{
	cloud.CancelledManuallyCancelled:       "somebody cancelled it",
	cloud.CancelledInvalidNonceHash:        "the claimer's nonce is not the one that was announced, so somebody stands in between",
	cloud.CancelledInvalidSasCode:          "the code that was heard is not the right one",
	cloud.CancelledUndecipherablePayload:   "what the other side sent cannot be decrypted",
	cloud.CancelledUndeserializablePayload: "what the other side sent cannot be read",
	cloud.CancelledInconsistentPayload:     "what the other side sent contradicts itself",
	cloud.CancelledAutomaticallyCancelled:  "that side began anew",
}

func noEntry() error {
	return &wire.Error{Status: wire.StatusDoesNotExist, Reason: ErrNoEntry.Error(), Err: ErrNoEntry}
}

func busy() error {
	return &wire.Error{Status: wire.StatusBadState, Reason: ErrBusy.Error(), Err: ErrBusy, Remedy: "let that one end, or cancel it"}
}

func tooMany() error {
	return &wire.Error{
		Status: wire.StatusInsufficientStorage, Reason: fmt.Sprintf("%d enrolments wait for their end already", maxEntries),
		Remedy: "bring some to an end, or give them up",
	}
}

// storage is what a failure of the disk means; the path stays in the log.
func storage(what string, err error) error {
	status := wire.StatusStorageFailure
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		status = wire.StatusInsufficientStorage
	}
	return &wire.Error{Status: status, Reason: what, Remedy: "see to the disk of the state directory; the log has the cause", Err: err}
}

// refused is a status with which the server refuses.
func refused(reason, remedy string) error {
	return &wire.Error{Status: wire.StatusNotPermitted, Reason: reason, Remedy: remedy, Err: ErrRefused}
}

// unusable is an invitation that leads nowhere.
func unusable(reason string, err error) error {
	return &wire.Error{Status: wire.StatusBadState, Reason: reason, Remedy: "ask for a new invitation", Err: errors.Join(ErrInvitation, err)}
}

// meddling is an answer that no honest server gives.
func meddling(what string) error {
	return &wire.Error{Status: wire.StatusCommunicationFailure, Reason: "the server's answer is not possible: " + what, Err: ErrMeddling, Remedy: "do not go on over this server before somebody has looked into it"}
}

// unexpected is a status that goes with nothing that was asked.
func unexpected(rep cloud.Reply) error {
	return &wire.Error{Status: wire.StatusCommunicationFailure, Reason: fmt.Sprintf("the server refuses with %.64q", rep.Status()), Err: ErrRefused}
}
