package ctl

import (
	"fmt"
	"io"

	"github.com/seed-73b3884f/parsec-agent/client"
)

// batch counts what became of many keys. Its fields are part of JSON results.
type batch struct {
	Keys     int       `json:"keys"`
	Skipped  int       `json:"skipped"`
	Problems []problem `json:"problems"`
}

// problem is a key that something went wrong with.
type problem struct {
	Object  string `json:"object"`
	Problem string `json:"problem"`
}

func newBatch() batch { return batch{Problems: []problem{}} }

func (b *batch) count(now client.Progress) {
	switch {
	case now.Object == "": // the end
	case now.Skipped:
		b.Skipped++
	case now.Problem != "":
		b.Problems = append(b.Problems, problem{now.Object, now.Problem})
	default:
		b.Keys++
	}
}

// finishBatch reports a batch; problems make it a failure.
func (p *Program) finishBatch(b batch, verb string, result any) error {
	text := fmt.Sprintf("%s %s", counted(b.Keys, "key"), verb)
	if b.Skipped > 0 {
		text += fmt.Sprintf(", %d skipped", b.Skipped)
	}
	if len(b.Problems) > 0 {
		text += fmt.Sprintf(", %d not", len(b.Problems))
	}
	p.say("%s", text)
	if p.global.json {
		if err := p.emit(result, func(io.Writer) {}); err != nil {
			return err
		}
	}
	if len(b.Problems) == 0 {
		return nil
	}
	if !p.global.json {
		for _, q := range b.Problems {
			fmt.Fprintln(p.Err, printable("parsecctl: "+q.Object+": "+q.Problem))
		}
	}
	return &answered{ExitFailed}
}
