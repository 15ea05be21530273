package ops

import "math"

// singlePower is aᵇ for a result of float32, 2 to the power of b·log₂ a in float64. The logarithm and the exponential are off by no more than 2⁻³⁶ of what
// float32 holds, where package math works for the 53 bits of float64.
func singlePower(a, b float64) float64 {
	const whole = 1 << 53 // beyond, every number is even
	switch {
	case a > 0 && a <= math.MaxFloat32 && math.Abs(b) <= math.MaxFloat64:
		return powerOfTwo(b * logarithm(a))
	case a < 0 && a >= -math.MaxFloat32 && math.Abs(b) < whole:
		n := int64(b)
		if float64(n) != b {
			return math.NaN()
		}
		y := powerOfTwo(b * logarithm(-a))
		if n&1 != 0 {
			return -y
		}
		return y
	}
	return math.Pow(a, b)
}

const (
	logSteps = 128 // of one octave
	expSteps = 64
)

// logStep is the middle of one of the steps from which logarithms depart: its inverse and its logarithm to base 2.
type logStep struct{ inverse, log float64 }

// logTable begins at √½, so that the step of 1 is that of numbers to both sides of it, and their logarithms keep their digits.
var logTable = tableOfLogs()

// expTable is 2 to the power of each step.
var expTable = tableOfPowers()

// lowest is the bits of what the octave of logTable begins with: close to √½, half a step before a step.
const lowest = 0x3fe6_9000_0000_0000

func tableOfLogs() (t [logSteps]logStep) {
	const perStep = 1 << (52 - 7)
	for i := range t {
		middle := math.Float64frombits(lowest + uint64(i)*perStep + perStep/2)
		if math.Abs(middle-1) < 1./logSteps {
			middle = 1
		}
		t[i] = logStep{1 / middle, math.Log2(middle)}
	}
	return t
}

func tableOfPowers() (t [expSteps]float64) {
	for i := range t {
		t[i] = math.Exp2(float64(i) / expSteps)
	}
	return t
}

// logarithm is log₂ x of a normal positive number: x = 2ᵏ·m, where m·inverse = 1 + r with |r| < 2⁻⁶.
func logarithm(x float64) float64 {
	above := int64(math.Float64bits(x)) - lowest
	k := above >> 52
	s := &logTable[above>>(52-7)&(logSteps-1)]
	r := math.Float64frombits(math.Float64bits(x)-uint64(k)<<52)*s.inverse - 1
	p := r * (1 + r*(-1./2+r*(1./3+r*(-1./4+r*(1./5-r/6)))))
	return float64(k) + s.log + p*math.Log2E
}

// powerOfTwo is 2ˣ: of x = n + i/64 + r, 2ⁿ·2^(i/64)·2ʳ.
func powerOfTwo(x float64) float64 {
	const most = 1000 // beyond, float32 has zero or an infinity
	if !(math.Abs(x) < most) {
		return math.Exp2(x)
	}
	steps := math.RoundToEven(x * expSteps)
	r := (x - steps/expSteps) * math.Ln2
	n := int64(steps)
	p := 1 + r*(1+r*(1./2+r*(1./6+r/24)))
	scale := math.Float64frombits(uint64(n>>6+1023) << 52)
	return p * expTable[n&(expSteps-1)] * scale
}
