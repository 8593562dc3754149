package supervise

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// wait learns how the process ends and tells everybody.
func (h *Helper) wait(output *os.File, first <-chan string) {
	err := h.cmd.Wait()
	// What the process left behind may keep the pipe open; what it wrote is there already.
	_ = output.SetReadDeadline(time.Now().Add(time.Second))
	text := <-first
	_ = output.Close()
	_ = h.conn.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = &Ended{Reason: h.describe(err, text)}
	for _, c := range h.waiting {
		c.overdue.Stop()
	}
	close(h.ended)
}

// describe says how the process ended; text is the first line that it wrote.
func (h *Helper) describe(err error, text string) string {
	const helper = "the PKCS#11 helper process "
	if h.reason != "" {
		return helper + "was killed: " + h.reason
	}
	if h.closing {
		return helper + "was stopped"
	}
	said := ""
	if text != "" {
		said = fmt.Sprintf(" (%q)", text)
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return fmt.Sprintf("%sended by itself%s", helper, said)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return fmt.Sprintf("%scrashed: %v%s", helper, status.Signal(), said)
	}
	return fmt.Sprintf("%sended with exit status %d%s", helper, exit.ExitCode(), said)
}

const (
	maxLine  = 512 // bytes of one line that are logged
	maxLines = 40  // lines that are logged of one process
	// maxOutput is how many bytes of one process are looked at.
	maxOutput = 1 << 20
)

// log logs the standard error, peer-supplied text that is cut here and quoted by the
// handler, and returns the first line.
func (h *Helper) log(ctx context.Context, output io.Reader) (first string) {
	r := bufio.NewReader(io.LimitReader(output, maxOutput))
	for n := 0; ; {
		line, err := r.ReadString('\n')
		if line = strings.TrimSpace(line); line != "" && n < maxLines {
			line = line[:min(len(line), maxLine)]
			if n++; n == 1 {
				first = line
			}
			h.o.Logger.LogAttrs(ctx, slog.LevelWarn, "pkcs11_helper_output", slog.Int("pid", h.PID()), slog.String("text", line))
		}
		if err != nil {
			_, _ = io.Copy(io.Discard, output) // the process shall not block
			return first
		}
	}
}
