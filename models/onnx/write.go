package onnx

import (
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// WriteModel writes m as a ModelProto. The same model gives the same bytes. Large raw data are handed to w as they are, never copied.
// It is an error for the message to reach 2 GiB, which protobuf's readers refuse.
func WriteModel(w io.Writer, m *Model) error { return write(w, m) }

// WriteTensor writes t as a TensorProto, as WriteModel does.
func WriteTensor(w io.Writer, t *Tensor) error { return write(w, t) }

// WriteSequence writes s as a SequenceProto, as WriteModel does.
func WriteSequence(w io.Writer, s *Sequence) error { return write(w, s) }

// WriteOptional writes o as an OptionalProto, as WriteModel does.
func WriteOptional(w io.Writer, o *Optional) error { return write(w, o) }

// WriteMap writes m as a MapProto, as WriteModel does.
func WriteMap(w io.Writer, m *Map) error { return write(w, m) }

func write(w io.Writer, m message) error {
	var out rope
	m.fields(&codec{out: &out})
	if out.size() > math.MaxInt32 {
		return fmt.Errorf("onnx: a message of %d bytes: protobuf holds less than 2 GiB", out.size())
	}
	for _, part := range append(out.parts, out.tail) {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// splice is the size from which a rope refers to bytes instead of copying them.
const splice = 4096

// rope is a message being built: parts that are done, then a tail that grows.
type rope struct {
	parts [][]byte
	done  int // bytes in parts
	tail  []byte
}

func (r *rope) size() int { return r.done + len(r.tail) }

func (r *rope) varint(num number, x uint64) {
	r.tail = protowire.AppendVarint(protowire.AppendTag(r.tail, num, protowire.VarintType), x)
}

func (r *rope) fixed32(num number, x uint32) {
	r.tail = protowire.AppendFixed32(protowire.AppendTag(r.tail, num, protowire.Fixed32Type), x)
}

func (r *rope) header(num number, size int) {
	r.tail = protowire.AppendVarint(protowire.AppendTag(r.tail, num, protowire.BytesType), uint64(size))
}

func (r *rope) bytes(num number, b []byte) {
	r.header(num, len(b))
	if len(b) < splice {
		r.tail = append(r.tail, b...)
		return
	}
	r.parts = append(r.parts, r.tail, b)
	r.done += len(r.tail) + len(b)
	r.tail = nil
}

func (r *rope) message(num number, m message) {
	var inner rope
	m.fields(&codec{out: &inner})
	r.header(num, inner.size())
	if len(inner.parts) == 0 {
		r.tail = append(r.tail, inner.tail...)
		return
	}
	r.parts = append(append(r.parts, r.tail), inner.parts...)
	r.done += len(r.tail) + inner.done
	r.tail = inner.tail
}
