package report

import (
	"bytes"
	"encoding/json"

	"gopkg.in/yaml.v3"
)

// Decode reads a report in YAML, or in JSON, which is a part of it, into a value with json tags. Fields that the value does not have are passed over. Of
// several documents it reads the first.
func Decode(b []byte, into any) error {
	if json.Valid(b) {
		return json.Unmarshal(b, into)
	}
	if plain, ok := jsonOfBlocks(b); ok {
		return json.Unmarshal(plain, into)
	}
	var tree any
	if err := yaml.NewDecoder(bytes.NewReader(b)).Decode(&tree); err != nil {
		return err
	}
	plain, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, into)
}
