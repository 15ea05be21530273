package ops

import "fmt"

// kinds names every Kind, as reports spell it.
var kinds = [...]string{
	Copy: "copy", View: "view", Elementwise: "elementwise", Reduction: "reduction", Pool: "pool", Normalize: "normalize", GEMM: "gemm",
	BatchMatMul: "batch-matmul", Conv: "conv", GroupedConv: "grouped-conv", DepthwiseConv: "depthwise-conv", Recurrent: "recurrent", Control: "control", Host: "host",
}

func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// MarshalText writes the name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a name.
func (k *Kind) UnmarshalText(b []byte) error {
	for i, name := range kinds {
		if name == string(b) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("unknown kind of work %q", b)
}
