package trust_test

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

// byPlace are the reasons that lie in where a server put a certificate: Judge puts each where it belongs.
var byPlace = map[trust.Reason]bool{trust.RealmOther: true, trust.InvalidTimestamp: true, trust.ShamirMissingShare: true}

// sameReason compares reasons. What is older than its author comes before it in the order of timestamps, and what was put into
// another topic is judged in its own.
func sameReason(got, want trust.Reason) bool {
	return got == want || want == trust.AuthorNewer && got == trust.AuthorUnknown || want == trust.Corrupted && got != 0
}

// claimsOf reads all certificates of a stream, topic by topic.
func claimsOf(s trusttest.Stream) (all []trust.Claims, from []*trusttest.Certificate) {
	lists := [][]*trusttest.Certificate{s.Sequester, s.Common, s.Shamir}
	for _, list := range s.Realms {
		lists = append(lists, list)
	}
	for _, list := range lists {
		for _, c := range list {
			signed := c.Signed
			if s.Redacted && c.Redacted != nil {
				signed = c.Redacted
			}
			claims, _ := trust.ReadClaims(signed) // what cannot be read is refused
			all, from = append(all, claims), append(from, c)
		}
	}
	return all, from
}

// TestJudge: of valid organisations every certificate holds, and of forged ones the forged one is refused for the reason that a store has.
func TestJudge(t *testing.T) {
	judged, reasons := 0, map[trust.Reason]bool{}
	for _, o := range corpus(t)[:1] {
		c := live(t, o, nil)
		for _, self := range c.Users()[:4] {
			claims, _ := claimsOf(c.Stream(self))
			for i, j := range trust.Judge(c.Root(), self.ID, claims) {
				if j.Refusal != nil || j.Certificate.Type() != claims[i].Type {
					t.Fatalf("user %v: %s: %v", self.ID, claims[i].Type, j.Refusal)
				}
			}
		}
		for _, f := range c.forged {
			if !c.chosen(3) || f.Field != "" || f.After() == 0 || f.Late || byPlace[f.Want] {
				continue
			}
			self := f.Self
			if self == nil {
				self = c.Users()[0]
			}
			claims, from := claimsOf(c.StreamWith(f, self, min(len(c.Events()), f.After()+20)))
			for i, j := range trust.Judge(c.Root(), self.ID, claims) {
				if from[i] != f.Bad {
					continue
				}
				judged++
				reasons[f.Want] = true
				if j.Refusal == nil || !sameReason(j.Refusal.Reason, f.Want) {
					t.Errorf("%s: %v, want: %v", f.Name, j.Refusal, f.Want)
				}
			}
		}
	}
	if judged < 15 || len(reasons) < 8 {
		t.Errorf("only %d forgeries with %d reasons were judged", judged, len(reasons))
	}
	t.Logf("%d forgeries with %d reasons", judged, len(reasons))
}
