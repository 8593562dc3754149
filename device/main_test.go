package device_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

func TestMain(m *testing.M) {
	for variable, run := range map[string]func(string) error{holderVariable: holdDevices, writerVariable: changeForEver} {
		if dir := os.Getenv(variable); dir != "" {
			if err := run(dir); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(tokentest.Main(m))
}
