package tpmtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// StartCertified starts a new TPM with an endorsement certificate of a local authority made
// for it. It returns the authority's directory as well.
func StartCertified(t testing.TB) (v *TPM, authority string) {
	t.Helper()
	v = prepare(t)
	v.tcti.Kind, v.tcti.Path = "swtpm", filepath.Join(v.dir, "s")
	authority = filepath.Join(v.dir, "ca")
	files := map[string]string{
		"localca.conf": fmt.Sprintf("statedir = %[1]s\nsigningkey = %[1]s/signkey.pem\nissuercert = %[1]s/issuercert.pem\ncertserial = %[1]s/certserial\n", authority),
		"options.conf": "--platform-manufacturer Test\n--platform-version 1\n--platform-model Test\n",
	}
	files["setup.conf"] = fmt.Sprintf("create_certs_tool = %s\ncreate_certs_tool_config = %s/localca.conf\ncreate_certs_tool_options = %s/options.conf\n",
		tool(t, "swtpm_localca"), v.dir, v.dir)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(v.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(authority, 0o700); err != nil {
		t.Fatal(err)
	}
	setup := exec.CommandContext(t.Context(), "swtpm_setup", "--tpm2", "--tpmstate", v.State, "--config", filepath.Join(v.dir, "setup.conf"),
		"--create-ek-cert", "--overwrite", "--pcr-banks", "-")
	if out, err := setup.CombinedOutput(); err != nil {
		t.Fatalf("swtpm_setup: %v\n%s", err, out)
	}
	v.Start()
	return v, authority
}

func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// raw is a connection as the library's transport.
type raw struct{ net.Conn }

// Raw makes a connection of Dial a transport of the library.
func Raw(c net.Conn) transport.TPM { return raw{c} }

func (r raw) Send(command []byte) ([]byte, error) {
	if _, err := r.Write(command); err != nil {
		return nil, err
	}
	return message(r)
}

// ReadNV reads the whole of an NV index that its own authorisation, which is empty, opens.
func ReadNV(t testing.TB, c net.Conn, index tpm2.TPMHandle) []byte {
	t.Helper()
	public, err := tpm2.NVReadPublic{NVIndex: index}.Execute(raw{c})
	if err != nil {
		t.Fatal(err)
	}
	contents, err := public.NVPublic.Contents()
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for offset := uint16(0); offset < contents.DataSize; {
		n := min(contents.DataSize-offset, 512)
		rsp, err := tpm2.NVRead{
			AuthHandle: tpm2.AuthHandle{Handle: index, Name: public.NVName, Auth: tpm2.PasswordAuth(nil)},
			NVIndex:    tpm2.NamedHandle{Handle: index, Name: public.NVName}, Size: n, Offset: offset,
		}.Execute(raw{c})
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, rsp.Data.Buffer...)
		offset += n
	}
	return data
}

// Extend changes a PCR, as another start of the machine would. Nobody else may be using
// the TPM.
func (v *TPM) Extend(pcr uint32) {
	v.t.Helper()
	c, err := v.Dial()
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_, err = tpm2.PCREvent{
		PCRHandle: tpm2.AuthHandle{Handle: tpm2.TPMHandle(pcr), Auth: tpm2.PasswordAuth(nil)}, EventData: tpm2.TPM2BEvent{Buffer: []byte("event")},
	}.Execute(Raw(c))
	if err != nil {
		v.t.Fatal(err)
	}
}
