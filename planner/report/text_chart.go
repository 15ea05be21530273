package report

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// The size of a chart in characters, with its axes.
const chartColumns, chartRows = 80, 18

// marks are what stands for the points of each series, in their order; Strong points take the capital letter.
const marks = "abcdefgh"

// plainChart draws a Scatter that is not Missing in text: a letter for each point, the strong ones capital, and limits as rules.
func plainChart(b *bytes.Buffer, c *Chart) {
	fmt.Fprintln(b, fit(c.Title, chartColumns, 1))
	c.check()
	const margin = 10
	x, y := c.scales(margin+1, chartColumns-1, 0, chartRows-1)
	grid := make([][]rune, chartRows)
	for i := range grid {
		grid[i] = slices.Repeat([]rune{' '}, chartColumns)
		grid[i][margin] = '│'
	}
	for _, l := range c.Limits {
		for i := range grid {
			if !l.OfY {
				grid[i][at(&x, l.Value)] = '┊'
			}
		}
		if l.OfY {
			row := grid[at(&y, l.Value)]
			copy(row[margin+1:], slices.Repeat([]rune{'┈'}, chartColumns-margin-1))
		}
	}
	for _, strong := range []bool{false, true} {
		for i, s := range c.Series {
			mark := marks[i%len(marks) : i%len(marks)+1]
			if strong {
				mark = strings.ToUpper(mark)
			}
			for _, p := range s.Points {
				if !s.Line && p.Strong == strong {
					grid[at(&y, p.Y)][at(&x, p.X)] = rune(mark[0])
				}
			}
		}
	}
	labelled := map[int]string{}
	for _, v := range y.ticks(6) {
		labelled[at(&y, v)] = short(v)
	}
	fmt.Fprintf(b, "  %s\n", fit(c.Y.title(), chartColumns-2, 1))
	for i, row := range grid {
		copy(row, []rune(fmt.Sprintf("%*s ", margin-1, labelled[i])))
		fmt.Fprintln(b, strings.TrimRight(string(row), " "))
	}
	fmt.Fprintln(b, strings.Repeat(" ", margin)+"└"+strings.Repeat("─", chartColumns-margin-1))
	fmt.Fprintln(b, xLabels(&x))
	fmt.Fprintf(b, "%*s\n", chartColumns, fit(c.X.title(), chartColumns, 1))
	legend(b, c)
}

func at(s *scale, v float64) int { return int(math.Round(s.at(v))) }

// xLabels writes the ticks of X under their places.
func xLabels(x *scale) string {
	row := slices.Repeat([]rune{' '}, chartColumns)
	free := 0
	for _, v := range x.ticks(7) {
		text := []rune(short(v))
		if from := at(x, v) - len(text)/2; from > free && from+len(text) <= chartColumns {
			copy(row[from:], text)
			free = from + len(text)
		}
	}
	return strings.TrimRight(string(row), " ")
}

// legend says what the marks stand for, in lines that are not wider than the chart.
func legend(b *bytes.Buffer, c *Chart) {
	var parts []string
	for i, s := range c.Series {
		if !s.Line {
			parts = append(parts, marks[i%len(marks):i%len(marks)+1]+" "+s.Name)
		}
	}
	if c.Frontier != "" {
		parts = append(parts, "capitals: "+c.Frontier)
	}
	for _, l := range c.Limits {
		parts = append(parts, map[bool]string{false: "┊ ", true: "┈ "}[l.OfY]+l.Name)
	}
	line := " "
	for _, p := range parts {
		p = fit(p, chartColumns-4, 1)
		if utf8.RuneCountInString(line)+2+utf8.RuneCountInString(p) > chartColumns && line != " " {
			fmt.Fprintln(b, line)
			line = " "
		}
		line += " " + p + " "
	}
	fmt.Fprintln(b, strings.TrimRight(line, " "))
}
