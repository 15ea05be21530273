package ops

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/models/tensor"
)

// parse reads the i-th string as a number of type d: a decimal, in plain or scientific notation, or NaN or an infinity.
func (s *scalars) parse(i int, to family, d tensor.DType) error {
	text := strings.TrimSpace(s.text[i])
	switch to {
	case wholeFamily:
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			s.whole[i] = v
			return nil
		}
	case bitsFamily:
		if v, err := strconv.ParseUint(text, 10, 64); err == nil {
			s.whole[i] = int64(v)
			return nil
		}
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(v, 0) {
		return fmt.Errorf("string %q is no number", s.text[i])
	}
	if s.part[i] = v; to == partFamily {
		return nil
	}
	s.whole[i] = wholeOf(v, d)
	return nil
}

// format writes the i-th number as a string: the shortest decimal that reads back as the same number of its type. A bool is 1 or 0, as in ONNX Runtime.
func (s *scalars) format(i int, from family, d tensor.DType) string {
	switch {
	case from == wholeFamily:
		return strconv.FormatInt(s.whole[i], 10)
	case from == bitsFamily:
		return strconv.FormatUint(uint64(s.whole[i]), 10)
	}
	return formatReal(s.part[i], d)
}

// formatReal writes a number as NumPy does: positional from 1e-4 to below 1e16, else scientific; always with a point or an exponent.
func formatReal(v float64, d tensor.DType) string {
	switch {
	case v != v:
		return "nan"
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	}
	bits := 64
	if d != tensor.Float64 {
		bits = 32
	}
	if a := math.Abs(v); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, bits)
	}
	text := strconv.FormatFloat(v, 'f', -1, bits)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
