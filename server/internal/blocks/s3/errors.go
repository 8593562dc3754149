package s3

import (
	"errors"
	"net/http"

	"github.com/minio/minio-go/v7"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
)

// outcome is what an answer means here.
type outcome int

const (
	failure  outcome = iota
	done             // it is as wanted
	taken            // the condition does not hold: there is an object
	conflict         // another writes the same object now
	unknown          // the store does not know conditions
	absent           // there is no such object
)

func verdict(err error) outcome {
	if err == nil {
		return done
	}
	answer := minio.ToErrorResponse(err)
	switch answer.Code {
	case minio.NoSuchKey:
		return absent
	case "PreconditionFailed":
		return taken
	case "ConditionalRequestConflict", "OperationAborted":
		return conflict
	case minio.NotImplemented:
		return unknown
	}
	if answer.StatusCode == http.StatusPreconditionFailed {
		return taken
	}
	return failure
}

func isAbsent(err error) bool  { return errors.Is(err, blocks.ErrNotFound) }
func isCorrupt(err error) bool { return errors.Is(err, blocks.ErrCorrupt) }
