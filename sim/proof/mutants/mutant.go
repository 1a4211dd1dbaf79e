package mutants

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Mutant is one wrong version of the system.
type Mutant struct {
	Name     string   `json:"name"`
	Breaks   string   `json:"breaks"`            // what goes wrong in the world
	Bugs     []string `json:"bugs,omitempty"`    // known bugs of other systems that it is like; see Bugs
	CaughtBy []string `json:"caughtBy"`          // the invariants, or tests, one of which must kill it
	Needs    []string `json:"needs,omitempty"`   // faults without which it lives
	Package  string   `json:"package,omitempty"` // whose own tests must kill it, as ./sim/aws/ddbcore; empty: the simulation must
	Edits    []Edit   `json:"edits,omitempty"`
}

// Edit is an exact replacement in a file of the tree.
type Edit struct {
	File string `json:"file"` // from the tree's root, with slashes
	Old  string `json:"old"`  // occurs there exactly once
	New  string `json:"new"`
}

// The marks of a mutant's file.
const (
	markFile = "--- "
	markOld  = "<<<<"
	markNew  = "===="
	markEnd  = ">>>>"
)

// Parse reads a mutant's file. It has a head of lines "name: value" (breaks, caught by; optionally
// bugs, needs, tests), then for each file a line "--- path" and under it replacements:
//
//	<<<<
//	old text
//	====
//	new text
//	>>>>
//
// The texts are whole lines. Lists are separated by commas. Anything else is refused.
func Parse(name, text string) (Mutant, error) {
	p := &parser{mutant: Mutant{Name: name}}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if err := p.line(line); err != nil {
			return Mutant{}, fmt.Errorf("%s.mutant:%d: %w", name, i+1, err)
		}
	}
	if err := p.end(); err != nil {
		return Mutant{}, fmt.Errorf("%s.mutant: %w", name, err)
	}
	return p.mutant, nil
}

// parser reads line by line; part says where it is.
type parser struct {
	mutant   Mutant
	part     part
	file     string
	old, new []string
}

type part int

const (
	inHead part = iota
	inFile      // after "--- path", between replacements
	inOld
	inNew
)

func (p *parser) line(line string) error {
	switch p.part {
	case inOld:
		switch line {
		case markNew:
			p.part = inNew
		case markOld, markEnd:
			return fmt.Errorf("%s before %s", line, markNew)
		default:
			p.old = append(p.old, line)
		}
		return nil
	case inNew:
		switch line {
		case markEnd:
			return p.endEdit()
		case markOld, markNew:
			return fmt.Errorf("%s before %s", line, markEnd)
		default:
			p.new = append(p.new, line)
		}
		return nil
	}
	switch {
	case line == "":
		return nil
	case strings.HasPrefix(line, markFile):
		p.part, p.file = inFile, strings.TrimPrefix(line, markFile)
		if !filepath.IsLocal(p.file) {
			return fmt.Errorf("file %q: want a path inside the tree", p.file)
		}
		return nil
	case p.part == inFile && line == markOld:
		p.part, p.old, p.new = inOld, nil, nil
		return nil
	case p.part == inHead:
		return p.head(line)
	}
	return fmt.Errorf("%q: want %q or %q", line, markFile+"path", markOld)
}

func (p *parser) head(line string) error {
	name, value, ok := strings.Cut(line, ": ")
	if !ok || strings.TrimSpace(value) == "" {
		return fmt.Errorf("%q: want name: value", line)
	}
	m := &p.mutant
	var list *[]string
	switch name {
	case "breaks", "tests":
		text := &m.Breaks
		if name == "tests" {
			text = &m.Package
		}
		if *text != "" {
			return fmt.Errorf("%s comes twice", name)
		}
		*text = value
		return nil
	case "bugs":
		list = &m.Bugs
	case "caught by":
		list = &m.CaughtBy
	case "needs":
		list = &m.Needs
	default:
		return fmt.Errorf("%q: want breaks, bugs, caught by, needs or tests", name)
	}
	if *list != nil {
		return fmt.Errorf("%s comes twice", name)
	}
	for word := range strings.SplitSeq(value, ",") {
		*list = append(*list, strings.TrimSpace(word))
	}
	return nil
}

func (p *parser) endEdit() error {
	e := Edit{File: p.file, Old: strings.Join(p.old, "\n"), New: strings.Join(p.new, "\n")}
	if strings.TrimSpace(e.Old) == "" {
		return fmt.Errorf("there is no old text")
	}
	if e.Old == e.New {
		return fmt.Errorf("old and new text are the same")
	}
	p.mutant.Edits = append(p.mutant.Edits, e)
	p.part = inFile
	return nil
}

var bugID = regexp.MustCompile(`^B[1-9][0-9]?$`)

func (p *parser) end() error {
	m := p.mutant
	switch {
	case p.part == inOld || p.part == inNew:
		return fmt.Errorf("the last replacement has no %s", markEnd)
	case m.Breaks == "":
		return fmt.Errorf("it does not say what it breaks")
	case len(m.CaughtBy) == 0:
		return fmt.Errorf("it does not say what it is caught by")
	case len(m.Edits) == 0:
		return fmt.Errorf("it changes nothing")
	}
	for _, id := range m.Bugs {
		if !bugID.MatchString(id) {
			return fmt.Errorf("bug %q: want B and a number", id)
		}
	}
	return nil
}

// Apply returns the mutated files by their path from root.
func (m Mutant) Apply(root string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, e := range m.Edits {
		content, ok := files[e.File]
		if !ok {
			var err error
			if content, err = os.ReadFile(filepath.Join(root, filepath.FromSlash(e.File))); err != nil {
				return nil, fmt.Errorf("mutant %s: %w", m.Name, err)
			}
		}
		if n := bytes.Count(content, []byte(e.Old)); n != 1 {
			return nil, fmt.Errorf("mutant %s: %s: want the old text there once, it is there %d times:\n%s", m.Name, e.File, n, e.Old)
		}
		files[e.File] = bytes.Replace(content, []byte(e.Old), []byte(e.New), 1)
	}
	return files, nil
}

// Select keeps the mutants with the names, or all if there are no names. It refuses a name that no
// mutant has.
func Select(all []Mutant, names []string) ([]Mutant, error) {
	if len(names) == 0 {
		return all, nil
	}
	var some []Mutant
	for _, name := range names {
		i := slices.IndexFunc(all, func(m Mutant) bool { return m.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no mutant %q", name)
		}
		some = append(some, all[i])
	}
	return some, nil
}
