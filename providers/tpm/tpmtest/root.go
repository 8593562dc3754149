package tpmtest

import (
	"bytes"
	"context"
	"sync"
)

// Memory is a RootStore in memory.
type Memory struct {
	mu sync.Mutex // guards the field below
	id []byte
}

// Load returns the stored id, nil when there is none.
func (m *Memory) Load() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.id), nil
}

// Save stores an id.
func (m *Memory) Save(_ context.Context, id []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.id = bytes.Clone(id)
	return nil
}
