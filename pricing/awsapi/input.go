package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// document reads JSON token by token.
type document struct {
	*json.Decoder
	skipped json.RawMessage
}

func newDocument(in *input) *document {
	d := &document{Decoder: json.NewDecoder(in)}
	in.consumed = d.InputOffset
	return d
}

// at adds to an error how far the document was read.
func (d *document) at(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the file is cut off")
	}
	return fmt.Errorf("byte %d: %w", d.InputOffset(), err)
}

// object calls each with every key of an object, which must read or skip the value.
func (d *document) object(each func(key string) error) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
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
		return d.Decode(&d.skipped)
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
