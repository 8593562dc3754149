package wire

// ReadAhead returns the whole read-ahead buffer of a reader, for tests only.
func ReadAhead(r *Reader) []byte { return r.r.buf[:] }
