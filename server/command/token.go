package command

import (
	"log/slog"
	"path/filepath"

	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
)

// administrationToken is the one that was given, or the one of the data directory, which is made at the first start.
func (o *runOptions) administrationToken(log *slog.Logger) (*secrets.Token, error) {
	if o.token != "" {
		return secrets.NewToken(o.token), nil
	}
	path := filepath.Join(o.dataDir, "administration-token")
	token, err := secrets.LoadToken(path)
	if err == nil {
		log.Info("the administration token is in a file", "path", path)
	}
	return token, err
}
