package agentd

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/device"
)

// ownDevices reports what waits for the caller to do about devices, and files that cannot be read.
func (e *examination) ownDevices() {
	if !e.request.authenticated() {
		return
	}
	all, damaged, err := e.request.devices().List()
	if err != nil {
		e.add("devices", severityError, describe(e.request.who), reasonOf(err), "see the log")
		return
	}
	for _, d := range damaged {
		e.add("devices", severityWarning, "device file "+text(d.Name), reasonOf(d.Err), "bring it back from a backup, or remove it")
	}
	for i := range all {
		object := fmt.Sprintf("device %q", all[i].String())
		switch {
		case all[i].State == device.StateImporting:
			e.add("devices", severityWarning, object, "its import was interrupted", "repeat parsecctl device import")
		case all[i].State == device.StateExported:
			e.add("devices", severityNote, object, "it was exported and is not used here", "if nobody uses the exported file: parsecctl device export --undo")
		case all[i].Pending != nil:
			e.add("devices", severityNote, object, "a change of its protection waits, and the old one still opens it",
				"parsecctl device protect --confirm, or --revert")
		}
	}
	if len(all) > 0 {
		e.add("devices", severityOK, describe(e.request.who), fmt.Sprintf("%d devices", len(all)), "")
	}
}
