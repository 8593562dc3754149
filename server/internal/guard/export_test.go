package guard

import (
	"io"
	"net/netip"
)

// Remembered returns how many keys a limiter remembers.
func (l *Limiter[K]) Remembered() int { return len(l.young) + len(l.old) }

// ReadProxyHeader reads a header of the PROXY protocol.
func ReadProxyHeader(r io.Reader) (netip.AddrPort, error) { return readProxyHeader(r) }
