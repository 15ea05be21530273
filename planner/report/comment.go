package report

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// writeComment writes Markdown for a comment on a pull request. A tag that is not shown, the same from run to run, lets CI find the comment that it wrote
// before and update it.
func writeComment(w io.Writer, docs []Document) error {
	subject := "report"
	if len(docs) == 1 && docs[0].Subject != "" {
		subject = docs[0].Subject
	}
	tag := "<!-- eiplan:" + tagText(subject) + " -->\n"
	b, err := fitted(commentChars-len(tag), "a comment", docs, writeMarkdown)
	if err != nil {
		return err
	}
	_, err = w.Write(append([]byte(tag), b...))
	return err
}

// tagText keeps what an HTML comment may hold, and of that no more than a search for it should.
func tagText(s string) string {
	const longest = 100
	s = strings.Trim(notTag.ReplaceAllString(s, "-"), "-")
	return s[:min(len(s), longest)]
}

var notTag = regexp.MustCompile(`[^A-Za-z0-9./_]+`)

// fitted writes documents in no more than so many bytes: it cuts texts that nobody would read, then leaves out the last rows of the longest tables and says
// how many, and at last cuts whatever is left.
func fitted(limit int, holder string, docs []Document, write func(io.Writer, Document) error) ([]byte, error) {
	docs = append([]Document{}, docs...)
	clip := func(chars int) {
		for i, d := range docs {
			docs[i] = d.mapped(func(s string) string { return clipped(s, chars) })
		}
	}
	chars, left := 1024, 0
	for first := true; ; first = false {
		var b bytes.Buffer
		if err := apart(write)(&b, docs); err != nil {
			return nil, err
		}
		if left > 0 {
			fmt.Fprintf(&b, "\n%s rows are left out, for %s holds no more.\n", Count(left), holder)
		}
		if b.Len() <= limit {
			return b.Bytes(), nil
		}
		if first {
			clip(chars)
			continue
		}
		if t := longest(docs); t != nil {
			keep := len(t.Rows) / 2
			left += len(t.Rows) - keep
			t.Rows = t.Rows[:keep]
			continue
		}
		if chars == 0 {
			return nil, nil // not even an empty table has room
		}
		chars /= 2
		clip(chars)
		for i := range docs {
			docs[i].Tail = docs[i].Tail[:len(docs[i].Tail)/2]
		}
	}
}

// longest is the table with the most text in its rows, nil where no table has a row.
func longest(docs []Document) *Table {
	var found *Table
	most := 0
	for i := range docs {
		for k := range docs[i].Tables {
			t, size := &docs[i].Tables[k], 0
			for _, row := range t.Rows {
				for _, cell := range row {
					size += 1 + len(cell)
				}
			}
			if size > most {
				found, most = t, size
			}
		}
	}
	return found
}

// clipped is a text of no more than n runes.
func clipped(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	if n == 0 {
		return ""
	}
	return string(runes[:n-1]) + "…"
}
