//go:build interop

package reference

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
)

//go:embed maker.py
var makerScript string

//go:embed oracle.py
var oracleScript string

// oracle is the reference implementation, which answers questions in the order in which they are asked.
type oracle struct {
	in  io.Writer
	out *bufio.Scanner
	// said is what it writes to its standard error: panics, which are answers too, and why it ends.
	said *bytes.Buffer
}

// question is one line to the oracle: the operation is the name of a function there.
type question struct {
	Op        string `json:"op"`
	Kind      string `json:"kind"`
	Class     string `json:"class,omitempty"`
	Data      string `json:"data"`
	Key       string `json:"key"`
	Author    string `json:"author"`
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"`
	Version   uint32 `json:"version"`
	Seed      uint64 `json:"seed"`
}

type answer struct {
	Out       string    `json:"out"`
	Text      string    `json:"text"`
	Key       string    `json:"key"`
	Author    string    `json:"author"`
	ID        string    `json:"id"`
	Timestamp int64     `json:"timestamp"`
	Version   uint32    `json:"version"`
	Error     string    `json:"error"`
	List      []command `json:"list"`
}

// bytes is what came out, which is written in hexadecimal.
func (a *answer) bytes(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(a.Out)
	if err != nil {
		t.Fatalf("the reference answers %q, %q", a.Out, a.Error)
	}
	return b
}

// newOracle starts the reference. Without one, CI fails.
func newOracle(t *testing.T) *oracle {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "../peers", "reference", "-c", "import parsec._parsec").CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no reference implementation: %s", out)
		}
		t.Skipf("no reference implementation (install the Debian packages debootstrap and python3-pip, and be root): %s", out)
	}
	cmd := exec.CommandContext(t.Context(), "../peers", "reference", "-c", makerScript+oracleScript)
	cmd.Env = append(cmd.Environ(), "RUST_BACKTRACE=0")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	said := &bytes.Buffer{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
		if t.Failed() {
			const enough = 4000
			t.Logf("the reference said: %s", said.Bytes()[max(0, said.Len()-enough):])
		}
	})
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<28)
	return &oracle{in: in, out: scanner, said: said}
}

// ask asks all questions at once: the reference works while they are written and answers are read.
func (o *oracle) ask(t testing.TB, questions ...question) []answer {
	t.Helper()
	wrote := make(chan error, 1)
	go func() {
		lines := json.NewEncoder(o.in)
		lines.SetEscapeHTML(false)
		for i := range questions {
			if err := lines.Encode(&questions[i]); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- nil
	}()
	answers := make([]answer, len(questions))
	for i := range answers {
		if !o.out.Scan() {
			t.Fatalf("the reference ended at question %+v: %v", questions[i], o.out.Err()) // Cleanup shows what it said
		}
		if err := json.Unmarshal(o.out.Bytes(), &answers[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	return answers
}

// one asks a single question that must be answered.
func (o *oracle) one(t testing.TB, q question) answer {
	t.Helper()
	a := o.ask(t, q)[0]
	if a.Error != "" {
		t.Fatalf("%+v: %s", q, a.Error)
	}
	return a
}
