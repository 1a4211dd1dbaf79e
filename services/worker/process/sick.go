package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/webordinary/hephaestus/services/worker"
)

// errMail is what no later try and no other machine can mend: the mail itself is at fault.
var errMail = errors.New("the mail cannot be worked on")

// ofMail are errors of the system that come from the name of a mail's file.
var ofMail = []syscall.Errno{syscall.ENAMETOOLONG, syscall.EILSEQ}

// ofKey are errors of the system that come from what a key's command has left in place of its
// workspace or its files, if the machine is well otherwise.
var ofKey = []syscall.Errno{syscall.EACCES, syscall.EPERM, syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP, syscall.EEXIST}

// blame says whose fault it is that a run could not begin, in the worker's terms: nobody's for now
// (ErrNotNow), the mail's or its key's for good, or else the machine's (ErrMachine).
func (h *Host) blame(f folder, err error) error {
	switch {
	case errors.Is(err, worker.ErrNotNow), errors.Is(err, errMail), isOneOf(err, ofMail):
		return err
	case f.broken(err) && h.Check(context.Background()) == nil:
		return err
	}
	return fmt.Errorf("%w: %w", worker.ErrMachine, err)
}

// broken says whether the folders of the key itself may be why a run could not begin.
func (f folder) broken(err error) bool {
	var of *fs.PathError
	if errors.As(err, &of) && (strings.HasPrefix(of.Path, f.workspace) || strings.HasPrefix(of.Path, f.key)) {
		return isOneOf(err, ofKey)
	}
	_, err = os.Stat(f.workspace + "/.") // needs the right to enter it, as the command does
	return isOneOf(err, ofKey)
}

func isOneOf(err error, list []syscall.Errno) bool {
	return slices.ContainsFunc(list, func(e syscall.Errno) bool { return errors.Is(err, e) })
}

// checkWait is how long a check may take.
const checkWait = 5 * time.Second

// Check tries what each run needs of the machine: to write a few KB into the root, and a command
// that can be run. A disk that does not answer is sick too.
func (h *Host) Check(ctx context.Context) error {
	checked := make(chan error, 1)
	go func() { checked <- h.check() }()
	timer := time.NewTimer(checkWait)
	defer timer.Stop()
	var err error
	select {
	case err = <-checked:
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = fmt.Errorf("%s does not answer within %v", h.options.Root, checkWait)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", worker.ErrMachine, err)
	}
	return nil
}

// checkBytes are written by a check.
const checkBytes = 8 << 10

func (h *Host) check() error {
	if _, err := exec.LookPath(h.options.Command[0]); err != nil {
		return fmt.Errorf("the command cannot be run: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(h.options.Root, "check"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(make([]byte, checkBytes))
	return errors.Join(err, file.Sync(), file.Close())
}
