package tpm

import (
	"context"
	"errors"
)

// dialTabrmd refuses: the broker is reached by D-Bus, for which this program has no client.
func dialTabrmd(context.Context, TCTI) (link, error) {
	return nil, errors.New("the access broker is not supported by this build; use the kernel's resource manager: tcti = \"device:/dev/tpmrm0\"")
}
