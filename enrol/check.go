package enrol

import (
	"errors"
	"slices"
)

// What an entry must have is checked when it is read: what comes after relies on it.

var (
	errIncomplete = errors.New("it lacks something that an entry of its work and stage has")
	errStage      = errors.New("its stage is none of its work")
)

// stages are those of each work.
var stages = map[Work][]Stage{
	WorkBootstrap:   {StageKept, StageAsked, StageSaved},
	WorkClaimUser:   {StageKept, StageAsked, StageConfirmed, StageSaved},
	WorkClaimDevice: {StageKept, StageAsked, StageConfirmed, StageSaved},
	WorkRecover:     {StageKept, StageAsked, StageSaved},
	WorkGreetUser:   {StageCertifying, StageCertified},
	WorkGreetDevice: {StageCertifying, StageCertified, StageLeft},
}

// check refuses an entry that nobody of us wrote.
func (e *Entry) check() error {
	certified := e.User != nil && e.Device != nil && e.Profile != nil
	switch {
	case !slices.Contains(stages[e.Work], e.Stage):
		return errStage
	case e.Human == nil || e.Label == nil:
		return errIncomplete
	case !e.Claims() && !certified:
		return errIncomplete
	case e.Stage == StageSaved && (!certified || e.Root == nil):
		return errIncomplete
	}
	return nil
}

// check refuses secrets that do not go with their entry.
func (s *secrets) check(e *Entry) error {
	complete := true
	switch e.Work {
	case WorkBootstrap:
		complete = e.Stage == StageKept || len(s.Request) > 0 && len(s.Roots) > 0
	case WorkClaimUser, WorkClaimDevice:
		asked := s.Attempt != nil && s.Greeter != nil && s.Shared != nil && len(s.Payload) > 0
		answered := len(s.Reply) > 0
		complete = s.Token != nil && (e.Stage == StageKept || asked) && (e.Stage == StageKept || e.Stage == StageAsked || answered)
	case WorkRecover:
		complete = e.Stage == StageKept || len(s.Reply) > 0
	case WorkGreetUser, WorkGreetDevice:
		complete = s.Token != nil && s.Attempt != nil && len(s.Payload) > 0 && s.VerifyKey != nil && (e.Work == WorkGreetDevice || s.PublicKey != nil)
	}
	if !complete {
		return errIncomplete
	}
	return nil
}
