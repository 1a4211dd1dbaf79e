package process

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// maxStops is how often processes are stopped before they are killed. Whoever forks while the list
// is read is found by the next one; all that were found stand still by then.
const maxStops = 20

// killDescendants stops all that descends from the process, so that none forks any more, and kills
// it. It says how many it has found, and how many of them it was not allowed to kill. The list is
// no snapshot, so it may miss some.
func killDescendants(root int) (found, refused int) {
	stopped := map[int]bool{}
	for range maxStops {
		fresh := 0
		for _, pid := range descendants(root) {
			if !stopped[pid] && syscall.Kill(pid, syscall.SIGSTOP) == nil {
				stopped[pid] = true
				fresh++
			}
		}
		if fresh == 0 {
			break
		}
	}
	for _, pid := range descendants(root) {
		found++
		if errors.Is(syscall.Kill(pid, syscall.SIGKILL), syscall.EPERM) {
			refused++
		}
	}
	return found, refused
}

// descendants are the processes below root that have not ended.
func descendants(root int) []int {
	children := map[int][]int{}
	dead := map[int]bool{}
	for _, pid := range processes() {
		if s, ok := statOf(pid); ok {
			children[s.parent] = append(children[s.parent], pid)
			dead[pid] = s.dead
		}
	}
	var list []int
	for next := children[root]; len(next) > 0; {
		pid := next[0]
		if !dead[pid] {
			list = append(list, pid)
		}
		next = append(next[1:], children[pid]...)
	}
	return list
}

// processes are the numbers of all processes that this one sees.
func processes() []int {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1) // what was read counts
	var list []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			list = append(list, pid)
		}
	}
	return list
}

// stat is what is asked of a process.
type stat struct {
	parent int
	dead   bool // it only waits for its parent to hear of its end
}

// statOf reads fields of /proc/PID/stat (proc_pid_stat(5)): the state, the parent, the number of
// threads, which is 1 or less for what has wholly ended. The program's name before them may have
// blanks and brackets in it.
func statOf(pid int) (stat, bool) {
	content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, false
	}
	fields := strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
	if len(fields) < 18 {
		return stat{}, false
	}
	parent, err := strconv.Atoi(fields[1])
	threads, _ := strconv.Atoi(fields[17])
	return stat{parent: parent, dead: strings.Contains("ZX", fields[0]) && threads <= 1}, err == nil
}
