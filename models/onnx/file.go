package onnx

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// File is a model file, mapped into memory, with the files of external data that its tensors name.
//
// A map shows the file as it is now. Where another program shortens the file, a read past its new end is a fault of the processor, which
// would end this program. So everything that reads what lies in the map (raw data, strings, external data) must run within Guard, on the
// goroutine that called it; what must survive Close, or be read outside Guard, must be copied.
// A file that is overwritten in place without becoming shorter is not noticed.
type File struct {
	Model  *Model // who has no more need of it may set it to nil, to save memory
	Path   string
	SHA256 string // of the model file, in hex; the files of external data are not part of it
	maps   []*mapping
	byName map[string]*mapping // external data, by location
}

// Open maps and decodes a model file. Errors name what is wrong in the file, not the file itself.
func Open(name string) (*File, error) {
	f := &File{Path: name, byName: map[string]*mapping{}}
	m, err := openMap(func() (*os.File, error) { return os.Open(name) })
	if err != nil {
		return nil, withoutPath(err)
	}
	m.name = filepath.Base(name)
	f.maps = append(f.maps, m)
	err = f.Guard(func() error {
		if len(m.data) == 0 {
			return errors.New("the file is empty")
		}
		if f.Model, err = ReadModel(m.data); err != nil {
			return err
		}
		f.SHA256 = m.sum()
		return nil
	})
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// sum is the SHA-256 of the bytes in hex. They are let go of again in the course of it.
func (m *mapping) sum() string {
	const atOnce = 8 << 20
	h := sha256.New()
	for piece := range slices.Chunk(m.data, atOnce) {
		h.Write(piece)
		m.release()
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Close unmaps the files. What lies in them must not be used afterwards. A second Close does nothing.
func (f *File) Close() error {
	var errs []error
	for _, m := range f.maps {
		errs = append(errs, m.close())
	}
	f.maps, f.byName = nil, nil
	return errors.Join(errs...)
}

// Release lets go of the memory in which the files' bytes are, where the system can read them again from the files. They may be used as before.
func (f *File) Release() {
	for _, m := range f.maps {
		m.release()
	}
}

// Holds reports whether bytes lie in one of the file's maps.
func (f *File) Holds(b []byte) bool {
	first := unsafe.SliceData(b)
	return len(b) > 0 && slices.ContainsFunc(f.maps, func(m *mapping) bool {
		begin := uintptr(unsafe.Pointer(unsafe.SliceData(m.data)))
		return uintptr(unsafe.Pointer(first))-begin < uintptr(len(m.data))
	})
}

// Content is a tensor's elements in the form of (*Tensor).Content, wherever they lie: in the model file, or in a file of external data
// in the model's folder, which is mapped the first time it is named. It must not be called after Close, nor by two goroutines at once.
func (f *File) Content(t *Tensor) ([]byte, error) {
	if !t.IsExternal {
		return t.Content()
	}
	n, size, err := t.size()
	if err != nil {
		return nil, err
	}
	if t.DataType == String {
		return nil, errors.New("external data for a tensor of strings")
	}
	where, err := externalPlace(t.External)
	if err != nil {
		return nil, err
	}
	m, err := f.external(where.location)
	if err != nil {
		return nil, fmt.Errorf("external data %q: %w", where.location, err)
	}
	if !where.hasLength {
		where.length = int64(size)
	}
	if where.length != int64(size) {
		return nil, fmt.Errorf("external data %q: length %d for %d elements of %d bits", where.location, where.length, n, dataTypes[t.DataType].bits)
	}
	if where.offset > int64(len(m.data)) || where.length > int64(len(m.data))-where.offset {
		return nil, fmt.Errorf("external data %q: bytes %d to %d of a file of %d", where.location, where.offset, where.offset+where.length, len(m.data))
	}
	return m.data[where.offset : where.offset+where.length : where.offset+where.length], nil
}

// place is where in which file external data lie.
type place struct {
	location       string
	offset, length int64
	hasLength      bool
}

func externalPlace(entries []StringStringEntry) (place, error) {
	var p place
	for _, e := range entries {
		var err error
		switch e.Key {
		case "location":
			p.location = e.Value
		case "offset":
			p.offset, err = strconv.ParseInt(e.Value, 10, 64)
		case "length":
			p.length, err = strconv.ParseInt(e.Value, 10, 64)
			p.hasLength = true
		}
		if err != nil || p.offset < 0 || p.length < 0 {
			return place{}, fmt.Errorf("external data: %s is %q, want a number of bytes", e.Key, e.Value)
		}
	}
	if p.location == "" {
		return place{}, errors.New("external data without a location")
	}
	return p, nil
}

// external maps the file at location, a path with slashes relative to the model's folder, which it must not leave: neither by an absolute
// path or "..", nor by a symbolic link.
func (f *File) external(location string) (*mapping, error) {
	if path.IsAbs(location) || slices.Contains(strings.Split(location, "/"), "..") {
		return nil, errors.New("the path leaves the model's folder")
	}
	location = path.Clean(location)
	if m, ok := f.byName[location]; ok {
		return m, nil
	}
	local, err := filepath.Localize(location)
	if err != nil {
		return nil, errors.New("not a path within the model's folder")
	}
	folder, err := os.OpenRoot(filepath.Dir(f.Path))
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	m, err := openMap(func() (*os.File, error) { return folder.Open(local) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the file is missing from %s: %w", filepath.Dir(f.Path), fs.ErrNotExist)
	}
	if err != nil {
		return nil, withoutPath(err)
	}
	m.name = location
	f.maps = append(f.maps, m)
	f.byName[location] = m
	return m, nil
}

// openMap maps the file that open returns, and keeps it open so that its size can be asked for again.
func openMap(open func() (*os.File, error)) (*mapping, error) {
	file, err := open()
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err == nil && info.Size() != int64(int(info.Size())) {
		err = fmt.Errorf("%d bytes are more than this machine can address", info.Size())
	}
	if err == nil {
		var m *mapping
		if m, err = mapFile(file, int(info.Size())); err == nil {
			return m, nil
		}
	}
	file.Close()
	return nil, err
}

// withoutPath takes the operation and the path off a file error, which the caller names itself.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
