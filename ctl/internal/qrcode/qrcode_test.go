package qrcode

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// photograph makes a picture of what the terminal shows.
func photograph(t *testing.T, shown string) string {
	t.Helper()
	const scale = 4
	lines := strings.Split(strings.TrimSuffix(shown, "\n"), "\n")
	rows := make([][]rune, 0, len(lines))
	for _, l := range lines {
		inner, ok := strings.CutPrefix(l, begin)
		inner, okEnd := strings.CutSuffix(inner, end)
		if !ok || !okEnd {
			t.Fatalf("a line without its colours: %q", l)
		}
		rows = append(rows, []rune(inner))
	}
	img := image.NewGray(image.Rect(0, 0, len(rows[0])*scale, len(rows)*2*scale))
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			c, upper := rows[y/scale/2][x/scale], y/scale%2 == 0
			dark := c == '█' || c == '▀' && upper || c == '▄' && !upper
			img.SetGray(x, y, color.Gray{Y: map[bool]uint8{true: 0, false: 255}[dark]})
		}
	}
	path := filepath.Join(t.TempDir(), "code.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReadable has another program read what is shown.
func TestReadable(t *testing.T) {
	reader, err := exec.LookPath("zbarimg")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("needs the Debian package zbar-tools")
	}
	for _, text := range []string{
		"x",
		"https://parsec.example.com/redirect/Acme?a=claim_user&p=xBCj4Yp0Jg5ZZ1kSLmm2Tdi0",
		"parsec3://parsec.example.com:6777/Acme%20and%20Company?no_ssl=true&a=claim_device&p=" + strings.Repeat("x", 40),
		strings.Repeat("long ", maxText/5),
	} {
		shown, err := Text(text)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), reader, "-q", "--raw", "-Sdisable", "-Sqrcode.enable", photograph(t, shown)).Output()
		if got := strings.TrimSuffix(string(out), "\n"); err != nil || got != text {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, text := range []string{"", strings.Repeat("x", maxText+1)} {
		if shown, err := Text(text); err == nil {
			t.Errorf("%d bytes: %d", len(text), len(shown))
		}
	}
}
