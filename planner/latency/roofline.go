package latency

import (
	"math"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
)

// Target is where one request runs: a whole processor, or the part of an accelerator that serves it. Targets that are equal are predicted alike.
type Target struct {
	Kind     hardware.Kind
	Name     string // as coefficients know it: "T4"; of a processor its key
	ISA      string // of a processor: the label of its instruction sets
	Runtime  Runtime
	Format   hardware.Format
	Tensor   bool    // the format is multiplied by matrix units
	TFLOPS   float64 // in Format
	GBs      float64 // of memory
	Tiles    float64 // multiprocessors, or physical cores; 0: occupancy is not modelled
	CoreMark float64 // of a processor, per core; 0: as the one fitted
	LinkGBs  float64 // from the host, each way; 0: none
	HostGbps float64 // sustained network of the host, for an accelerator behind it
	Fraction bool    // a share of a device that a hypervisor slices
	StandIn  bool    // Name is that of a device which this one is assumed to equal
}

// rates are a target's coefficients, resolved: the model in the form in which it runs over steps.
//
//	t    = scale × smax(host × operators, start + Σ k × (launch + grouped? + ⁴√(compute⁴ + memory⁴)))
//	compute = FLOPs ÷ (TFLOPS × dense × kind × d × U)        memory = weights ÷ wread + activations ÷ act, over the bandwidth
//	U    = T ÷ (T + kappa),  T = ⌈M/64⌉ × ⌈N/64⌉ ÷ Tiles     smax(a, b) = ⁶√(a⁶ + b⁶)
//
// k is 1 for matrix products, small × norm for normalisation and softmax, and small for every other step.
type rates struct {
	dense, conv, conv3, gconv, g0, depthwise, bmm, norm, kappa float64
	wread, act                                                 float64
	launch, grouped, small, start, host, scale                 float64

	msPerFLOP, msPerByte, bytes, tiles float64
}

// resolve looks a target's coefficients up; seen is false where no measurement of the device in this format was in the fit.
func (c *Coefficients) resolve(t *Target, s *Stack) (r rates, seen bool) {
	v := neutral
	v[roleDevice], seen = c.deviceFactor(t, s.Class)
	v[roleDense] = c.denseOf(s.Class, t.Format)
	for role := range roles {
		switch parameters[role].scope {
		case ofUnits:
			v[role] = c.unitOf(s.Class, parameters[role].name, t.Tensor)
		case ofClass:
			v[role] = c.must(s.Class, parameters[role].name)
		}
	}
	v[roleLaunch], v[roleGrouped], v[roleSmall], v[roleStart], v[roleHost], v[roleScale] =
		s.LaunchMs, s.GroupedMs, s.Small, s.StartMs, s.HostMs, s.Scale
	r = v.rates(t)
	if t.Kind == hardware.CPU && t.CoreMark > 0 {
		slower := c.CPU.CoreMarkReference / t.CoreMark
		r.launch, r.grouped, r.start = r.launch*slower, r.grouped*slower, r.start*slower
	}
	return r, seen
}

// unitOf is a coefficient of matrix units, or of scalar and vector units; classes that were fitted on one of them serve for the other.
func (c *Coefficients) unitOf(class, name string, matrix bool) float64 {
	units := []string{"[sc]", "[tc]"}
	if matrix {
		units = []string{"[tc]", "[sc]"}
	}
	if f, ok := c.fitted(class, name+units[0]); ok {
		return f.Value
	}
	return c.must(class, name+units[1])
}

// denseOf is the share of the peak that a large matrix product reaches. Classes that were fitted in one 16-bit format serve for the other, and a
// class without the format at all by its first.
func (c *Coefficients) denseOf(class string, f hardware.Format) float64 {
	for _, g := range []hardware.Format{f, hardware.FP16, hardware.BF16, hardware.FP32} {
		if v, ok := c.fitted(class, "e_dense["+g.String()+"]"); ok {
			return v.Value
		}
	}
	panic("latency: class " + class + " has no e_dense")
}

// deviceFactor is d. Processors that were not fitted by name follow their cores and their microarchitecture; devices that the class has no
// measurement of take what another class found, and else 1.
func (c *Coefficients) deviceFactor(t *Target, class string) (d float64, seen bool) {
	key := "d[" + t.Name + "," + t.Format.String() + "]"
	const enough = 3 // rows
	if f, ok := c.fitted(class, key); ok {
		return f.Value, f.Rows >= enough && !t.StandIn
	}
	switch t.Kind {
	case hardware.CPU:
		d, seen = c.processorFactor(t.Name)
		return d * c.coreScaling(t.Tiles), seen
	case hardware.EI:
		return 1, true // the class's interval is wide enough for it
	}
	for _, other := range []string{"graph", "eager", "trt"} {
		if f, ok := c.fitted(other, key); ok {
			return f.Value, false
		}
	}
	return 1, false
}

// stepTime is one step's time apart from the stack's factors, in milliseconds.
type stepTime struct{ compute, memory, roof, launch float64 }

// heavy kinds are matrix products; what remains is bound by memory.
func heavy(k engine.Kind) bool {
	switch k {
	case engine.GEMM, engine.BatchMatMul, engine.Conv, engine.GroupedConv, engine.DepthwiseConv, engine.Recurrent:
		return true
	}
	return false
}

func (r *rates) step(w *engine.Work) stepTime {
	var t stepTime
	if w.Kind == engine.View {
		return t
	}
	t.memory = r.bytes * (w.Weights/r.wread + (w.Reads+w.Writes)/r.act) * r.msPerByte
	t.launch = r.launch
	k := r.small
	if heavy(w.Kind) {
		k = 1
		t.compute = w.FLOPs * r.msPerFLOP / (r.dense * r.kind(w) * r.occupancy(w))
	}
	switch w.Kind {
	case engine.GroupedConv:
		t.launch += r.grouped
	case engine.Recurrent:
		t.launch *= float64(max(w.Steps, 1))
	}
	c, m := t.compute*t.compute, t.memory*t.memory
	if w.Kind == engine.Normalize {
		k *= r.norm
	}
	t.roof = k * math.Sqrt(math.Sqrt(c*c+m*m))
	t.launch *= k
	return t
}

// kind is x_kind: how near a kind of matrix product comes to a large plain one. A 3×3 convolution of stride 1 runs faster than its FLOPs say, by
// Winograd's transform.
func (r *rates) kind(w *engine.Work) float64 {
	switch w.Kind {
	case engine.Conv:
		if w.Window == [2]int{3, 3} && w.Stride <= 1 {
			return r.conv * r.conv3
		}
		return r.conv
	case engine.GroupedConv:
		perGroup := float64(w.K) / float64(max(w.Window[0]*w.Window[1], 1))
		return r.gconv * perGroup / (perGroup + r.g0)
	case engine.DepthwiseConv:
		return r.depthwise
	case engine.BatchMatMul:
		return r.bmm
	}
	return 1
}

// occupancy is U: the share of the multiprocessors that the 64×64 tiles of a product keep busy.
func (r *rates) occupancy(w *engine.Work) float64 {
	switch w.Kind {
	case engine.Conv, engine.GroupedConv, engine.GEMM, engine.Recurrent:
	default:
		return 1
	}
	if r.tiles == 0 || r.kappa == 0 {
		return 1
	}
	tiles := math.Ceil(float64(w.M)/64) * math.Ceil(float64(w.N*max(w.Groups, 1))/64) / r.tiles
	return tiles / (tiles + r.kappa)
}

// run is a whole workload's time: the parts sum to total.
type run struct{ total, compute, memory, launch, roof, host float64 }

func (r *rates) run(w *engine.Workload) run {
	var t run
	for i := range w.Steps {
		s := r.step(&w.Steps[i])
		t.compute += s.compute
		t.memory += s.memory
		t.roof += s.roof
		t.launch += s.launch
	}
	t.launch += r.start
	t.host = r.host * float64(w.Unfused)
	t.total = t.roof + t.launch
	if t.host > 0 {
		t.total = smoothMax6(t.total, t.host)
	}
	return t.times(r.scale)
}

// times is the run made slower by a factor.
func (t run) times(f float64) run {
	return run{t.total * f, t.compute * f, t.memory * f, t.launch * f, t.roof * f, t.host * f}
}

// smoothMax6 is ⁶√(a⁶ + b⁶).
func smoothMax6(a, b float64) float64 {
	a2, b2 := a*a, b*b
	return math.Pow(a2*a2*a2+b2*b2*b2, 1.0/6)
}
