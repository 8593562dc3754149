package config

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// exampleFile is the documentation of all keys.
const exampleFile = "../../config.example.toml"

var (
	headerLine = regexp.MustCompile(`^(#?)\[\[?([a-z_.]+)\]\]?`)
	keyLine    = regexp.MustCompile(`^(#?)([a-z_]+) = `)
)

// example is one key of the example file: the line that holds it, its table, and whether
// the table itself is commented out.
type exampleKey struct {
	line            int // index into the lines
	table, key      string
	commented, dead bool
}

func readExample(t *testing.T) (lines []string, keys []exampleKey) {
	t.Helper()
	b, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	lines = strings.Split(string(b), "\n")
	var table string
	var dead bool
	for i, line := range lines {
		if m := headerLine.FindStringSubmatch(line); m != nil {
			table, dead = m[2], m[1] != ""
		} else if m := keyLine.FindStringSubmatch(line); m != nil {
			keys = append(keys, exampleKey{i, table, m[2], m[1] != "", dead})
		}
	}
	return lines, keys
}

func mustParse(t *testing.T, src string) *Config {
	t.Helper()
	c, warnings, err := parse(t, src)
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) > 0 {
		t.Fatalf("warnings: %v", warnings)
	}
	return c
}

// TestExampleIsDefault: the example as shipped is what an agent without a file does.
func TestExampleIsDefault(t *testing.T) {
	t.Parallel()
	lines, _ := readExample(t)
	got := mustParse(t, strings.Join(lines, "\n"))
	want := Default(SystemLayout())
	want.Path = got.Path
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// TestExampleValuesAreDefaults uncomments each key of the example alone: it must change
// nothing, except for keys without a default, which must change something.
func TestExampleValuesAreDefaults(t *testing.T) {
	t.Parallel()
	noDefault := map[string]bool{
		"core_settings.thread_pool_size": true, "core_settings.log_level": true, // not set is not a value
		"authenticator.workload_endpoint": true, // for another type
		"provider.key_store_path":         true, // not set, keys of the original are looked for
	}
	lines, keys := readExample(t)
	want := mustParse(t, strings.Join(lines, "\n"))
	seen := map[string]bool{}
	for _, k := range keys {
		name := k.table + "." + k.key
		if !k.commented || k.dead || seen[name] {
			continue // a second line of a key is an illustration
		}
		seen[name] = true
		changed := append([]string(nil), lines...)
		changed[k.line] = strings.TrimPrefix(changed[k.line], "#")
		got, warnings, err := parse(t, strings.Join(changed, "\n"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if noDefault[name] {
			if reflect.DeepEqual(got, want) && len(warnings) == 0 {
				t.Errorf("%s is said to have no default, and its value changes nothing", name)
			}
			continue
		}
		if len(warnings) > 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the documented value is not the default: %v", name, warnings)
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d keys found in the example", len(seen))
	}
}

// TestExampleCommentedTables uncomments whole tables: with all of their keys, and with the
// required ones alone. Optional keys must not matter where a default is documented.
func TestExampleCommentedTables(t *testing.T) {
	t.Parallel()
	lines, keys := readExample(t)
	optional := map[string]bool{
		"name": true, "software_public_operations": true, "allow_export": true,
		"skip_if_no_tpm": true, "store_path": true, "admins": true,
		"user_pin_prompt": true, "user_pin_lifetime": true, "unlock_users": true, "unlock_groups": true,
	}
	noDefault := map[string]bool{
		"serial_number": true, "slot_number": true, "user_pin": true, "user_pin_file": true, "user_pin_credential": true,
		"token_uri": true, "endorsement_hierarchy_auth": true, "required": true,
	}
	build := func(header int, all bool) string {
		changed := append([]string(nil), lines...)
		changed[header] = strings.TrimPrefix(changed[header], "#")
		for _, k := range keys {
			nextHeader := header + 1
			for nextHeader < len(lines) && !headerLine.MatchString(lines[nextHeader]) {
				nextHeader++
			}
			managerName := k.table == "key_manager" && k.key == "name"
			if k.line > header && k.line < nextHeader && !noDefault[k.key] && (all || !optional[k.key] || managerName) {
				changed[k.line] = strings.TrimPrefix(changed[k.line], "#")
			}
		}
		return strings.Join(changed, "\n")
	}
	tables := 0
	for i, line := range lines {
		if m := headerLine.FindStringSubmatch(line); m == nil || m[1] == "" {
			continue
		}
		tables++
		full, least := mustParse(t, build(i, true)), mustParse(t, build(i, false))
		if !reflect.DeepEqual(full, least) {
			t.Errorf("line %d: a documented value is not the default\nwith %+v\nwithout %+v", i+1, full, least)
		}
	}
	if tables != 4 {
		t.Errorf("%d tables are commented out, expected 4", tables)
	}
}

// TestExampleIsComplete: every key that the reader asks for is in the example, in its
// table, and the example has no other.
func TestExampleIsComplete(t *testing.T) {
	t.Parallel()
	_, keys := readExample(t)
	documented := map[string]bool{}
	for _, k := range keys {
		documented[k.table+"."+k.key] = true
	}
	known := knownKeys(t)
	tables := map[string]bool{"agent.limits": true, "agent.devices": true, "agent.authenticator": true}
	for name := range known {
		if strings.HasPrefix(name, ".") || tables[name] || strings.HasSuffix(name, ".admins.name") {
			continue // tables, and the name in admins, which is on the line of admins
		}
		if !documented[name] {
			t.Errorf("%s is not in %s", name, exampleFile)
		}
	}
	for name := range documented {
		if !known[name] {
			t.Errorf("%s of %s is no key", name, exampleFile)
		}
	}
}

// knownKeys returns `table.key` of everything that the reader asks for.
func knownKeys(t *testing.T) map[string]bool {
	t.Helper()
	admins := []map[string]any{{}}
	r := &reader{homes: map[string][]string{}}
	root := &section{r: r, values: map[string]any{
		"authenticator": map[string]any{"auth_type": "JwtSvid", "admins": admins},
		"key_manager":   []map[string]any{{"manager_type": "SQLite"}, {"manager_type": "OnDisk"}},
		"provider":      []map[string]any{{"provider_type": "MbedCrypto"}, {"provider_type": "Pkcs11"}, {"provider_type": "Tpm"}},
		"agent":         map[string]any{"authenticator": []map[string]any{{"auth_type": "JwtSvid"}}},
	}}
	r.config(root, SystemLayout())
	known := map[string]bool{}
	for key, homes := range r.homes {
		for _, home := range homes {
			known[fmt.Sprintf("%s.%s", home, key)] = true
		}
	}
	return known
}
