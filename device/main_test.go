package device_test

import (
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

func TestMain(m *testing.M) { os.Exit(tokentest.Main(m)) }
