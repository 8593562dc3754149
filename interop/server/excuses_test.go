//go:build interop

package server_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// excuse is a difference for which the table of docs/server.md has a row, whose first cell is given.
type excuse struct {
	row string
	is  func(p *pair, req cloud.Request, ours, theirs *Answer) bool
}

// failed is a difference where the original on PostgreSQL answers HTTP 500.
func failed(command, reply string) func(*pair, cloud.Request, *Answer, *Answer) bool {
	return func(_ *pair, req cloud.Request, ours, theirs *Answer) bool {
		return req.Command() == command && ours.Reply == reply && theirs.Status == 500
	}
}

var excuses = []excuse{
	{"order of checks", otherOrder},
	{"expired organisation", func(p *pair, req cloud.Request, ours, theirs *Answer) bool {
		goesOn := !p.postgres || req.Command() == "organization_info" // PostgreSQL asks again in all other commands
		return ours.Status == cloud.StatusOrganizationExpired && (theirs.Status == cloud.StatusBadContent || theirs.Status == cloud.StatusOK && goesOn)
	}},
	{"monotony of vlobs", func(p *pair, req cloud.Request, ours, theirs *Answer) bool {
		return p.postgres && strings.HasPrefix(req.Command(), "vlob_") && bothSay(ours, theirs, "require_greater_timestamp")
	}},
	{"block ids", func(p *pair, req cloud.Request, ours, theirs *Answer) bool {
		return p.postgres && req.Command() == "block_create" && ours.Reply == "block_already_exists" && theirs.Reply == "ok"
	}},
	{"`vlob_poll_changes` from a checkpoint that is not reached yet", func(p *pair, req cloud.Request, ours, theirs *Answer) bool {
		return p.postgres && req.Command() == "vlob_poll_changes" && bothSay(ours, theirs, "ok")
	}},
	{"`realm_rename` of a realm with several names, `initial_name_or_fail`", failed("realm_rename", "initial_name_already_exists")},
	{"`async_enrollment_accept` in another identity system", failed("async_enrollment_accept", "submit_and_accept_identity_systems_mismatch")},
	{"`shamir_recovery_setup` with a share that names another user than the author", func(_ *pair, req cloud.Request, ours, _ *Answer) bool {
		return req.Command() == "shamir_recovery_setup" && ours.Reply == "invalid_certificate_user_id_must_be_self"
	}},
	{"`user_revoke` dated before a shared recovery that names the user", func(_ *pair, req cloud.Request, ours, theirs *Answer) bool {
		return req.Command() == "user_revoke" && ours.Reply == "require_greater_timestamp" && (theirs.Reply == "ok" || theirs.Reply == ours.Reply)
	}},
	{"`user_already_revoked`", func(p *pair, _ cloud.Request, ours, theirs *Answer) bool {
		return p.postgres && bothSay(ours, theirs, "user_already_revoked")
	}},
}

func bothSay(ours, theirs *Answer, reply string) bool {
	return ours.Reply == reply && theirs.Reply == reply
}

// reordered are the refusals of a command that the original on PostgreSQL tests in another order than in memory.
var reordered = map[string][]string{
	"async_enrollment_submit":                {"email_already_enrolled", "id_already_used"},
	"block_create":                           {"author_not_allowed", "bad_key_index"},
	"device_create":                          {"device_already_exists", "require_greater_timestamp"},
	"invite_cancel":                          {"invitation_completed", "invitation_already_cancelled", "author_not_allowed"},
	"invite_complete":                        {"invitation_already_completed", "invitation_cancelled", "author_not_allowed"},
	"invite_greeter_step":                    {"greeting_attempt_not_found", "invitation_completed", "invitation_cancelled", "author_not_allowed"},
	"invite_greeter_cancel_greeting_attempt": {"greeting_attempt_not_found", "invitation_completed", "invitation_cancelled", "author_not_allowed"},
	"invite_greeter_start_greeting_attempt":  {"invitation_completed", "invitation_cancelled", "author_not_allowed"},
	"invite_claimer_step":                    {"greeting_attempt_not_found", "greeter_revoked", "greeter_not_allowed"},
	"invite_claimer_cancel_greeting_attempt": {"greeting_attempt_not_found", "greeter_revoked", "greeter_not_allowed"},
	"realm_create":                           {"realm_already_exists", "require_greater_timestamp"},
	"realm_get_keys_bundle":                  {"author_not_allowed", "bad_key_index"},
	"realm_rotate_key":                       {"organization_not_sequestered", "participant_mismatch", "require_greater_timestamp"},
	"realm_self_promote_to_owner":            {"active_owner_already_exists", "author_not_allowed"},
	"realm_share":                            {"recipient_not_found", "recipient_revoked", "author_not_allowed", "require_greater_timestamp", "bad_key_index", "role_incompatible_with_outsider"},
	"realm_unshare":                          {"recipient_not_found", "recipient_already_unshared", "author_not_allowed", "require_greater_timestamp"},
	"shamir_recovery_delete":                 {"require_greater_timestamp", "recipients_mismatch", "shamir_recovery_not_found", "shamir_recovery_already_deleted"},
	"async_enrollment_accept":                {"active_users_limit_reached", "user_already_exists", "human_handle_already_taken", "require_greater_timestamp"},
	"user_create":                            {"active_users_limit_reached", "user_already_exists", "human_handle_already_taken", "require_greater_timestamp"},
	"vlob_create":                            {"vlob_already_exists", "timestamp_out_of_ballpark", "require_greater_timestamp"},
	"vlob_update":                            {"timestamp_out_of_ballpark", "require_greater_timestamp", "bad_vlob_version", "vlob_not_found", "author_not_allowed", "bad_key_index"},
}

// otherOrder says that a request has two faults, and that the servers name one each.
func otherOrder(p *pair, req cloud.Request, ours, theirs *Answer) bool {
	all := reordered[req.Command()]
	if req.Command() == "shamir_recovery_setup" && theirs.Reply == "shamir_recovery_already_exists" { // that is what PostgreSQL looks at first
		return p.postgres && ours.Status == cloud.StatusOK && ours.Reply != "ok"
	}
	return p.postgres && slices.Contains(all, ours.Reply) && slices.Contains(all, theirs.Reply)
}

// excused returns the row that explains a difference, or nothing.
func excused(p *pair, req cloud.Request, ours, theirs *Answer) string {
	for _, e := range excuses {
		if e.is(p, req, ours, theirs) {
			return e.row
		}
	}
	return ""
}

// TestExcusesAreRows: what is excused is in the table that people read.
func TestExcusesAreRows(t *testing.T) {
	text, err := os.ReadFile("../../docs/server.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range excuses {
		if !strings.Contains(string(text), "\n| "+e.row+" | ") {
			t.Errorf("docs/server.md has no row %q", e.row)
		}
	}
}
