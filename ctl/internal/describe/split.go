package describe

import (
	"bytes"
	"encoding/pem"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
)

// Split takes a file apart: foreign is what this package does not know, own what it describes or refuses. Keys are own, also
// when they are damaged: nothing that may hold one goes anywhere else. One of the two is nil if there is nothing of it.
func Split(data []byte) (foreign, own []byte) {
	switch {
	case len(data) == 0, IsArchive(data), isDER(data):
		return nil, nonNil(data)
	case !keyfile.IsPEM(data):
		return data, nil
	case !bytes.Contains(data, []byte("-----BEGIN "+foreignLabel)):
		return nil, data
	}
	for rest := data; ; {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		if strings.HasPrefix(block.Type, foreignLabel) {
			foreign = append(foreign, pem.EncodeToMemory(block)...)
		} else {
			own = append(own, pem.EncodeToMemory(block)...)
		}
		rest = after
	}
	if foreign == nil && own == nil { // damaged
		own = data
	}
	return foreign, own
}

// foreignLabel begins the labels of armoured objects of workspaces.
const foreignLabel = "PARSEC "

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// What follows a signature: version and compressed data.
const (
	signature  = 64
	serialised = "\x00\x28\xb5\x2f\xfd"
)

// isDER reports whether data is one sequence, as every key in DER is, or the beginning of one. The signature of a certificate of
// workspaces can begin like one.
func isDER(data []byte) bool {
	const sequence, long = 0x30, 0x80
	if len(data) < 2 || data[0] != sequence || len(data) > signature && bytes.HasPrefix(data[signature:], []byte(serialised)) {
		return false
	}
	size := int(data[1])
	header := 2
	if size >= long {
		n := size - long
		if n == 0 || n > 3 || len(data) < header+n {
			return false
		}
		size = 0
		for _, b := range data[header : header+n] {
			size = size<<8 | int(b)
		}
		header += n
	}
	return header+size >= len(data)
}
