package device_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/device"
)

// TestRedaction prints and logs what holds secrets in all ways.
func TestRedaction(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, nil))
	p, s := password("hunter2"), device.Secret{Password: []byte("hunter2"), Code: "hunter2"}
	for _, v := range []any{p, &p, s, &s, []device.Secret{s}, map[string]device.Protection{"x": p}} {
		fmt.Fprintf(&b, "%v %+v %#v %s %x %d %q", v, v, v, v, v, v, v)
		log.Info("secret", "value", v)
		if out, err := json.Marshal(v); err == nil {
			t.Errorf("encoded as %s", out)
		}
	}
	for _, form := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), strings.Trim(fmt.Sprint([]int{104, 117, 110, 116, 101, 114, 50}), "[]")} {
		if strings.Contains(b.String(), form) {
			t.Errorf("the output holds %q", form)
		}
	}
}
