package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/worker"
)

// A root belongs to one stack at a time, whose claims decide who works in it: stack.lock is locked
// by all of its worker processes together. In a root, a key's workspace belongs to one run at a
// time: locks/PROJECT/USER is locked by the run, whichever process it is of. The kernel frees a
// lock when its holder is gone, however it ended, so a lock that can be taken says that nobody is
// left.

// errLocked is a lock that another holds.
var errLocked = errors.New("it is locked")

// lockRetry is how often a lock is tried that another holds.
const lockRetry = 20 * time.Millisecond

// openLock opens the file of a lock. It is never removed: two processes could then hold locks on
// two files of one name.
func openLock(path string) (*os.File, error) {
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open a lock: %w", err)
	}
	return file, nil
}

// tryLock takes the lock without waiting, or says errLocked.
func tryLock(file *os.File, how int) error {
	err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return nil
}

// note writes into the lock's file what those read who do not get it.
func note(file *os.File, text string) error {
	err := file.Truncate(0)
	if err == nil {
		_, err = file.WriteAt([]byte(text), 0)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file.Name(), err)
	}
	return nil
}

// maxNoteBytes is how much of a note is read.
const maxNoteBytes = 4096

func readNote(file *os.File) string {
	content := make([]byte, maxNoteBytes)
	n, _ := file.ReadAt(content, 0) // what cannot be read is an empty note
	return strings.ToValidUTF8(string(content[:n]), "")
}

// lockRoot takes the root for the stack, together with its other worker processes. It refuses if
// another stack has it: its claims know nothing of this one's.
func lockRoot(root, stack string) (*os.File, error) {
	file, err := openLock(filepath.Join(root, "stack.lock"))
	if err != nil {
		return nil, err
	}
	for range 100 { // another process may be writing its note
		if err = tryLock(file, syscall.LOCK_EX); err == nil {
			if err = note(file, stack); err != nil {
				break
			}
		}
		// This gives the first lock up and takes the second. Another stack may come in between.
		if err = tryLock(file, syscall.LOCK_SH); err == nil {
			if readNote(file) == stack {
				return file, nil
			}
			err = fmt.Errorf("workers of another stack (%s) are at work in %s: each stack needs a root folder of its own", readNote(file), root)
			break
		}
		time.Sleep(lockRetry)
	}
	file.Close()
	return nil, err
}

// keyLock is the file that a run on the key locks.
func keyLock(root, project, user string) string { return filepath.Join(root, "locks", project, user) }

// lockKey takes the key's workspace, and waits for it for a while: the command of a run that has
// lost its lease may still be ending. It is ErrNotNow if that does not suffice.
func (h *Host) lockKey(ctx context.Context, m job.Message) (*os.File, error) {
	file, err := openLock(keyLock(h.options.Root, m.ProjectID, m.UserID))
	if err != nil {
		return nil, err
	}
	waiting := time.NewTimer(h.lockWait)
	defer waiting.Stop()
	for {
		if err = tryLock(file, syscall.LOCK_EX); err == nil {
			err = note(file, fmt.Sprintf("process %d", os.Getpid()))
		}
		if !errors.Is(err, errLocked) {
			break
		}
		select {
		case <-time.After(lockRetry):
			continue
		case <-ctx.Done():
		case <-waiting.C:
		}
		err = fmt.Errorf("%w: %s is at work in the workspace of %s", worker.ErrNotNow, readNote(file), m.ProjectUserID)
		break
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// lockWait is how long a run waits for its key's workspace.
const lockWait = 30 * time.Second
