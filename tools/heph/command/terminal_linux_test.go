package command

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/webordinary/hephaestus/tools/heph/screen"
)

// terminal makes a terminal of so many columns. shown, called once at the end, is what was written
// to it.
func terminal(t *testing.T, columns uint16) (*os.File, func() string) {
	t.Helper()
	far, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	var number, locked int32
	size := struct{ rows, columns, x, y uint16 }{24, columns, 0, 0}
	control(t, far, syscall.TIOCGPTN, unsafe.Pointer(&number))
	control(t, far, syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	control(t, far, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	near, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	shown := make(chan string)
	go func() {
		var all strings.Builder
		_, _ = far.WriteTo(&all) // ends with an error when the near end is closed
		shown <- all.String()
	}()
	return near, func() string {
		near.Close()
		defer far.Close()
		return strings.ReplaceAll(<-shown, "\r\n", "\n")
	}
}

func control(t *testing.T, of *os.File, request uintptr, value unsafe.Pointer) {
	t.Helper()
	if _, _, err := syscall.Syscall(syscall.SYS_IOCTL, of.Fd(), request, uintptr(value)); err != 0 {
		t.Skipf("no terminals here: %v", err)
	}
}

// seen is what the command line shows on a terminal of so many columns.
func seen(t *testing.T, columns uint16, environ map[string]string, args ...string) string {
	t.Helper()
	near, shown := terminal(t, columns)
	status := Main(t.Context(), args, Streams{Out: near, Err: near, Getenv: func(name string) string { return environ[name] }})
	text := shown()
	if status != ok {
		t.Fatalf("status %d:\n%s", status, text)
	}
	return text
}

func TestTheListOfMutantsFitsATerminal(t *testing.T) {
	text := seen(t, 80, nil, "--color", "never", "mutants", "--list")
	for line := range strings.Lines(text) {
		if wide := screen.Width(strings.TrimSuffix(line, "\n")); wide > 80 {
			t.Errorf("%d columns: %q", wide, line)
		}
	}
	if head, _, _ := strings.Cut(text, "\n"); strings.Index(head, "BREAKS") > strings.Index(head, "CAUGHT BY") {
		t.Errorf("what a mutant breaks comes after what most need not know: %q", head)
	}
}

func TestATerminalHasRoomForASubjectBesideTheID(t *testing.T) {
	_, environ := running(t, 1, "echo done")
	id := strings.TrimSpace(heph(t, environ, append(draft[:len(draft):len(draft)], "--subject", "Opening hours", "--wait")...).out)
	text := seen(t, 80, environ, "status")
	if !strings.Contains(text, id[:shortID-1]+"…") || strings.Contains(text, id) || !strings.Contains(text, "Opening hours") {
		t.Errorf("message %s:\n%s", id, text)
	}
	if whole := heph(t, environ, "status"); !strings.Contains(whole.out, id) {
		t.Errorf("what is no terminal wants ids whole:\n%s", whole.out)
	}
}

// The command that heph dev suggests can be typed as it stands, but for the address if that is in a
// routes file.
func TestDevShowsHowToReachItsStack(t *testing.T) {
	routes := write(t, "routes.json", `{"routes": [{"address": "help@shop.example", "project": "amelia", "user": "scott"}]}`)
	for flags, to := range map[string]string{"--domain mail.example": "scott@amelia.mail.example", "--routes " + routes: "ADDRESS"} {
		near, shown := terminal(t, 200)
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // it stops once it has begun
		args := append([]string{"--color", "never", "dev", "--port", "0", "--prefix", "mine"}, strings.Fields(flags)...)
		status := Main(ctx, args, Streams{Out: near, Err: near, Getenv: func(string) string { return "" }})
		text := shown()
		if want := regexp.MustCompile(`Try: heph send --endpoint http://127\.0\.0\.1:\d+ --prefix mine --from \S+ --to ` + to + ` `); status != ok || !want.MatchString(text) {
			t.Errorf("status %d, want %v:\n%s", status, want, text)
		}
	}
}
