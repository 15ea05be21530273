package awsapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/eiplan/eiplan/pricing"
)

// maxValue bounds what is kept of a file at once: one product, term or row.
const maxValue = 16 << 20

// input is a file as it is read: it obeys its context, tells how far it is, and
// refuses a value that would not fit into memory.
type input struct {
	ctx      context.Context
	from     io.Reader
	read     int64
	consumed func() int64 // how far the parser is; nil does not bound values
	progress func(read int64)
}

func (in *input) Read(p []byte) (int, error) {
	if err := in.ctx.Err(); err != nil {
		return 0, err
	}
	if in.consumed != nil && in.read-in.consumed() > maxValue {
		return 0, fmt.Errorf("one value takes more than %d MiB", maxValue>>20)
	}
	n, err := in.from.Read(p)
	in.read += int64(n)
	if in.progress != nil {
		in.progress(in.read)
	}
	return n, err
}

// document reads JSON token by token, and knows where it stands.
type document struct {
	*json.Decoder
	text  *pricing.TextFile
	value json.RawMessage // decoded last
	start int64           // where in the file it stands
	fault int64           // what is wrong; negative where it is what would be read next
	keys  keySets
}

func newDocument(in *input) *document {
	text := pricing.NewTextFile(in)
	d := &document{Decoder: json.NewDecoder(text), text: text, fault: -1}
	in.consumed = d.offset
	return d
}

// offset is how far of the file was decoded.
func (d *document) offset() int64 { return d.text.Mark() + d.InputOffset() }

// at places an error in the file.
func (d *document) at(err error) error {
	if err == nil {
		return nil
	}
	if placed := (*pricing.FileError)(nil); errors.As(err, &placed) {
		return placed
	}
	place := d.offset()
	switch syntax := (*json.SyntaxError)(nil); {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		place, err = d.text.Offset(), errors.New("the file is cut off")
	case d.fault >= 0:
		place = d.fault
	case errors.As(err, &syntax) && syntax.Offset != d.InputOffset():
		place += d.wrong()
	}
	return &pricing.FileError{Offset: place, Err: err}
}

// wrong is how far into what is not yet decoded its first wrong byte is. The
// decoder's own offset is that of all values, without the tokens between them.
func (d *document) wrong() int64 {
	rest, err := io.ReadAll(d.Buffered())
	if err != nil {
		return 0
	}
	var value json.RawMessage
	if syntax := (*json.SyntaxError)(nil); errors.As(json.Unmarshal(rest, &value), &syntax) {
		return max(syntax.Offset-1, 0)
	}
	return 0
}

// decode reads a value, none of whose objects may repeat a key.
func (d *document) decode(into any) error {
	if err := d.Decode(&d.value); err != nil {
		return err
	}
	d.start = d.offset() - int64(len(d.value))
	if key, at := d.keys.repeated(d.value); at >= 0 {
		d.fault = d.start + int64(at)
		return fmt.Errorf("key %s twice", key)
	}
	err := json.Unmarshal(d.value, into)
	if mismatch := (*json.UnmarshalTypeError)(nil); errors.As(err, &mismatch) {
		d.fault = d.start + int64(lastToken(d.value[:mismatch.Offset]))
	}
	return err
}

// blame makes the value that was decoded last what is wrong, or the part of it
// that reads so, if there is one.
func (d *document) blame(part string, err error) error {
	if err != nil {
		d.fault = d.start + int64(max(bytes.Index(d.value, []byte(part)), 0))
	}
	return err
}

// reject makes the token that was read last what is wrong, where its size is
// known, else what follows it.
func (d *document) reject(t json.Token) {
	if _, ok := t.(json.Delim); ok {
		d.fault = d.offset() - 1
	}
}

// object calls each with every key of an object, which must read or skip the
// value. No key may be repeated.
func (d *document) object(each func(key string) error) error {
	had := map[string]bool{}
	return d.members(func(key string) error {
		if had[key] {
			d.fault = d.offset() - int64(len(key)+len(`""`))
			return fmt.Errorf("key %q twice", key)
		}
		had[key] = true
		return each(key)
	})
}

// members is object for keys that may be repeated.
func (d *document) members(each func(key string) error) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		d.reject(t)
		return fmt.Errorf("%v where an object must stand", t)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if err := each(key.(string)); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// skip passes over a value, of which no more than a part that lies so many
// levels deep is kept at a time.
func (d *document) skip(levels int) error {
	if levels == 0 {
		return d.Decode(&d.value)
	}
	t, err := d.Token()
	if err != nil {
		return err
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	for d.More() {
		if open == '{' {
			if _, err := d.Token(); err != nil {
				return err
			}
		}
		if err := d.skip(levels - 1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
