package zoo

import "math"

// regnetSize is the quantised linear function of widths over blocks: Radosavovic et al., "Designing Network Design Spaces" (2020), table 8 and its code.
type regnetSize struct {
	depth, first int
	slope, step  float64
	group        int
}

var regnets = map[string]map[string]regnetSize{
	"x": {
		"002": {13, 24, 36.44, 2.49, 8}, "004": {22, 24, 24.48, 2.54, 16}, "006": {16, 48, 36.97, 2.24, 24}, "008": {16, 56, 35.73, 2.28, 16},
		"016": {18, 80, 34.01, 2.25, 24}, "032": {25, 88, 26.31, 2.25, 48}, "040": {23, 96, 38.65, 2.43, 40}, "064": {17, 184, 60.83, 2.07, 56},
		"080": {23, 80, 49.56, 2.88, 120}, "120": {19, 168, 73.36, 2.37, 112}, "160": {22, 216, 55.59, 2.1, 128}, "320": {23, 320, 69.86, 2, 168},
	},
	"y": {
		"002": {13, 24, 36.44, 2.49, 8}, "004": {16, 48, 27.89, 2.09, 8}, "006": {15, 48, 32.54, 2.32, 16}, "008": {14, 56, 38.84, 2.4, 16},
		"016": {27, 48, 20.71, 2.65, 24}, "032": {21, 80, 42.63, 2.66, 24}, "040": {22, 96, 31.41, 2.24, 64}, "064": {25, 112, 33.22, 2.27, 72},
		"080": {17, 192, 76.82, 2.19, 56}, "120": {19, 168, 73.36, 2.37, 112}, "160": {18, 200, 106.23, 2.48, 112}, "320": {20, 232, 115.89, 2.53, 232},
	},
}

// widths of the blocks: the linear function rounded to a power of step, then to multiples of eight and of the group.
func (s regnetSize) widths() []int {
	list := make([]int, s.depth)
	for i := range list {
		power := math.Round(math.Log((float64(s.first)+s.slope*float64(i))/float64(s.first)) / math.Log(s.step))
		w := int(math.RoundToEven(float64(s.first)*math.Pow(s.step, power)/8)) * 8
		g := min(s.group, w)
		list[i] = int(math.RoundToEven(float64(w)/float64(g))) * g
	}
	return list
}

func (b *builder) regnet(r request, s regnetSize, excite bool) {
	x := b.conv(b.image(r), 32, 3, with{stride: 2, act: relu})
	for _, w := range s.widths() {
		stride, before := 1, x.channels
		if w != x.channels {
			stride = 2
		}
		y := b.conv(b.conv(x, w, 1, with{act: relu}), w, 3, with{stride: stride, groups: w / min(s.group, w), act: relu})
		if excite {
			y = b.squeezeExcite(y, int(math.Round(float64(before)/4)), relu, sigmoid)
		}
		y = b.conv(y, w, 1, with{})
		if stride > 1 {
			x = b.conv(x, w, 1, with{stride: stride})
		}
		x = b.add(y, x, relu)
	}
	b.classify(x)
}
