package rootkey

import (
	"context"
	"errors"
	"strings"
)

// First asks several sources in their order, best first, and creates in the first that
// can. Only absence leads on to the next source.
type First []Source

// Load returns the key of the first source that has one.
func (s First) Load(ctx context.Context) (*Key, error) {
	for _, source := range s {
		k, err := source.Load(ctx)
		if !errors.Is(err, ErrAbsent) {
			return k, err
		}
	}
	return nil, ErrAbsent
}

// Create makes a key in the first source that can.
func (s First) Create(ctx context.Context) (*Key, error) {
	for _, source := range s {
		if creator, ok := source.(Creator); ok {
			return creator.Create(ctx)
		}
	}
	return nil, errors.New("no source of root keys can create one")
}

func (s First) String() string {
	names := make([]string, len(s))
	for i, source := range s {
		names[i] = source.String()
	}
	return strings.Join(names, ", else ")
}
