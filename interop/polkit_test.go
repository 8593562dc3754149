//go:build interop

package interop

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/interop/original"
)

// TestPolkitRule boots Debian 13 with systemd, polkitd, pcscd and virtual readers: pcscd
// refuses the agent's account without our rule, admits it with the rule, and refuses others
// as before.
func TestPolkitRule(t *testing.T) {
	tree, err := original.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for file, pkg := range map[string]string{
		"usr/sbin/pcscd": "pcscd", "usr/lib/polkit-1/polkitd": "polkitd", "usr/lib/pcsc/drivers/serial/libifdvpcd.so": "vsmartcard-vpcd", "usr/bin/opensc-tool": "opensc",
	} {
		if err := tree.Need(t.Context(), file, pkg); err != nil {
			t.Fatal(err)
		}
	}
	rules, err := filepath.Abs("../systemd/polkit")
	if err != nil {
		t.Fatal(err)
	}
	out, err := tree.Boot(t.Context(), fmt.Sprintf(`
systemctl start dbus polkit pcscd.socket
readers() { echo "$1: $(setpriv --reuid="$2" --regid="$3" --clear-groups opensc-tool -l 2>&1 | grep -c 'Virtual PCD')"; }
readers root root root
readers without parsec parsec
cp %s/parsec-agent.rules /usr/share/polkit-1/rules.d/
systemctl restart polkit
readers with parsec parsec
readers stranger nobody nogroup
journalctl --no-pager -o cat -u pcscd -u polkit`, rules), rules)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"root: 2\n", "without: 0\n", "with: 2\n", "stranger: 0\n", "is NOT authorized for action: access_pcsc", "executing 3 rules"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
