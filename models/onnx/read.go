package onnx

// ReadModel decodes a ModelProto. The bytes fields of the result lie in b.
func ReadModel(b []byte) (*Model, error) { return decode(&Model{}, b) }

// ReadTensor decodes a TensorProto, such as a .pb file of test data. The bytes fields of the result lie in b.
func ReadTensor(b []byte) (*Tensor, error) { return decode(&Tensor{}, b) }

// ReadSequence decodes a SequenceProto. The bytes fields of the result lie in b.
func ReadSequence(b []byte) (*Sequence, error) { return decode(&Sequence{}, b) }

// ReadOptional decodes an OptionalProto. The bytes fields of the result lie in b.
func ReadOptional(b []byte) (*Optional, error) { return decode(&Optional{}, b) }

// ReadMap decodes a MapProto. The bytes fields of the result lie in b.
func ReadMap(b []byte) (*Map, error) { return decode(&Map{}, b) }

func decode[M message](m M, b []byte) (M, error) {
	if err := read(m, b, 0, 1); err != nil {
		var none M
		return none, err
	}
	return m, nil
}
