package models

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// FormatError says that a file is not ONNX, and what it is.
type FormatError struct {
	Format  string // such as "a TensorFlow Lite model"
	Convert string // how to make an ONNX model of it: a command, or in Python a call; "" where nothing does
}

func (e *FormatError) Error() string {
	s := e.Format + ", not an ONNX model"
	if e.Convert != "" {
		s += "; convert it: " + e.Convert
	}
	return s
}

// The ways to convert that several formats share.
const (
	byTorch      = `in Python, torch.onnx.export(model, (example_input,), "model.onnx")`
	byOptimum    = `optimum-cli export onnx --model MODEL_ID_OR_FOLDER OUTPUT_FOLDER`
	bySavedModel = `python -m tf2onnx.convert --saved-model FOLDER --output model.onnx`
	byGraphDef   = `python -m tf2onnx.convert --graphdef FILE --inputs NAMES --outputs NAMES --output model.onnx`
	byTFLite     = `python -m tf2onnx.convert --tflite FILE --output model.onnx`
	byKeras      = `in Python, model.export("saved_model"); then python -m tf2onnx.convert --saved-model saved_model --output model.onnx`
	byMXNet      = `in Python, mxnet.onnx.export_model("model-symbol.json", "model-0000.params", [input_shape], numpy.float32, "model.onnx")`
	byCoreML     = `in Python, onnxmltools.utils.save_model(onnxmltools.convert_coreml(coreml_model), "model.onnx")`
	byPaddle     = `paddle2onnx --model_dir FOLDER --model_filename FILE --params_filename FILE --save_file model.onnx`
	bySklearn    = `in Python, skl2onnx.to_onnx(model, example_input).SerializeToString()`
	byBoosting   = `in Python, onnxmltools.convert_xgboost or onnxmltools.convert_lightgbm`
	byOriginal   = `it was made from another file: use that`
)

// signature recognises a format by how a file begins.
type signature struct {
	match           func(head []byte) bool
	format, convert string
}

// signatures is looked through in order; a zip archive is told by what is in it.
var signatures = []signature{
	{at(4, "TFL3"), "a TensorFlow Lite model", byTFLite},
	{at(4, "ORTM"), "a model in ONNX Runtime's own format", byOriginal},
	{at(0, "GGUF"), "a GGUF model", byOptimum + ` with the model that it was quantised from`},
	{at(0, "\x89HDF\r\n\x1a\n"), "a Keras HDF5 model", byKeras},
	{safetensors, "a file of safetensors weights, without the model's graph", byOptimum},
	{pickled, "a PyTorch checkpoint or another Python pickle", byTorch},
	{at(0, "\x12\x01\x00\x00\x00\x00\x00\x00"), "a file of MXNet parameters", byMXNet},
	{mxnetSymbol, "an MXNet symbol file", byMXNet},
	{savedModel, "a TensorFlow SavedModel", bySavedModel},
	{graphDef, "a frozen TensorFlow graph", byGraphDef},
	{paddleProgram, "a PaddlePaddle model", byPaddle},
	{at(0, "tree\nversion="), "a LightGBM model", byBoosting},
	{at(0, "7767517"), "an ncnn model", byOriginal},
	{at(0, "version https://git-lfs"), "a Git LFS pointer", `git lfs pull`},
	{at(0, "\x89PNG\r\n\x1a\n"), "a PNG image", ""},
	{at(0, "\xff\xd8\xff"), "a JPEG image", ""},
	{at(0, "GIF8"), "a GIF image", ""},
	{at(0, "%PDF-"), "a PDF document", ""},
	{at(0, "\x1f\x8b"), "a gzip file", `unpack it with gunzip or tar first`},
	{at(0, "\xfd7zXZ"), "an xz file", `unpack it with unxz or tar first`},
	{at(0, "\x28\xb5\x2f\xfd"), "a Zstandard file", `unpack it with unzstd first`},
	{at(0, "\x93NUMPY"), "a NumPy array", ""},
	{at(0, "\x7fELF"), "a program", ""},
	{text("<!doctype html", "<html"), "a web page", `download the file that the page links to`},
	{text("<?xml", "<net "), "an XML file, such as OpenVINO's or PMML", byOriginal},
	{text("{", "["), "a JSON file", ""},
}

// contents recognises a zip archive by the end of the name of a file in it.
var contents = []struct{ suffix, format, convert string }{
	{"constants.pkl", "a TorchScript model", `in Python, torch.onnx.export(torch.jit.load(FILE), (example_input,), "model.onnx")`},
	{"archive_format", "a PyTorch exported program", `in Python, torch.onnx.export(torch.export.load(FILE), dynamo=True).save("model.onnx")`},
	{"data.pkl", "a PyTorch checkpoint", byTorch},
	{"model.weights.h5", "a Keras model", byKeras},
	{"saved_model.pb", "a zip archive of a TensorFlow SavedModel", `unpack it, then ` + bySavedModel},
	{"MANIFEST.json", "a model archive", byOriginal},
	{".npy", "an archive of NumPy arrays", ""},
	{".onnx", "a zip archive with an ONNX model in it", `unpack it with unzip`},
}

// endings recognises what has no signature by the end of the file's name.
var endings = []struct{ suffix, format, convert string }{
	{".pt", "a PyTorch model by its name", byTorch},
	{".pth", "a PyTorch model by its name", byTorch},
	{".pkl", "a Python pickle by its name", bySklearn},
	{".joblib", "a scikit-learn model by its name", bySklearn},
	{".tflite", "a TensorFlow Lite model by its name", byTFLite},
	{".gguf", "a GGUF model by its name", byOptimum},
	{".ggml", "a GGML model by its name", byOptimum},
	{".safetensors", "a file of safetensors weights by its name", byOptimum},
	{".h5", "a Keras model by its name", byKeras},
	{".keras", "a Keras model by its name", byKeras},
	{"-symbol.json", "an MXNet symbol file by its name", byMXNet},
	{".params", "a file of MXNet parameters by its name", byMXNet},
	{".mlmodel", "a Core ML model", byCoreML},
	{".pdmodel", "a PaddlePaddle model by its name", byPaddle},
	{".pdiparams", "a file of PaddlePaddle weights by its name", byPaddle},
	{"__model__", "a PaddlePaddle model by its name", byPaddle},
	{".caffemodel", "a Caffe model by its name", byOriginal},
	{".prototxt", "a Caffe model by its name", byOriginal},
	{".engine", "a TensorRT engine by its name", byOriginal},
	{".plan", "a TensorRT engine by its name", byOriginal},
	{".pbtxt", "a TensorFlow graph as text, by its name", byGraphDef},
	{"saved_model.pb", "a TensorFlow SavedModel by its name", bySavedModel},
	{".pb", "a TensorFlow graph or another protocol buffer, by its name", byGraphDef},
}

// recognise returns an error when path can't be opened, is a folder, is empty, or holds what some signature tells to be of another format.
func recognise(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return withoutPath(err)
	}
	if info.IsDir() {
		return recogniseFolder(path)
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	if info.Size() == 0 {
		return errors.New("the file is empty")
	}
	f, err := os.Open(path)
	if err != nil {
		return withoutPath(err)
	}
	defer f.Close()
	head := make([]byte, 4096)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return withoutPath(err)
	}
	head = head[:n]
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return recogniseZip(f, info.Size())
	}
	if strings.EqualFold(filepath.Ext(path), ".mlmodel") { // which begins as a SavedModel does
		return recogniseName(path)
	}
	for _, s := range signatures {
		if s.match(head) {
			return &FormatError{s.format, s.convert}
		}
	}
	return nil
}

func recogniseFolder(path string) error {
	for _, c := range []struct{ name, format, convert string }{
		{"saved_model.pb", "a TensorFlow SavedModel", bySavedModel},
		{"__model__", "a PaddlePaddle model", byPaddle},
		{"Manifest.json", "a Core ML package", byCoreML},
		{"config.json", "a Hugging Face model folder", byOptimum},
	} {
		if _, err := os.Stat(filepath.Join(path, c.name)); err == nil {
			return &FormatError{c.format, c.convert}
		}
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return withoutPath(err)
	}
	for _, e := range entries {
		if strings.EqualFold(filepath.Ext(e.Name()), ".onnx") {
			return errors.New("a folder; the model in it is " + filepath.Join(path, e.Name()))
		}
	}
	return errors.New("a folder, not an ONNX model")
}

func recogniseZip(f io.ReaderAt, size int64) error {
	archive, err := zip.NewReader(f, size)
	if err != nil {
		return &FormatError{"a damaged zip archive", ""}
	}
	for _, c := range contents {
		for _, entry := range archive.File {
			if strings.HasSuffix(entry.Name, c.suffix) {
				return &FormatError{c.format, c.convert}
			}
		}
	}
	return &FormatError{"a zip archive", ""}
}

// recogniseName is for a file that could not be read as ONNX. It returns nil when the name tells nothing.
func recogniseName(path string) error {
	name := strings.ToLower(filepath.Base(path))
	for _, e := range endings {
		if strings.HasSuffix(name, e.suffix) {
			return &FormatError{e.format, e.convert}
		}
	}
	return nil
}

func at(offset int, magic string) func([]byte) bool {
	return func(head []byte) bool { return len(head) >= offset && bytes.HasPrefix(head[offset:], []byte(magic)) }
}

func text(begins ...string) func([]byte) bool {
	return func(head []byte) bool {
		trimmed := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))))
		for _, b := range begins {
			if bytes.HasPrefix(trimmed, []byte(b)) && !bytes.ContainsRune(head, 0) {
				return true
			}
		}
		return false
	}
}

// pickled: a pickle of protocol 2 or later begins with its number.
func pickled(head []byte) bool {
	return len(head) > 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5
}

// safetensors: the size of a header, then the header, in JSON.
func safetensors(head []byte) bool {
	return len(head) > 9 && binary.LittleEndian.Uint64(head) < 1<<30 && head[8] == '{' && (head[9] == '"' || head[9] == '}')
}

func mxnetSymbol(head []byte) bool {
	return text("{")(head) && bytes.Contains(head, []byte(`"nodes"`)) && bytes.Contains(head, []byte(`"op"`))
}

// savedModel: schema version 1 as field 1, then a message, which begins with its field 1, where an ONNX model has its producer's name.
func savedModel(head []byte) bool {
	rest, ok := bytes.CutPrefix(head, []byte{0x08, 0x01, 0x12})
	_, n := binary.Uvarint(rest)
	return ok && n > 0 && len(rest) > n && rest[n] == 0x0a
}

// graphDef: a list of nodes as field 1, each with its name as field 1 and its operator as field 2.
func graphDef(head []byte) bool {
	name, ok := nestedField1(head)
	if !ok || len(name) == 0 || name[0] != 0x0a {
		return false
	}
	size, n := binary.Uvarint(name[1:])
	end := uint64(1+n) + size
	return n > 0 && size > 0 && end < uint64(len(name)) && name[end] == 0x12
}

// paddleProgram: a list of blocks as field 1, each with its number, 0, as field 1 and its parent's as field 2.
func paddleProgram(head []byte) bool {
	block, ok := nestedField1(head)
	return ok && bytes.HasPrefix(block, []byte{0x08, 0x00, 0x10})
}

// nestedField1 is the content of a message in field 1, with what comes after it.
func nestedField1(head []byte) ([]byte, bool) {
	if len(head) == 0 || head[0] != 0x0a {
		return nil, false
	}
	_, n := binary.Uvarint(head[1:])
	if n <= 0 {
		return nil, false
	}
	return head[1+n:], true
}

// withoutPath takes the operation and the path off a file error: Load names the path itself.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
