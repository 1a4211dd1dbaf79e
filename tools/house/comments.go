package house

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxCommentColumns is where a comment that has its lines to itself wraps; a tab counts as four.
const maxCommentColumns = 100

// checkCommentWidth keeps comments at one width. A line of one word (an address) may be longer, and
// so may preformatted text.
func checkCommentWidth(t *Tree) []string {
	var findings []string
	for _, f := range t.GoFiles {
		for _, line := range loneComments(f) {
			if columns(line.text) > maxCommentColumns && strings.Count(line.text, " ") > 1 {
				findings = append(findings, fmt.Sprintf("%s:%d: a comment of %d columns: wrap it at %d, so that all text reads alike",
					f.Path, line.number, columns(line.text), maxCommentColumns))
			}
		}
	}
	return findings
}

type commentLine struct {
	number int
	text   string // with its indentation
}

// loneComments are the lines that hold a line comment and no code, preformatted ones left out.
func loneComments(f GoFile) []commentLine {
	var lines []commentLine
	for _, group := range f.AST.Comments {
		for _, c := range group.List {
			at := f.positions.Position(c.Pos())
			if !f.startsLine(at.Line, at.Column) || !strings.HasPrefix(c.Text, "// ") || strings.HasPrefix(c.Text, "//  ") {
				continue
			}
			lines = append(lines, commentLine{at.Line, strings.Repeat("\t", at.Column-1) + c.Text})
		}
	}
	return lines
}

func columns(line string) int {
	return utf8.RuneCountInString(line) + 3*strings.Count(line, "\t")
}

// page finds what may be the name of a page of this repository.
var page = regexp.MustCompile(`[\w./-]*\w\.md\b`)

// checkPagesExist wants every page that a comment names to be in the tree, from the root or beside
// the file.
func checkPagesExist(t *Tree) []string {
	var findings []string
	for _, f := range t.GoFiles {
		for _, group := range f.AST.Comments {
			for _, c := range group.List {
				for _, name := range page.FindAllString(c.Text, -1) {
					if !t.has(name) && !t.has(path.Join(f.Dir, name)) {
						findings = append(findings, fmt.Sprintf("%s: names %s, which is not in the tree: a reader cannot follow it", f.Line(c), name))
					}
				}
			}
		}
	}
	return findings
}

func (t *Tree) has(name string) bool {
	return slices.ContainsFunc(t.Files, func(f TextFile) bool { return f.Path == name })
}
