package agentd

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// What works say to people, the same for every frontend.

// questionMessage is a question as frontends get it.
func questionMessage(q enrol.Question) *agentpb.Question {
	m := &agentpb.Question{Kind: string(q.Kind())}
	switch q := q.(type) {
	case enrol.ChooseGreeter:
		m.Text = "Who is to greet you? Call them, and have them greet you now."
		for _, p := range q.Greeters {
			m.Greeters = append(m.Greeters, peerMessage(p))
		}
	case enrol.ChooseCode:
		m.Peer, m.Text = peerMessage(q.Peer), fmt.Sprintf("Listen to %s, and choose the code that you hear:", peerName(q.Peer))
		for _, c := range q.Codes {
			m.Codes = append(m.Codes, string(c))
		}
	case enrol.SayCode:
		m.Peer, m.Code, m.Text = peerMessage(q.Peer), string(q.Code), fmt.Sprintf("Say this code to %s:", peerName(q.Peer))
	case enrol.Correct:
		correctMessage(m, q)
	case enrol.ChooseProtection:
		m.Organization, m.Label, m.Wrong = q.Organization.String(), q.Label.String(), wrong(q.Wrong)
		m.Text = fmt.Sprintf("How is the new device %q to be protected?", m.GetOrganization()+"/"+m.GetLabel())
	case enrol.GiveSecret:
		m.Organization, m.Label, m.Wrong = q.Organization.String(), q.Label.String(), wrong(q.Wrong)
		m.Protection = &agentpb.DeviceProtection{Kind: string(q.Protection)}
		m.Text = fmt.Sprintf("The keys of the new device %q are here already. Its password opens them:", m.GetOrganization()+"/"+m.GetLabel())
	case enrol.Confirm:
		confirmMessage(m, q)
	}
	return m
}

func correctMessage(m *agentpb.Question, q enrol.Correct) {
	m.Peer, m.Details, m.Wrong, m.Person = peerMessage(q.Peer), detailsMessage(q.Details), wrong(q.Wrong), q.Details.Human != nil
	if q.Invited != (trust.EmailAddress{}) {
		m.Invited = q.Invited.String()
	}
	switch {
	case q.Side == enrol.SideGreeter && m.GetPerson():
		m.Text = fmt.Sprintf("%s was invited and asks to become this user. Certify nobody whose voice you do not know:", m.GetInvited())
	case q.Side == enrol.SideGreeter:
		m.Text = "A new device of yours asks to be certified:"
	case m.GetPerson():
		m.Text = "Who are you, as the others in the organisation are to see you?"
	default:
		m.Text = "What is this device to be called?"
	}
}

func confirmMessage(m *agentpb.Question, q enrol.Confirm) {
	m.Peer, m.Details, m.Matter, m.Reason = peerMessage(q.Peer), detailsMessage(q.Details), string(q.What), text(q.Reason)
	since := ""
	if !q.Since.IsZero() {
		m.SinceUnixMs = q.Since.UnixMilli()
		since = " on " + q.Since.UTC().Format(time.DateTime) + " UTC"
	}
	switch q.What {
	case enrol.ConfirmAgain:
		m.Text = fmt.Sprintf("The attempt ended without success: %s. Begin anew with the same invitation?", m.GetReason())
	case enrol.ConfirmAddress:
		m.Text = fmt.Sprintf("This is another address than the one that was invited: %s. Certify %s all the same?", m.GetReason(), m.GetDetails().GetEmail())
	case enrol.ConfirmReplace:
		m.Text = fmt.Sprintf("For this invitation somebody was certified%s whose keys the other side does not have: %s. Replace them, and certify the new keys?", since, m.GetReason())
	default:
		m.Text = m.GetReason() + "?"
	}
}

// wrong says why an answer did not do.
func wrong(err error) string {
	if err == nil {
		return ""
	}
	if detail, ok := errors.AsType[*wire.Error](err); ok && detail.Reason != "" {
		return text(detail.Reason)
	}
	return text(err.Error())
}

func peerMessage(p enrol.Peer) *agentpb.Peer {
	if p == (enrol.Peer{}) {
		return nil
	}
	m := &agentpb.Peer{Side: string(p.Side), Email: p.Human.Email.String(), Name: p.Human.Label.String()}
	if p.User != (trust.UserID{}) {
		m.UserId = p.User.String()
	}
	if !p.Seen.IsZero() {
		m.SeenUnixMs = p.Seen.UnixMilli()
	}
	return m
}

// peerName is what people call the other side.
func peerName(p enrol.Peer) string {
	switch {
	case p.Human.Label.String() != "":
		return p.Human.Label.String()
	case p.Human.Email.String() != "":
		return p.Human.Email.String()
	default:
		return "the other side"
	}
}

// noticeMessage is a notice as frontends get it.
func noticeMessage(n enrol.Notice) *agentpb.Notice {
	m := &agentpb.Notice{Kind: string(n.Event), Peer: peerMessage(n.Peer), Reason: string(n.Reason), By: string(n.By)}
	peer := peerName(n.Peer)
	switch n.Event {
	case enrol.EventWaiting:
		m.Text = fmt.Sprintf("Waiting for %s to come.", peer)
	case enrol.EventMet:
		m.Text = fmt.Sprintf("%s is there.", peer)
	case enrol.EventHeard:
		m.Text = fmt.Sprintf("%s has chosen the right code.", peer)
	case enrol.EventWorking:
		m.Text = "Please wait."
	case enrol.EventAttemptOver:
		m.Text = "The attempt is over: " + wrong(n.Err) + "."
	case enrol.EventOffline:
		m.Text = "The server cannot be reached; trying again."
	case enrol.EventKeysKept:
		m.Text = "The keys of the new device are stored."
	case enrol.EventCertified:
		m.Text = "The certificates are with the server."
	case enrol.EventShares:
		m.Text = fmt.Sprintf("The shares of %s are here.", peer)
	case enrol.EventDone:
		m.Text = "Done."
	}
	return m
}
