//go:build unix

package onnx

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapping is a file's bytes as the system maps them.
type mapping struct {
	name string
	data []byte
	file *os.File
}

func mapFile(file *os.File, size int) (*mapping, error) {
	if size == 0 {
		return &mapping{file: file}, nil
	}
	data, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("mmap: %w", err)
	}
	return &mapping{data: data, file: file}, nil
}

func (m *mapping) close() error {
	err := m.file.Close()
	if m.data != nil {
		err = errors.Join(err, unix.Munmap(m.data))
		m.data = nil
	}
	return err
}

// release gives the pages back to the system, which fetches those that are read again.
func (m *mapping) release() {
	if m.data != nil {
		_ = unix.Madvise(m.data, unix.MADV_DONTNEED) // without, they stay until the system wants them
	}
}

// check reports whether the file still has the bytes that were mapped.
func (m *mapping) check() error {
	info, err := m.file.Stat()
	if err != nil {
		return fmt.Errorf("%s: %w", m.name, withoutPath(err))
	}
	if info.Size() < int64(len(m.data)) {
		return fmt.Errorf("%s: the file shrank from %d to %d bytes while in use", m.name, len(m.data), info.Size())
	}
	return nil
}

// holds reports whether the address lies in the map, whose last page is whole.
func (m *mapping) holds(address uintptr) bool {
	if len(m.data) == 0 {
		return false
	}
	begin := uintptr(unsafe.Pointer(unsafe.SliceData(m.data)))
	return address >= begin && address-begin < uintptr(len(m.data)+os.Getpagesize())
}

// Guard runs read, which may read what lies in the file's maps, and returns its error, or one that says that a file shrank meanwhile or
// before. It asks for each file's size before and after read, which finds a file that was cut in its last page (its rest reads as
// zeros), and turns the fault of a read beyond the file's end into an error: debug.SetPanicOnFault makes it a panic, which Guard recovers
// when its address lies in one of the maps. Both hold only for the calling goroutine: others that read the maps for it must hand their
// panics on to it, as an error that wraps them.
func (f *File) Guard(read func() error) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			if err = f.fault(p); err == nil {
				panic(p)
			}
		}
	}()
	err = read()
	if shrank := f.check(); shrank != nil {
		return shrank
	}
	return err
}

// fault is the error behind a recovered panic, or nil when that is not a fault of reading one of the maps. Read may have handed on another goroutine's.
func (f *File) fault(p any) error {
	var fault interface {
		error
		Addr() uintptr
	}
	if err, ok := p.(error); !ok || !errors.As(err, &fault) {
		return nil
	}
	for _, m := range f.maps {
		if m.holds(fault.Addr()) {
			if err := m.check(); err != nil {
				return err
			}
			return fmt.Errorf("%s: the file can't be read: %w", m.name, fault)
		}
	}
	return nil
}

func (f *File) check() error {
	for _, m := range f.maps {
		if err := m.check(); err != nil {
			return err
		}
	}
	return nil
}
