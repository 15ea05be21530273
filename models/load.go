package models

import (
	"errors"
	"fmt"

	"github.com/eiplan/eiplan/models/onnx"
)

// Load reads an ONNX file, checks it (see Check) and brings its graph to the newest dialect (see Upgrade). The caller closes the model.
//
// Initializers and tensors in attributes are views of the file's memory map, which need not be aligned (see tensor.Aligned): what reads them
// outside this package does so within Guard. Constant nodes stay nodes. Inputs that have an initializer are taken off Inputs, and stay in Listed. A node
// without a name, or with one that its graph already has, gets a name that is unique.
//
// A file of another format gives a *FormatError, which names the command that converts it. Every error begins with path.
func Load(path string) (*Model, error) {
	m, err := load(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func load(path string) (*Model, error) {
	if err := recognise(path); err != nil {
		return nil, err
	}
	file, err := onnx.Open(path)
	if err != nil {
		return nil, notONNX(path, err)
	}
	m := &Model{Path: path, SHA256: file.SHA256, Format: "onnx", guard: file.Guard, mapped: file.Holds, release: file.Release, closers: []func() error{file.Close}}
	err = file.Guard(func() error {
		if file.Model.Graph == nil {
			if other := recogniseName(path); other != nil {
				return other
			}
		}
		c := converter{content: file.Content}
		if err := c.model(file.Model, m); err != nil {
			return err
		}
		file.Model = nil
		if err := Check(m); err != nil {
			return err
		}
		return Upgrade(m)
	})
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// notONNX is the error for a file that can't be decoded: what its name says it is, else why.
func notONNX(path string, err error) error {
	var syntax *onnx.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	if other := recogniseName(path); other != nil {
		return other
	}
	return fmt.Errorf("not an ONNX model, or a damaged one: %w", err)
}

// Mapped reports whether bytes lie in the map of the model's file or of its external data: they may be read within Guard only, and not after Close.
func (m *Model) Mapped(b []byte) bool { return m.mapped != nil && m.mapped(b) }

// Release lets go of the memory of what is Mapped, for it to be read from the files again where it is needed.
func (m *Model) Release() {
	if m.release != nil {
		m.release()
	}
}

// Guard runs read, which may read the model's initializers, and returns its error, or one that says that the model's file was
// shortened by another program meanwhile, where the system would end this program otherwise. That holds only for the calling goroutine:
// read must not leave reading initializers to others. For a model that is not a file's, Guard only runs read.
func (m *Model) Guard(read func() error) error {
	if m.guard == nil {
		return read()
	}
	return m.guard(read)
}
