package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// parseTCTI reads `device[:path]`, `mssim[:host=H,port=P]`, `swtpm[:host=H,port=P]` or
// `tabrmd[:bus_name=N,bus_type=session|system]`.
func parseTCTI(s string) (TCTI, error) {
	kind, rest, given := strings.Cut(s, ":")
	if given && rest == "" {
		return TCTI{}, fmt.Errorf("nothing follows %q", kind+":")
	}
	t := TCTI{Kind: kind}
	switch kind {
	case "device":
		t.Path = "/dev/tpm0"
		if given {
			t.Path = rest
		}
		if !filepath.IsAbs(t.Path) {
			return TCTI{}, errors.New("the device is not an absolute path")
		}
		return t, nil
	case "mssim", "swtpm":
		t.Host, t.Port = "localhost", 2321
		return t, t.options(rest, map[string]func(string) error{"host": t.setHost, "port": t.setPort})
	case "tabrmd":
		t.BusName, t.BusType = "com.intel.tss2.Tabrmd", "system"
		return t, t.options(rest, map[string]func(string) error{"bus_name": t.setBusName, "bus_type": t.setBusType})
	default:
		return TCTI{}, errors.New(`expected "device", "swtpm", "mssim" or "tabrmd"`)
	}
}

// options applies the comma-separated name=value pairs of rest.
func (t *TCTI) options(rest string, set map[string]func(string) error) error {
	if rest == "" {
		return nil
	}
	for pair := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(pair, "=")
		f, known := set[name]
		if !ok || !known || value == "" {
			return fmt.Errorf("%q is not an option of %q", pair, t.Kind)
		}
		if err := f(value); err != nil {
			return err
		}
	}
	return nil
}

func (t *TCTI) setHost(v string) error    { t.Host = v; return nil }
func (t *TCTI) setBusName(v string) error { t.BusName = v; return nil }

func (t *TCTI) setPort(v string) error {
	n, err := strconv.ParseUint(v, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("%q is not a port from 1 to 65535", v)
	}
	t.Port = uint16(n)
	return nil
}

func (t *TCTI) setBusType(v string) error {
	if v != "session" && v != "system" {
		return fmt.Errorf("%q is neither session nor system", v)
	}
	t.BusType = v
	return nil
}

func (t TCTI) format() string {
	switch t.Kind {
	case "device":
		return "device:" + t.Path
	case "mssim", "swtpm":
		return fmt.Sprintf("%s:host=%s,port=%d", t.Kind, t.Host, t.Port)
	default:
		return fmt.Sprintf("%s:bus_name=%s,bus_type=%s", t.Kind, t.BusName, t.BusType)
	}
}
