//go:build !unix

package onnx

import (
	"io"
	"os"
)

// mapping is a file's bytes, read as a whole: no later change of the file can be seen.
type mapping struct {
	name string
	data []byte
}

func mapFile(file *os.File, size int) (*mapping, error) {
	data := make([]byte, size)
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, err
	}
	return &mapping{data: data}, file.Close()
}

func (m *mapping) close() error {
	m.data = nil
	return nil
}

// release does nothing: the bytes can't be read again.
func (m *mapping) release() {}

// Guard runs read, which may read what lies in the file's maps. Here the files lie in memory and no guard is needed.
func (f *File) Guard(read func() error) error { return read() }
