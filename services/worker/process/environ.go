package process

import (
	"fmt"
	"slices"
	"strings"
)

// passed are the variables of the worker that each command sees. None of them can be a secret.
var passed = []string{"PATH", "HOME", "LANG", "TZ", "TERM", "TMPDIR"}

// ParseNames reads the names of variables that are separated by commas. It refuses what is no name,
// such as a value that was given with it, which a list of processes would show.
func ParseNames(list string) ([]string, error) {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if strings.ContainsAny(name, "=* \t\x00") {
			return nil, fmt.Errorf("%q: want the name of a variable alone, such as LANG", name)
		}
		names = append(names, name)
	}
	return names, nil
}

// visible is what a command sees of the worker's environment: the variables that every command
// sees, and those that are named. One that is not set is left out.
func visible(environ, named []string) []string {
	list := []string{}
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if slices.Contains(passed, name) || slices.Contains(named, name) {
			list = append(list, pair)
		}
	}
	return list
}
