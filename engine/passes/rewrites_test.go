package passes_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// image is the input of most cases, wide enough for whole vectors of channels.
const image = "x 2x32x9x9"

// rewrites lists small models, why each is there, and the operators that are left of it after all passes.
var rewrites = []struct {
	why string
	tiny
	want string
}{
	{"a convolution runs between two reorders", tiny{
		[]string{image}, []string{"w 16x32x3x3", "b 16"}, []string{"Conv x w b > y pads=1,1,1,1"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/FromChannels"},
	{"an image of few channels is read as it lies", tiny{
		[]string{"x 1x3x12x12"}, []string{"w 8x3x5x5"}, []string{"Conv x w > y pads=2,2,2,2 strides=2,2"},
	}, "eiplan/Conv eiplan/FromChannels"},
	{"one spatial dimension", tiny{
		[]string{"x 2x20x30"}, []string{"w 24x20x3", "v 8x24x1"}, []string{"Conv x w > a pads=1,1", "Relu a > c", "Conv c v > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/Conv eiplan/FromChannels"},
	{"batch normalisation folds into the convolution", tiny{
		[]string{image}, []string{"w 16x32x1x1", "s 16", "b 16", "m 16", "variance 16"},
		[]string{"Conv x w > a", "BatchNormalization a s b m variance > c", "Relu c > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/FromChannels"},
	{"batch normalisation folds into a grouped transposed convolution", tiny{
		[]string{"x 1x4x5x5"}, []string{"w 4x3x2x2", "s 6", "b 6", "m 6", "variance 6"},
		[]string{"ConvTranspose x w > a strides=2,2 group=2", "BatchNormalization a s b m variance > y"},
	}, "ConvTranspose"},
	{"a transposed convolution runs on all taps at once", tiny{
		[]string{image}, []string{"w 32x20x3x3", "b 20", "v 20x3x2x2"},
		[]string{"ConvTranspose x w b > a strides=2,2 pads=1,0,1,1 output_padding=1,0", "Relu a > c", "ConvTranspose c v > y strides=2,2"},
	}, "eiplan/ToChannels eiplan/ConvTranspose eiplan/ConvTranspose eiplan/FromChannels"},
	{"scale and shift of channels fold, from either side", tiny{
		[]string{image}, []string{"w 16x32x1x1", "s 16x1x1", "t 1x16x1x1", "c =3"},
		[]string{"Conv x w > a", "Mul s a > b", "Add b t > d", "Sub d c > e", "Div e c > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/FromChannels"},
	{"a constant divided by a convolution does not fold", tiny{
		[]string{image}, []string{"w 16x32x1x1", "c =3"}, []string{"Conv x w > a", "Exp a > b", "Div c b > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/Elementwise eiplan/FromChannels"},
	{"batch normalisation alone scales rows of pixels", tiny{
		[]string{"x 1x20x6x6"}, []string{"w 20x20x3x3", "s 20", "b 20", "m 20", "variance 20", "v 8x20x3x3"},
		[]string{"Conv x w > a pads=1,1,1,1", "Relu a > r", "BatchNormalization r s b m variance > c", "Conv c v > y pads=1,1,1,1"},
	}, "eiplan/ToChannels eiplan/Conv BatchNormalization eiplan/Conv eiplan/FromChannels"},
	{"a clamp of normalised pixels", tiny{
		[]string{image}, []string{"w 32x32x3x3", "v 16x32x1x1", "s 32", "variance 32", "t 48", "variance2 48", "u 8x32x1x1", "q 8x48x1x1", "lo =-0.25", "hi =0.5"},
		[]string{"Conv x w > a pads=1,1,1,1", "Relu a > b", "BatchNormalization b s s s variance > d", "Clip d lo hi > e", "Conv e v > f", "Concat a f > g axis=1",
			"BatchNormalization g t t t variance2 > h", "Relu h > i", "Conv i q > j", "Conv e u > k", "Add j k > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/Elementwise eiplan/BatchNormalization eiplan/Conv Concat eiplan/BatchNormalization eiplan/Conv eiplan/Conv eiplan/FromChannels"},
	{"what a dense block joins again and again", tiny{
		[]string{image}, []string{"w 16x32x1x1", "v 16x16x3x3", "s 32", "variance 32", "u 16x32x3x3", "q 8x48x1x1"},
		[]string{"Conv x w > a", "Conv a v > b pads=1,1,1,1", "Concat a b > c axis=1", "BatchNormalization c s s s variance > n", "Relu n > r", "Conv r u > d pads=1,1,1,1",
			"Concat a b d > e axis=1", "Conv e q > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/Conv Concat eiplan/BatchNormalization eiplan/Conv Concat eiplan/Conv eiplan/FromChannels"},
	{"zeros around an image become the convolution's padding", tiny{
		[]string{image}, []string{"w 16x32x3x3", "p =i0,0,1,2,0,0,2,0"}, []string{"Pad x p > a", "Conv a w > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/FromChannels"},
	{"zeros around an image are counted by a pool", tiny{
		[]string{image}, []string{"w 16x32x1x1", "p =i0,0,1,1,0,0,1,1"}, []string{"Conv x w > a", "Pad a p > b", "AveragePool b > y kernel_shape=3,3 strides=2,2"},
	}, "eiplan/ToChannels eiplan/Conv AveragePool eiplan/FromChannels"},
	{"a column of pixels lies on its side", tiny{
		[]string{"x 2x32x40x1"}, []string{"w 32x32x5x1", "v 32x32x3x1"},
		[]string{"Conv x w > a pads=2,0,2,0", "Relu a > b", "Conv b v > c pads=1,0,1,0 strides=1,1", "Add c b > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/Conv eiplan/FromChannels"},
	{"a residual and a clamp end up in the convolution", tiny{
		[]string{image}, []string{"w 32x32x3x3", "v 32x32x1x1", "lo =0", "hi =6"},
		[]string{"Conv x w > a pads=1,1,1,1", "Relu a > b", "Conv b v > c", "Add b c > d", "Clip d lo hi > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/Conv eiplan/FromChannels"},
	{"a clamp below zero only", tiny{
		[]string{image}, []string{"w 16x32x1x1", "hi =0.25"}, []string{"Conv x w > a", "Clip a - hi > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/FromChannels"},
	{"what is read twice is not fused away", tiny{
		[]string{image}, []string{"w 32x32x1x1"}, []string{"Conv x w > a", "Relu a > b", "Mul a b > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/Elementwise eiplan/FromChannels"},
	{"pools, joins and resizes stay among channels", tiny{
		[]string{image}, []string{"w 20x32x3x3", "v 12x32x1x1", "u 8x32x3x3", "scales =1,1,2,2"},
		[]string{"Conv x w > a pads=1,1,1,1", "Conv x v > b", "Concat a b > c axis=1", "MaxPool c > d kernel_shape=3,3 strides=2,2 pads=1,1,1,1",
			"AveragePool d > e kernel_shape=2,2 count_include_pad=1 pads=0,0,1,1", "Resize e - scales > f mode=linear", "Conv f u > y pads=1,1,1,1"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/Conv Concat MaxPool AveragePool Resize eiplan/Conv eiplan/FromChannels"},
	{"a join of what a window reads, in which mixed products find their numbers within its halo", tiny{
		[]string{"x 1x64x9x9"}, []string{"w 32x64x1x1", "v 32x1x3x3", "u 16x64x1x1"},
		[]string{"Conv x w > a", "Conv a v > b pads=1,1,1,1 group=32", "Concat a b > c axis=1", "Conv c u > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/Conv Concat eiplan/Conv eiplan/FromChannels"},
	{"constants join channels", tiny{
		[]string{image}, []string{"w 4x32x1x1", "z 2x3x9x9", "v 8x7x1x1"}, []string{"Conv x w > a", "Concat a z > c axis=1", "Conv c v > y"},
	}, "eiplan/ToChannels eiplan/Conv Concat eiplan/Conv eiplan/FromChannels"},
	{"neighbouring channels normalise each other", tiny{
		[]string{image}, []string{"w 20x32x1x1", "v 8x20x1x1"}, []string{"Conv x w > a", "LRN a > b size=5", "Conv b v > y"},
	}, "eiplan/ToChannels eiplan/Conv LRN eiplan/Conv eiplan/FromChannels"},
	{"squeeze and excitation: one pixel meets all", tiny{
		[]string{image}, []string{"w 20x32x3x3", "v 4x20x1x1", "u 20x4x1x1", "q 8x20x3x3"},
		[]string{"Conv x w > a pads=1,1,1,1", "GlobalAveragePool a > b", "Conv b v > c", "Relu c > d", "Conv d u > e", "Sigmoid e > f", "Mul a f > g",
			"Conv g q > y pads=1,1,1,1"},
	}, "eiplan/ToChannels eiplan/Conv GlobalAveragePool eiplan/Conv eiplan/Conv eiplan/Elementwise eiplan/Conv eiplan/FromChannels"},
	{"squeeze and excitation: the next convolution scales its weights", tiny{
		[]string{"x 1x32x9x9"}, []string{"w 20x32x3x3", "v 4x20x1x1", "u 20x4x1x1", "q 8x20x1x1", "p 8x32x1x1"},
		[]string{"Conv x w > a pads=1,1,1,1", "GlobalAveragePool a > b", "Conv b v > c", "Relu c > d", "Conv d u > e", "Sigmoid e > f", "Mul f a > g",
			"Conv g q > h", "Conv x p > i", "Add h i > j", "Tanh j > y"},
	}, "eiplan/ToChannels eiplan/Conv GlobalAveragePool eiplan/Conv eiplan/Conv eiplan/Conv eiplan/Conv eiplan/FromChannels"},
	{"squeeze and excitation by a pixel that has a halo, as it lies in one that a window reads", tiny{
		[]string{"x 1x32x9x9"}, []string{"w 16x32x3x3", "u 16x16x1x1", "v 16x16x1x1", "q 8x16x1x1", "p 8x32x3x3"},
		[]string{"Conv x w > a pads=1,1,1,1", "GlobalAveragePool a > b", "Conv b u > c", "Sigmoid c > d", "Conv b v > e", "Concat e d > f axis=1",
			"Conv f p > g pads=1,1,1,1", "Mul a d > h", "Conv h q > i", "Add i g > y"},
	}, "eiplan/ToChannels eiplan/Conv GlobalAveragePool eiplan/Conv eiplan/Conv Concat eiplan/Conv eiplan/Conv eiplan/Elementwise eiplan/FromChannels"},
	{"squeeze and excitation of few pixels", tiny{
		[]string{"x 1x32x4x4"}, []string{"w 20x32x3x3", "v 4x20x1x1", "u 20x4x1x1", "q 24x20x1x1"},
		[]string{"Conv x w > a pads=1,1,1,1", "GlobalAveragePool a > b", "Conv b v > c", "Relu c > d", "Conv d u > e", "Sigmoid e > f", "Mul a f > g", "Conv g q > y"},
	}, "eiplan/ToChannels eiplan/Conv GlobalAveragePool eiplan/Conv eiplan/Conv eiplan/Elementwise eiplan/Conv eiplan/FromChannels"},
	{"channels after the last stay zero where zero becomes something", tiny{
		[]string{image}, []string{"w 20x32x1x1", "c 20x1x1", "v 8x20x3x3"},
		[]string{"Conv x w > a", "Exp a > b", "Sigmoid b > d", "PRelu d c > e", "Conv e v > y pads=1,1,1,1"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/Elementwise eiplan/Conv eiplan/FromChannels"},
	{"depthwise and grouped convolutions", tiny{
		[]string{image}, []string{"w 32x1x3x3", "v 32x8x3x3"},
		[]string{"Conv x w > a pads=1,1,1,1 strides=2,2 group=32", "Relu a > b", "Conv b v > y pads=1,1,1,1 group=4 dilations=1,1"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/Conv eiplan/FromChannels"},
	{"volumes take residuals, clamps and functions", tiny{
		[]string{"x 1x32x5x9x9"}, []string{"w 32x32x3x3x3", "b 32", "v 32x1x3x3x3", "u 32x32x1x1x1"},
		[]string{"Conv x w b > a pads=1,1,1,1,1,1", "Relu a > c", "Conv c v > d pads=1,1,1,1,1,1 group=32", "Add d c > e", "HardSwish e > f", "Conv f u > g",
			"Add x g > h", "Relu h > y"},
	}, "eiplan/Conv eiplan/Conv eiplan/Conv"},
	{"volumes that are cut in two, which overlap", tiny{
		[]string{"x 1x8x3x46x46"}, []string{"w 40x8x1x1x1", "v 8x8x3x1x3"},
		[]string{"Conv x w > a", "Tanh a > b", "Conv x v > c pads=1,0,1,1,0,1", "Add c x > d", "Concat b d > y axis=1"},
	}, "eiplan/Conv eiplan/Conv Concat"},
	{"a volume of few channels takes a clamp and a function", tiny{
		[]string{"x 1x5x3x20x20"}, []string{"w 3x5x3x3x3", "v 2x3x1x1x1"},
		[]string{"Conv x w > a pads=1,1,1,1,1,1", "Relu a > c", "Conv c v > d", "Sigmoid d > y"},
	}, "eiplan/Conv eiplan/Conv"},
	{"a volume that grows is clamped", tiny{
		[]string{"x 1x32x3x5x6"}, []string{"w 32x16x2x2x2", "b 16", "v 8x16x1x1x1"},
		[]string{"ConvTranspose x w b > a strides=2,2,2", "Relu a > c", "Conv c v > y"},
	}, "eiplan/ConvTranspose eiplan/Conv"},
	{"what is large between convolutions is made and read by lines", tiny{
		[]string{"x 1x16x64x65"}, []string{"w 64x16x1x1", "v 64x1x3x3", "u 16x64x1x1"},
		[]string{"Conv x w > a", "Relu a > b", "Conv b v > c pads=1,1,1,1 group=64", "HardSwish c > d", "Conv d u > e", "Add e x > y"},
	}, "eiplan/ToChannels eiplan/ConvChain eiplan/FromChannels"},
	{"a pool ends a chain", tiny{
		[]string{"x 2x3x75x71"}, []string{"w 40x3x3x3"},
		[]string{"Conv x w > a pads=1,1,1,1", "Relu a > b", "MaxPool b > y kernel_shape=3,3 strides=2,2 pads=1,1,1,1 ceil_mode=1"},
	}, "eiplan/ConvChain eiplan/FromChannels"},
	{"a pool ends a chain, its average counts padding", tiny{
		[]string{"x 2x3x75x71"}, []string{"w 40x3x3x3"},
		[]string{"Conv x w > a pads=1,1,1,1", "AveragePool a > y kernel_shape=3,2 strides=1,3 pads=1,1,1,0 count_include_pad=1"},
	}, "eiplan/ConvChain eiplan/FromChannels"},
	{"what is large and read twice is not", tiny{
		[]string{"x 1x16x64x65"}, []string{"w 64x16x1x1", "v 64x1x3x3"},
		[]string{"Conv x w > a", "Relu a > b", "Conv b v > c pads=1,1,1,1 group=64", "Add c b > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/Conv eiplan/FromChannels"},
	{"an image that only its average is left of is not written", tiny{
		[]string{"x 2x40x13x12"}, []string{"w 849x40x1x1", "b 849"}, []string{"Conv x w b > a", "Relu a > c", "GlobalAveragePool c > y"},
	}, "eiplan/ToChannels eiplan/ConvAverage eiplan/FromChannels"},
	{"an image that only its average is left of, of a residual and a function", tiny{
		[]string{"x 1x64x14x11"}, []string{"w 64x64x1x1", "v 860x64x1x1", "u 860x64x1x1"},
		[]string{"Conv x w > a", "Conv a u > b", "Conv x v > c", "Add b c > d", "HardSwish d > e", "GlobalAveragePool e > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/Conv eiplan/ConvAverage eiplan/FromChannels"},
	{"a row that only its average is left of", tiny{
		[]string{"x 4x40x99"}, []string{"w 1330x40x1"}, []string{"Conv x w > a strides=1", "Relu a > c", "GlobalAveragePool c > y"},
	}, "eiplan/ToChannels eiplan/ConvAverage eiplan/FromChannels"},
	{"an image that others read as well is written", tiny{
		[]string{"x 2x40x13x12"}, []string{"w 849x40x1x1"}, []string{"Conv x w > a", "GlobalAveragePool a > b", "Sub a b > y"},
	}, "eiplan/ToChannels eiplan/Conv GlobalAveragePool eiplan/Elementwise eiplan/FromChannels"},
	{"an image that a window makes is written, before it is averaged", tiny{
		[]string{"x 1x40x15x14"}, []string{"w 880x40x3x3"}, []string{"Conv x w > a", "Relu a > c", "GlobalAveragePool c > y"},
	}, "eiplan/ToChannels eiplan/Conv GlobalAveragePool eiplan/FromChannels"},
	{"a small image is, of many channels", tiny{
		[]string{"x 4x40x7x7"}, []string{"w 2048x40x1x1"}, []string{"Conv x w > a", "Relu a > c", "GlobalAveragePool c > y"},
	}, "eiplan/ToChannels eiplan/Conv GlobalAveragePool eiplan/FromChannels"},
	{"heads that put channels last read them so", tiny{
		[]string{"x 1x9x9x32"}, []string{"w 6x32x3x3"}, []string{"Transpose x > a perm=0,3,1,2", "Conv a w > b pads=1,1,1,1", "Transpose b > y perm=0,2,3,1"},
	}, "Transpose eiplan/Conv Transpose"},
	{"the fast 3×3 algorithm, where it applies, with a residual", tiny{
		[]string{"x 1x64x19x17"}, []string{"w 64x64x3x3", "v 64x64x3x3"},
		[]string{"Conv x w > a pads=1,1,1,1", "Relu a > b", "Conv b v > c pads=1,1,1,1", "Add c b > d", "Relu d > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/Conv eiplan/FromChannels"},
	{"a product takes bias, residual and clamp", tiny{
		[]string{"x 2x5x40"}, []string{"w 40x40", "b 40"}, []string{"MatMul x w > a", "Add b a > c", "Add c x > d", "Relu d > y"},
	}, "eiplan/MatMul"},
	{"a Gemm with transposed weights is a product with bias", tiny{
		[]string{"x 3x40"}, []string{"w 24x40", "b 24"}, []string{"Gemm x w b > a transB=1", "Relu a > y"},
	}, "eiplan/MatMul"},
	{"a Gemm with a row of a matrix for C, and one with a number", tiny{
		[]string{"x 3x40"}, []string{"w 24x40", "b 1x24", "v 24x7", "c =0.3"}, []string{"Gemm x w b > a transB=1 beta=0.5", "Gemm a v c > y"},
	}, "eiplan/MatMul eiplan/MatMul"},
	{"a Gemm takes what the run makes for C", tiny{
		[]string{"x 3x40"}, []string{"w 40x40"}, []string{"Gemm x w x > a", "Relu a > y"},
	}, "eiplan/MatMul"},
	{"a Gemm with a column for C, or a factor, stays", tiny{
		[]string{"x 3x40"}, []string{"w 40x40", "c 3x1", "v 40x40"}, []string{"Gemm x w c > a", "Gemm a v > y alpha=0.5"},
	}, "Gemm Gemm"},
	{"GELU as exporters spell it", tiny{
		[]string{"x 4x40"}, []string{"root =1.4142135", "one =1", "half =0.5"},
		[]string{"Div x root > a", "Erf a > b", "Add b one > c", "Mul x c > d", "Mul d half > y"},
	}, "Gelu"},
	{"GELU with the half first", tiny{
		[]string{"x 4x40"}, []string{"root =0.70710677", "one =1", "half =0.5"},
		[]string{"Mul x root > a", "Erf a > b", "Add one b > c", "Mul half x > d", "Mul d c > y"},
	}, "Gelu"},
	{"GELU by tanh", tiny{
		[]string{"x 4x40"}, []string{"three =3", "c =0.044715", "root =0.7978846", "one =1", "half =0.5"},
		[]string{"Pow x three > a", "Mul c a > b", "Add x b > d", "Mul d root > e", "Tanh e > f", "Add f one > g", "Mul x half > h", "Mul h g > y"},
	}, "Gelu"},
	{"layer normalisation as PyTorch spells it", tiny{
		[]string{"x 3x40"}, []string{"axes =i-1", "two =2", "e =1e-12", "s 40", "b 40"},
		[]string{"ReduceMean x axes > m", "Sub x m > d", "Pow d two > p", "ReduceMean p axes > v", "Add v e > w", "Sqrt w > r", "Div d r > n",
			"Mul n s > t", "Add t b > y"},
	}, "LayerNormalization"},
	{"SiLU", tiny{[]string{"x 4x40"}, nil, []string{"Sigmoid x > a", "Mul x a > y"}}, "Swish"},
	{"hard swish by clip", tiny{
		[]string{"x 4x40"}, []string{"three =3", "lo =0", "hi =6"},
		[]string{"Add x three > a", "Clip a lo hi > b", "Mul x b > c", "Div c hi > y"},
	}, "HardSwish"},
	{"few channels are reordered before a function of each element", tiny{
		[]string{image}, []string{"w 2x32x3x3", "half =0.5"}, []string{"Conv x w > a", "Sigmoid a > b", "Add b half > y"},
	}, "eiplan/ToChannels eiplan/Conv eiplan/FromChannels eiplan/Elementwise"},
	{"one pass over rows, columns, numbers and what is read twice", tiny{
		[]string{"x 3x5x40", "r 5x1", "q 3x1x1"}, []string{"b 40", "two =2", "c 3x1x40"},
		[]string{"Add x b > a", "Mul a r > d", "Mul d two > e", "Add e two > f", "Sub f q > g", "Tanh g > h", "Max g h > i", "Mul i c > j", "PRelu j b > y"},
	}, "eiplan/Elementwise"},
	{"one pass over rows longer than a block", tiny{
		[]string{"x 2x3x5000", "r 3x1"}, []string{"b 5000", "p =3", "lo =-1", "hi =2"},
		[]string{"Mul x b > a", "Add a r > c", "Pow c p > d", "Clip d lo hi > e", "Softsign e > f", "Sum f x a > y"},
	}, "eiplan/Elementwise"},
	{"a bound that the run makes", tiny{
		[]string{"x 3x50"}, []string{"c =0.3"}, []string{"ReduceMax x > m keepdims=0", "Sub m c > l", "Abs x > a", "Clip a l > y"},
	}, "ReduceMax Sub eiplan/Elementwise"},
	{"every power, and functions made of others", tiny{
		[]string{"x 7x9"}, []string{"half =0.5", "minus =-0.5", "one =-1", "four =4", "odd =1.7"},
		[]string{"Abs x > a", "Pow a half > b", "Softplus b > c", "Pow c minus > d", "Pow d one > e", "Pow e four > f", "Pow f odd > g", "Celu g > h alpha=0.7",
			"Selu h > i", "Mish i > j", "Neg j > k", "Celu k > l alpha=2", "Mean l x a > y"},
	}, "eiplan/Elementwise"},
	{"what others read is made by a node of its own", tiny{
		[]string{"x 3x8"}, []string{"w 8x8"}, []string{"Exp x > a", "Neg a > b", "MatMul b w > c", "Sub c b > d", "Mul d a > y"},
	}, "Exp Neg eiplan/MatMul eiplan/Elementwise"},
	{"a product by one-hot vectors takes rows, and none beyond the last", tiny{
		[]string{"x 3x7x1"}, []string{"ten =9", "n =i-3,-2,-1,0,1,2,3,4", "w 8x5", "b 5"},
		[]string{"Mul x ten > a", "Cast a > i to=7", "Equal n i > e", "Cast e > f to=1", "MatMul f w > g", "Add g b > h", "Relu h > y"},
	}, "Mul Cast eiplan/TakeRow"},
	{"numbers that don't count up by one are compared", tiny{
		[]string{"x 3x7x1"}, []string{"ten =9", "n =i0,2,3", "w 3x5"},
		[]string{"Mul x ten > a", "Cast a > i to=7", "Equal i n > e", "Cast e > f to=1", "MatMul f w > y"},
	}, "Mul Cast Equal Cast eiplan/MatMul"},
	{"attention of shared scores keeps its products, with scale and mask in the softmax", tiny{
		[]string{"q 2x7x3x8", "k 2x7x3x8", "v 2x7x3x8", "m 2x1x1x7"}, []string{"root =2.83"},
		[]string{"Transpose q > a perm=0,2,1,3", "Transpose k > b perm=0,2,3,1", "MatMul a b > c", "Div c root > d", "Add d m > e", "Softmax e > f",
			"Transpose v > g perm=0,2,1,3", "MatMul f g > h", "Relu f > i", "MatMul i h > y"},
	}, "eiplan/BatchMatMul eiplan/Softmax eiplan/BatchMatMul Relu MatMul"},
	{"attention is one step through its heads", tiny{
		[]string{"q 2x7x3x8", "k 2x7x3x8", "v 2x7x3x8", "m 2x1x1x7"}, []string{"root =2.83"},
		[]string{"Transpose q > a perm=0,2,1,3", "Transpose k > b perm=0,2,3,1", "MatMul a b > c", "Div c root > d", "Add d m > e", "Softmax e > f",
			"Transpose v > g perm=0,2,1,3", "MatMul f g > h", "Transpose h > y perm=0,2,1,3"},
	}, "eiplan/Attend"},
	{"attention of wide rows, without a mask, its softmax in two dimensions", tiny{
		[]string{"q 1x3x40x32", "k 1x3x40x32", "v 1x3x40x64"}, []string{"s =i120,40", "t =i1,3,40,40"},
		[]string{"Transpose k > b perm=0,1,3,2", "MatMul q b > c", "Reshape c s > d", "Softmax d > e", "Reshape e t > f", "MatMul f v > y"},
	}, "eiplan/Attend"},
	{"projections of one value to attention are one product", tiny{
		[]string{"x 1x20x24"}, []string{"wq 24x48", "wk 24x48", "wv 24x48", "bq 48", "bk 48", "bv 48", "s =i1,20,3,16"},
		[]string{"MatMul x wq > q1", "Add q1 bq > q2", "Reshape q2 s > q3", "Transpose q3 > q perm=0,2,1,3",
			"MatMul x wk > k1", "Add k1 bk > k2", "Reshape k2 s > k3", "Transpose k3 > k perm=0,2,3,1",
			"MatMul x wv > v1", "Add v1 bv > v2", "Reshape v2 s > v3", "Transpose v3 > v perm=0,2,1,3",
			"MatMul q k > c", "Softmax c > p", "MatMul p v > h", "Transpose h > y perm=0,2,1,3"},
	}, "eiplan/MatMul Reshape eiplan/Attend"},
	{"no-ops go", tiny{
		[]string{"x 2x3x4"}, []string{"p =i0,0,0,0,0,0", "s =i2,3,4"},
		[]string{"Identity x > a", "Pad a p > b", "Reshape b s > c", "Transpose c > d perm=2,0,1", "Transpose d > e perm=1,2,0", "Relu e > y"},
	}, "Relu"},
	{"what nobody reads goes", tiny{[]string{"x 2x3"}, nil, []string{"Exp x > a", "Log a > b", "Relu x > y"}}, "Relu"},
}

func parseShape(t *testing.T, s string) tensor.Shape {
	t.Helper()
	shape := tensor.Shape{}
	for _, d := range strings.Split(s, "x") {
		n, err := strconv.Atoi(d)
		if err != nil {
			t.Fatalf("shape %q: %v", s, err)
		}
		shape = append(shape, n)
	}
	return shape
}

// numbers reads "0.5" as a scalar, "1,2" as a vector, "i1,2" as one of int64.
func numbers(t *testing.T, s string) tensor.Tensor {
	t.Helper()
	list, whole := strings.CutPrefix(s, "i")
	fields := strings.Split(list, ",")
	f, i := make([]float32, len(fields)), make([]int64, len(fields))
	for j, field := range fields {
		x, err := strconv.ParseFloat(field, 64)
		if err != nil {
			t.Fatalf("numbers %q: %v", s, err)
		}
		f[j], i[j] = float32(x), int64(x)
	}
	switch {
	case whole:
		return tensor.From(tensor.Int64, tensor.Shape{len(i)}, i)
	case len(f) == 1:
		return tensor.Scalar(tensor.Float32, f[0])
	}
	return tensor.From(tensor.Float32, tensor.Shape{len(f)}, f)
}

// parseNode reads "Op in in > out attribute=value"; "-" is an absent input, and a value is a word, a number or, for lists, numbers with commas.
func parseNode(t *testing.T, i int, s string) *models.Node {
	t.Helper()
	fields := strings.Fields(s)
	n := &models.Node{Name: fmt.Sprintf("%s_%d", fields[0], i), Op: fields[0], Attributes: map[string]models.Attribute{}}
	outputs := false
	for _, f := range fields[1:] {
		name, value, isAttribute := strings.Cut(f, "=")
		switch {
		case f == ">":
			outputs = true
		case isAttribute:
			n.Attributes[name] = attribute(name, value)
		case outputs:
			n.Outputs = append(n.Outputs, f)
		case f == "-":
			n.Inputs = append(n.Inputs, "")
		default:
			n.Inputs = append(n.Inputs, f)
		}
	}
	return n
}

// lists names the attributes that are lists even when they have one element.
var lists = map[string]bool{"pads": true, "strides": true, "perm": true, "kernel_shape": true, "dilations": true}

func attribute(name, value string) models.Attribute {
	var ints []int64
	for _, f := range strings.Split(value, ",") {
		v, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			if x, err := strconv.ParseFloat(f, 32); err == nil {
				return models.Attribute{Kind: models.FloatAttribute, Float: float32(x)}
			}
			return models.Attribute{Kind: models.StringAttribute, Str: value}
		}
		ints = append(ints, v)
	}
	if lists[name] || len(ints) > 1 {
		return models.Attribute{Kind: models.IntsAttribute, Ints: ints}
	}
	return models.Attribute{Kind: models.IntAttribute, Int: ints[0]}
}
