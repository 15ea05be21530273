package onnx

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func external(entries ...string) *Tensor {
	t := &Tensor{Name: "w", DataType: Uint8, Dims: []int64{4}, IsExternal: true}
	for i := 0; i < len(entries); i += 2 {
		t.External = append(t.External, StringStringEntry{entries[i], entries[i+1]})
	}
	return t
}

// folder makes a folder with model.onnx, whose graph has the initializers, and with data.bin beside and in sub.
func folder(t *testing.T, initializers ...*Tensor) (dir, model string) {
	t.Helper()
	parent := t.TempDir()
	dir = filepath.Join(parent, "model")
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	model = filepath.Join(dir, "model.onnx")
	for name, b := range map[string][]byte{
		model:                           encoded(t, &Model{IRVersion: 10, Graph: &Graph{Name: "g", Initializers: initializers}}),
		filepath.Join(dir, "data.bin"):  []byte("0123456789"),
		filepath.Join(dir, "sub", "d"):  []byte("abcdefgh"),
		filepath.Join(parent, "secret"): []byte("secret"),
	} {
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, model
}

func TestExternalData(t *testing.T) {
	dir, model := folder(t)
	for link, to := range map[string]string{"inside": "data.bin", "outside": "../secret", "absolute": filepath.Join(filepath.Dir(dir), "secret"), "folder": ".."} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skipf("SKIPPED: no symbolic links here: %v", err)
		}
	}
	f, err := Open(model)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, c := range []struct {
		why  string
		t    *Tensor
		want string // the content, or the error after "error: "
	}{
		{"from an offset on", external("location", "data.bin", "offset", "3", "length", "4"), "3456"},
		{"without a length", external("location", "data.bin", "offset", "6"), "6789"},
		{"without an offset", external("location", "data.bin"), "0123"},
		{"in a folder", external("location", "sub/d", "offset", "4"), "efgh"},
		{"with a dot", external("location", "./sub//d"), "abcd"},
		{"through a link within the folder", external("location", "inside"), "0123"},
		{"the same file again", external("location", "data.bin", "offset", "1"), "1234"},
		{"a file that is missing", external("location", "nowhere.bin"), "error: the file is missing from"},
		{"upwards", external("location", "../secret"), "error: the path leaves the model's folder"},
		{"up and down", external("location", "sub/../../secret"), "error: the path leaves the model's folder"},
		{"an absolute path", external("location", filepath.ToSlash(filepath.Join(dir, "data.bin"))), "error: the path leaves the model's folder"},
		{"a link that leaves", external("location", "outside"), "error: path escapes"},
		{"an absolute link", external("location", "absolute"), "error: path escapes"},
		{"a linked folder that leaves", external("location", "folder/secret"), "error: path escapes"},
		{"a folder", external("location", "sub"), "error: not a regular file"},
		{"the end", external("location", "data.bin", "offset", "8"), "error: bytes 8 to 12 of a file of 10"},
		{"an offset far beyond", external("location", "data.bin", "offset", "9223372036854775807"), "error: of a file of 10"},
		{"a negative offset", external("location", "data.bin", "offset", "-1"), `error: offset is "-1", want a number of bytes`},
		{"an offset that is no number", external("location", "data.bin", "offset", "4k"), `error: offset is "4k", want a number of bytes`},
		{"a length that is not the tensor's", external("location", "data.bin", "length", "5"), "error: length 5 for 4 elements of 8 bits"},
		{"no location", external("offset", "0"), "error: external data without a location"},
	} {
		var got []byte
		err := f.Guard(func() error {
			b, err := f.Content(c.t)
			got = bytes.Clone(b)
			return err
		})
		if want, bad := strings.CutPrefix(c.want, "error: "); bad {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %s", c.why, err, want)
			}
		} else if err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v; want %q", c.why, got, err, c.want)
		}
	}
	if _, err := f.Content(external("location", "nowhere.bin")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "nowhere.bin") {
		t.Errorf("a missing file: %v", err)
	}
	if len(f.maps) != 4 { // model.onnx, data.bin, sub/d, inside
		t.Errorf("%d files are mapped", len(f.maps))
	}
}

func TestOpen(t *testing.T) {
	dir, model := folder(t)
	f, err := Open(model)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.SHA256) != 64 || f.Model.IRVersion != 10 {
		t.Errorf("SHA-256 %q, IR version %d", f.SHA256, f.Model.IRVersion)
	}
	if err := errors.Join(f.Close(), f.Close()); err != nil {
		t.Error(err)
	}
	empty := filepath.Join(dir, "empty.onnx")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{empty: "the file is empty", dir: "not a regular file", filepath.Join(dir, "none"): "no such file"} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", path, err, want)
		}
	}
}

// TestTruncatedUnderTheMap: a file that another program shortens is an error, before, while and after it is read, and no crash.
func TestTruncatedUnderTheMap(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "plan9" {
		t.Skip("SKIPPED: files are not mapped on this system")
	}
	page := int64(os.Getpagesize())
	for _, c := range []struct {
		why  string
		size int64
	}{{"to nothing", 0}, {"by pages", page}, {"within the last page", 3*page + 1}} {
		t.Run(c.why, func(t *testing.T) {
			dir, model := folder(t)
			data := filepath.Join(dir, "data.bin")
			if err := os.WriteFile(data, bytes.Repeat([]byte{7}, int(3*page)+100), 0o644); err != nil {
				t.Fatal(err)
			}
			f, err := Open(model)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			whole := external("location", "data.bin")
			whole.Dims = []int64{3*page + 100}
			b, err := f.Content(whole)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0
			while := f.Guard(func() error {
				if err := os.Truncate(data, c.size); err != nil {
					return err
				}
				for _, x := range b {
					sum += int(x)
				}
				return nil
			})
			after := f.Guard(func() error { t.Error("Guard began to read"); return nil })
			for when, err := range map[string]error{"while": while, "after": after} {
				if err == nil || !strings.Contains(err.Error(), "data.bin: the file shrank from") {
					t.Errorf("%s: error %v", when, err)
				}
			}
		})
	}
}

func TestGuardPassesOtherPanicsOn(t *testing.T) {
	_, model := folder(t)
	f, err := Open(model)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Guard(func() error { return fs.ErrInvalid }); err != fs.ErrInvalid {
		t.Errorf("error %v", err)
	}
	defer func() {
		if p := recover(); p != "ours" {
			t.Errorf("recovered %v", p)
		}
	}()
	f.Guard(func() error { panic("ours") })
}
