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

// leastColumns is what a column keeps on a narrow terminal.
const leastColumns = 12

// Table writes the table, each column as wide as its widest cell. On a terminal it cuts columns,
// the last ones first, so that a row stays one line.
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
		fit(widths, columns)
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

// fit narrows the columns, the last ones first, until a row is no wider than columns.
func fit(widths []int, columns int) {
	over := len(gap)*(len(widths)-1) - columns
	for _, w := range widths {
		over += w
	}
	for i := len(widths) - 1; i >= 0 && over > 0; i-- {
		cut := min(over, max(widths[i]-leastColumns, 0))
		widths[i] -= cut
		over -= cut
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
