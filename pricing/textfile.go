package pricing

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// A FileError is what is wrong at one place of a file.
type FileError struct {
	Line   int   // from 1; 0 where lines don't tell, as in JSON
	Offset int64 // in bytes, from 0
	Err    error
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("byte %d: %s", e.Offset, e.Err)
	}
	return fmt.Sprintf("line %d, byte %d: %s", e.Line, e.Offset, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

const byteOrderMark = "\ufeff"

// A TextFile reads a file of text, without its byte order mark. The first byte
// that is not UTF-8 ends it with a [FileError].
type TextFile struct {
	from   *bufio.Reader
	begun  bool
	mark   int64  // size of the byte order mark
	offset int64  // how far the file is read, with the mark
	cut    []byte // of a character that the last read cut
	err    error

	tracks bool    // whether lines are wanted
	line   int     // number of the first of lines
	lines  []int64 // where the lines begin that are not yet forgotten
}

// NewTextFile reads text from r, which must be at the start of its file.
func NewTextFile(r io.Reader) *TextFile { return &TextFile{from: bufio.NewReader(r)} }

// Mark is the size of the byte order mark, once something was read.
func (t *TextFile) Mark() int64 { return t.mark }

// Offset is how many bytes of the file were read.
func (t *TextFile) Offset() int64 { return t.offset }

func (t *TextFile) Read(p []byte) (int, error) {
	if t.err == nil && !t.begun {
		t.err = t.begin()
	}
	if t.err != nil {
		return 0, t.err
	}
	n, err := t.from.Read(p)
	good, bad := t.valid(p[:n])
	t.note(p[:good])
	switch {
	case bad >= 0:
		t.err = t.place(bad, errors.New("not UTF-8"))
	case err == io.EOF && len(t.cut) > 0:
		t.err = t.place(t.offset-int64(len(t.cut)), errors.New("not UTF-8: the file ends within a character"))
	default:
		t.err = err
	}
	if good > 0 {
		return good, nil
	}
	return 0, t.err
}

// begin passes over the byte order mark.
func (t *TextFile) begin() error {
	t.begun = true
	start, err := t.from.Peek(len(byteOrderMark))
	if string(start) == byteOrderMark {
		t.mark = int64(len(byteOrderMark))
		_, err = t.from.Discard(len(byteOrderMark))
	}
	t.offset, t.line, t.lines = t.mark, 1, []int64{t.mark}
	if err == io.EOF {
		return nil
	}
	return err
}

// valid is how many bytes of text can be passed on, and the offset in the file
// of the first character that is none, -1 where all are.
func (t *TextFile) valid(text []byte) (good int, bad int64) {
	i := 0
	for ; len(t.cut) > 0 && i < len(text); i++ {
		t.cut = append(t.cut, text[i])
		if !utf8.FullRune(t.cut) {
			continue
		}
		if r, size := utf8.DecodeRune(t.cut); r == utf8.RuneError && size == 1 {
			return 0, t.offset + int64(i+1-len(t.cut))
		}
		t.cut = t.cut[:0]
	}
	if utf8.Valid(text[i:]) {
		return len(text), -1
	}
	for i < len(text) {
		if !utf8.FullRune(text[i:]) {
			t.cut = append(t.cut, text[i:]...)
			return len(text), -1
		}
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i, t.offset + int64(i)
		}
		i += size
	}
	return len(text), -1
}

// note moves on by what is passed on.
func (t *TextFile) note(text []byte) {
	for i := 0; t.tracks; {
		next := bytes.IndexByte(text[i:], '\n')
		if next < 0 {
			break
		}
		i += next + 1
		t.lines = append(t.lines, t.offset+int64(i))
	}
	t.offset += int64(len(text))
}

// place is the error at an offset, with its line where lines are tracked.
func (t *TextFile) place(offset int64, err error) *FileError {
	e := &FileError{Offset: offset, Err: err}
	if t.tracks {
		e.Line = t.line
		for e.Line-t.line+1 < len(t.lines) && t.lines[e.Line-t.line+1] <= offset {
			e.Line++
		}
	}
	return e
}

// forget drops the lines that end before an offset.
func (t *TextFile) forget(offset int64) {
	for len(t.lines) > 1 && t.lines[1] <= offset {
		t.lines = t.lines[1:]
		t.line++
	}
}

// CSV reads rows that know where they stand. Its row is reused by the next Read.
type CSV struct {
	*csv.Reader
	text *TextFile
	done int64
}

// NewCSV reads rows from text.
func NewCSV(text *TextFile) *CSV {
	text.tracks = true
	c := &CSV{Reader: csv.NewReader(text), text: text}
	c.ReuseRecord = true
	return c
}

// Done is where in the file the last whole row ended. The reader's own offset
// also moves within a quoted field, however long.
func (c *CSV) Done() int64 { return c.done }

// Read reads a row. The error is io.EOF or a [FileError].
func (c *CSV) Read() ([]string, error) {
	c.text.forget(c.done)
	row, err := c.Reader.Read()
	var parse *csv.ParseError
	var placed *FileError
	switch {
	case err == nil:
		c.done = c.text.mark + c.InputOffset()
		return row, nil
	case err == io.EOF, errors.As(err, &placed):
		return nil, err
	case errors.As(err, &parse):
		return nil, c.text.at(parse.Line, parse.Column, parse.Err)
	}
	return nil, c.text.place(c.done, err)
}

// At places an error at a field of the row that was read last.
func (c *CSV) At(field int, err error) *FileError {
	line, column := c.FieldPos(field)
	return c.text.at(line, column, err)
}

// at places an error at a line, and a column of it in bytes, both from 1.
func (t *TextFile) at(line, column int, err error) *FileError {
	i := min(max(line-t.line, 0), len(t.lines)-1)
	return &FileError{Line: line, Offset: t.lines[i] + int64(column-1), Err: err}
}
