package authn

import (
	"fmt"
	"os/user"
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/peer"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// overflowID is the uid and gid that stand for all that a user namespace does not map
// (nobody, nogroup). Rights given to it would be rights of strangers.
const overflowID uint32 = 65534

// adminRule returns why id is an administrator, or "". What the kernel does not answer is
// no reason.
func (s *Set) adminRule(p *peer.Peer, id Identity) AdminRule {
	switch {
	case s.byType[id.Auth].admins[id.App]:
		return AdminByName
	case p == nil:
		return ""
	case s.ownUID != nil && p.UID == *s.ownUID:
		return AdminByUID
	}
	for _, gid := range s.groups {
		if in, err := p.InGroup(gid); err == nil && in {
			return AdminByGroup
		}
	}
	return ""
}

// adminNames returns the names as a set, and a warning for each that is left out or that
// no application can have.
func adminNames(t wire.AuthType, names []string) (map[string]bool, []string) {
	set := make(map[string]bool, len(names))
	var warnings []string
	for _, name := range names {
		problem := ""
		uid, err := strconv.ParseUint(name, 10, 32)
		switch {
		case name == "":
			problem = "it is empty"
		case t == wire.AuthUnixPeer && (err != nil || strconv.FormatUint(uid, 10) != name):
			problem = "applications are uids in decimal here"
		case t == wire.AuthUnixPeer && uint32(uid) == overflowID:
			problem = "this uid stands for all users that a user namespace does not know"
		case t == wire.AuthJWTSVID && !strings.HasPrefix(name, "spiffe://"):
			problem = "applications are SPIFFE IDs (spiffe://…) here"
		}
		if problem != "" {
			warnings = append(warnings, fmt.Sprintf("administrator %q of authenticator %s is ignored: %s", name, t, problem))
			continue
		}
		set[name] = true
	}
	return set, warnings
}

// TrustedGroups returns the groups whose members may be given rights, and a warning for each
// that is left out.
func TrustedGroups(gids []uint32) (groups []uint32, warnings []string) {
	for _, gid := range gids {
		if gid == overflowID || gid == peer.NoID {
			warnings = append(warnings, fmt.Sprintf(
				"group %d is ignored: this gid stands for all groups that a user namespace does not know", gid))
			continue
		}
		groups = append(groups, gid)
	}
	return groups, warnings
}

// LookupGroups resolves configured groups, each a name or a decimal gid. A group that is
// not known gives a warning and no right: it may be created later, and then takes effect
// at the next reload. Names are those of /etc/group when the agent is built without cgo, as
// it is released; groups of other directories are given as gids.
func LookupGroups(groups []string) (gids []uint32, warnings []string) {
	for _, group := range groups {
		text := group
		if g, err := user.LookupGroup(group); err == nil {
			text = g.Gid
		}
		gid, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			warnings = append(warnings, fmt.Sprintf("group %q is ignored: there is no such group", group))
			continue
		}
		gids = append(gids, uint32(gid))
	}
	return gids, warnings
}

func directWarning(admins bool) string {
	if admins {
		return "authenticator Direct believes every caller: whoever reaches the socket can be any application and any administrator"
	}
	return "authenticator Direct believes every caller: whoever reaches the socket can be any application"
}
