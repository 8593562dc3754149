package enrol

import "errors"

// What an error of this package may wrap.
var (
	// ErrCancelled ends a flow for good. Person.Ask returns it, or it is the cause with which a context ends, when the person does not want to go on.
	ErrCancelled = errors.New("it was cancelled")
	// ErrHeard ends the context of SayCode when the other side has chosen the code.
	ErrHeard = errors.New("the other side has chosen the code")
	// ErrAnswer is an answer that does not go with its question.
	ErrAnswer = errors.New("the answer does not go with the question")
)
