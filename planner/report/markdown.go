package report

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"

	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// writeMarkdown writes GitHub Flavored Markdown.
func writeMarkdown(w io.Writer, d Document) error {
	var b bytes.Buffer
	paragraphs(&b, d.Lead)
	for _, t := range d.Tables {
		if t.Title != "" {
			fmt.Fprintf(&b, "### %s\n\n", inline(t.Title))
		}
		shown := Table{Columns: append([]Column{}, t.Columns...), Rows: make([][]string, len(t.Rows))}
		for i := range shown.Columns {
			shown.Columns[i].Name = inline(shown.Columns[i].Name)
		}
		for i, row := range t.Rows {
			for _, cell := range row {
				shown.Rows[i] = append(shown.Rows[i], inline(cell))
			}
		}
		if err := render(&b, shown, false, renderer.NewMarkdown(), tw.Padding{Left: " ", Right: " ", Overwrite: true}); err != nil {
			return err
		}
		fmt.Fprintln(&b)
	}
	paragraphs(&b, d.Tail)
	_, err := w.Write(append(bytes.TrimRight(b.Bytes(), "\n"), '\n'))
	return err
}

// paragraphs writes those that are not empty, each with an empty line after it.
func paragraphs(b *bytes.Buffer, list []string) {
	for _, p := range list {
		if p != "" {
			fmt.Fprintf(b, "%s\n\n", paragraph(p))
		}
	}
}

// escapeMarkdown escapes what Markdown would act on within a line.
var escapeMarkdown = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "~", `\~`, "$", `\$`, "|", `\|`, "<", "&lt;", "&", "&amp;")

// inline is a text within a line that means itself: no markup, and neither a mention (@name) nor a reference (#1) on GitHub and GitLab, which an entity
// for no space breaks.
func inline(s string) string {
	s = escapeMarkdown.Replace(s)
	if !strings.ContainsAny(s, "@#") {
		return s
	}
	var b strings.Builder
	runes := []rune(s)
	word := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	for i, r := range runes {
		b.WriteRune(r)
		if r == '@' && !word(i-1) && word(i+1) || r == '#' && word(i+1) {
			b.WriteString("&#8203;")
		}
	}
	return b.String()
}

// blockStart is what would make a heading, a quotation, a list, a rule or a table of a paragraph.
var blockStart = regexp.MustCompile(`^([0-9]{1,9})?([-#>+=:.)])`)

// paragraph is a line of its own that means itself.
func paragraph(s string) string {
	s = inline(strings.TrimSpace(s))
	at := blockStart.FindStringSubmatchIndex(s)
	if at == nil {
		return s
	}
	sign := at[4]
	if numbered := at[2] >= 0; numbered != strings.ContainsRune(".)", rune(s[sign])) || numbered && at[1] < len(s) && s[at[1]] != ' ' {
		return s
	}
	return s[:sign] + `\` + s[sign:]
}
