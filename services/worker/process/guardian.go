package process

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// guardName is the name under which a guard runs.
const guardName = "hephaestus-guard"

// The levels of guards: the innermost one's child is the command.
const innermost, outermost = 0, 1

// What a guard reports, in lines of a word and a text.
const (
	reportBegun  = "begun"
	reportFailed = "failed" // an errno, or 0, and what went wrong
	reportExit   = "exit"   // the command's status, once nothing of it is left
)

// guardian is the worker's end of a guard (guard_linux.go).
type guardian struct {
	process *os.Process
	report  *os.File // how the command has begun and ended
	lines   *bufio.Scanner
	control *os.File   // nothing is written to it: its end tells the guard to end all
	given   []*os.File // the guard's ends of both, closed here once it has them
	lock    *os.File
}

// newGuardian makes the pipes to a guard, which keeps the lock for as long as anything is left of
// its command.
func newGuardian(lock *os.File) (*guardian, error) {
	heard, control, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a guard's pipe: %w", err)
	}
	report, told, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a guard's pipe: %w", err), heard.Close(), control.Close())
	}
	return &guardian{
		report: report, lines: bufio.NewScanner(report), control: control, given: []*os.File{heard, told}, lock: lock,
	}, nil
}

// above makes of a command one below guards.
func (g *guardian) above(cmd *exec.Cmd) {
	cmd.Args = append([]string{guardName, strconv.Itoa(outermost)}, cmd.Args...)
	cmd.Path, cmd.Err, cmd.SysProcAttr = thisProgram, nil, guardGroup()
	cmd.ExtraFiles = append(g.given[:len(g.given):len(g.given)], g.lock)
}

// begun waits until the command has begun, where the guard itself has.
func (g *guardian) begun(cmd *exec.Cmd, err error) error {
	for _, file := range g.given {
		file.Close()
	}
	if err != nil {
		g.close()
		return fmt.Errorf("start its guard: %w", err)
	}
	g.process = cmd.Process
	word, text := g.line()
	if word == reportBegun {
		return nil
	}
	g.close()
	_ = cmd.Wait() // why it ended is in its report
	if word != reportFailed {
		return errors.New("its guard has ended")
	}
	number, text, _ := strings.Cut(text, " ")
	if errno, err := strconv.Atoi(number); err == nil && errno != 0 {
		return fmt.Errorf("%s%w", strings.TrimSuffix(text, syscall.Errno(errno).Error()), syscall.Errno(errno))
	}
	return errors.New(text)
}

// line is the next line of the report, empty if there is none and no guard is left.
func (g *guardian) line() (word, text string) {
	if !g.lines.Scan() {
		return "", ""
	}
	word, text, _ = strings.Cut(g.lines.Text(), " ")
	return word, text
}

// exitCode waits until no guard is left, and so nothing of the command, and returns its exit
// status: -1 if it was killed or a guard was, as os.ProcessState has it.
func (g *guardian) exitCode() int {
	defer g.close()
	code := -1
	for {
		word, text := g.line()
		switch word {
		case "":
			return code
		case reportExit:
			if n, err := strconv.Atoi(text); err == nil {
				code = n
			}
		}
	}
}

// terminate has SIGTERM sent to the command's group.
func (g *guardian) terminate() { _ = g.process.Signal(syscall.SIGTERM) }

// kill ends the command, with all that it has started. It wakes a guard that the command has
// stopped.
func (g *guardian) kill() {
	g.control.Close()
	_ = g.process.Signal(syscall.SIGCONT)
}

func (g *guardian) close() {
	g.control.Close()
	g.report.Close()
}
