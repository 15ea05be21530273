// Package zoo builds reference architectures with seeded weights: models whose work is that of the published ones, for measuring and for tests. Their outputs mean
// nothing. It knows nothing about running a model.
package zoo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/models"
)

// Entry is a model of the zoo. Names and inputs are those of the published measurements that predictions are checked on.
type Entry struct {
	Name  string `json:"name"`
	Alias string `json:"alias,omitempty"` // a short name
	Input string `json:"input"`           // the default for what follows @: an image's side in pixels, or a sequence's length
}

// architecture is an Entry with the function that builds it for an input size.
type architecture struct {
	Entry
	build    func(b *builder, size int)
	min, max int // sizes that the architecture takes
}

// architectures is the zoo.
var architectures = []architecture{
	{Entry{"resnet18", "", "224"}, func(b *builder, n int) { resnet(b, n, basic, [4]int{2, 2, 2, 2}) }, 32, 2048},
	{Entry{"resnet50", "", "224"}, func(b *builder, n int) { resnet(b, n, bottleneck, [4]int{3, 4, 6, 3}) }, 32, 2048},
	{Entry{"mobilenet_v2_x1.0", "mobilenetv2", "224"}, mobilenetV2, 32, 2048},
	{Entry{"squeezenet1_1", "squeezenet", "224"}, squeezenet, 32, 2048},
	{Entry{"bert_base", "", "128"}, func(b *builder, n int) { bert(b, n, encoder{layers: 12, hidden: 768, heads: 12, inner: 3072}) }, 1, 512},
	{Entry{"minilm_l6_h384", "minilm", "128"}, func(b *builder, n int) { bert(b, n, encoder{layers: 6, hidden: 384, heads: 12, inner: 1536}) }, 1, 512},
}

// List is every model of the zoo.
func List() []Entry {
	list := make([]Entry, len(architectures))
	for i, a := range architectures {
		list[i] = a.Entry
	}
	return list
}

// weightsVersion changes whenever the same reference would give other weights.
const weightsVersion = "1"

// Build makes the model of a reference NAME or NAME@INPUT, where hyphens may stand for underscores. Its batch dimension is named batch. The hash is that
// of the reference, for there is no file.
func Build(ref string) (*models.Model, error) {
	name, input, sized := strings.Cut(ref, "@")
	a, err := find(name)
	if err != nil {
		return nil, err
	}
	if !sized {
		input = a.Input
	}
	input, _, _ = strings.Cut(input, "x") // 224x224 is 224
	size, err := strconv.Atoi(strings.TrimPrefix(input, "seq"))
	if err != nil || size < a.min || size > a.max {
		return nil, fmt.Errorf("zoo:%s: input %q is not a size from %d to %d", ref, input, a.min, a.max)
	}
	full := fmt.Sprintf("%s@%d", a.Name, size)
	hash := sha256.Sum256([]byte("eiplan zoo " + weightsVersion + " " + full))
	b := newBuilder(full)
	a.build(b, size)
	return &models.Model{
		Path: "zoo:" + full, SHA256: hex.EncodeToString(hash[:]), Format: "onnx", IRVersion: 8, Producer: "eiplan",
		Opsets: map[string]int{"": opset}, Graph: b.graph,
	}, nil
}

func find(name string) (architecture, error) {
	wanted := strings.ReplaceAll(strings.ToLower(name), "-", "_")
	var names []string
	for _, a := range architectures {
		if wanted == a.Name || a.Alias != "" && wanted == a.Alias {
			return a, nil
		}
		names = append(names, a.Name)
	}
	return architecture{}, fmt.Errorf("no model %q in the zoo; it has %s", name, strings.Join(names, ", "))
}
