package screen

import "strings"

// Cell is one field of a table.
type Cell struct {
	Text  string
	Style Style
}

// Text is a cell without a style.
func Text(text string) Cell { return Cell{Text: text} }

// Table is rows under a head.
type Table struct {
	Head []string
	Rows [][]Cell
}

// gap is what stands between two columns.
const gap = "  "

// leastColumns is what the last column keeps on a narrow terminal.
const leastColumns = 12

// Table writes the table, its columns as wide as they need. On a terminal the last column is cut so
// that a row stays one line.
func (s *Screen) Table(t Table) {
	widths := make([]int, len(t.Head))
	for i, head := range t.Head {
		widths[i] = Width(head)
	}
	for _, row := range t.Rows {
		for i, cell := range row {
			widths[i] = max(widths[i], Width(cell.Text))
		}
	}
	if columns := s.Columns(); columns > 0 {
		last := len(widths) - 1
		before := 0
		for _, w := range widths[:last] {
			before += w + len(gap)
		}
		widths[last] = min(widths[last], max(columns-before, leastColumns))
	}
	head := make([]Cell, len(t.Head))
	for i, name := range t.Head {
		head[i] = Cell{Text: name, Style: Bold}
	}
	s.row(head, widths)
	for _, row := range t.Rows {
		s.row(row, widths)
	}
}

func (s *Screen) row(cells []Cell, widths []int) {
	var line strings.Builder
	for i, cell := range cells {
		text := Cut(cell.Text, widths[i])
		line.WriteString(s.Paint(cell.Style, text))
		if i < len(cells)-1 {
			line.WriteString(strings.Repeat(" ", widths[i]-Width(text)) + gap)
		}
	}
	s.Printf("%s\n", strings.TrimRight(line.String(), " "))
}
