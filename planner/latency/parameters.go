package latency

import "math"

// role is what a fitted coefficient does in the formula of rates.
type role int

const (
	roleDense role = iota
	roleDevice
	roleConv
	roleConv3
	roleGroup
	roleG0
	roleDepthwise
	roleBMM
	roleNorm
	roleKappa
	roleRead
	roleAct
	roleLaunch
	roleGrouped
	roleSmall
	roleStart
	roleHost
	roleMachine
	roleScale
	roleWire
	roles // how many there are
)

// scope is what tells the coefficients of one role apart.
type scope int

const (
	ofClass  scope = iota // one for all
	ofFormat              // e_dense[fp16]
	ofUnits               // x_conv[tc] for matrix units, x_conv[sc] for scalar and vector units
	ofStack               // c_ms[paddleclas-trt]
	ofDevice              // d[T4,fp16]
	ofHost                // host[T4]: of the machine around the device
)

// parameters is the table of the coefficients that a fit finds: their names in files, and what is believed of them before any row is seen, which is
// that their logarithm is normal about that of usual, spread wide.
var parameters = [roles]struct {
	name          string
	scope         scope
	usual, spread float64
}{
	roleDense:     {"e_dense", ofFormat, 0.5, 0.7},       // share of the peak that a large matrix product reaches
	roleDevice:    {"d", ofDevice, 1, 0.3},               // what a device makes of its peak, against others
	roleConv:      {"x_conv", ofUnits, 1, 0.4},           // a convolution against a matrix product
	roleConv3:     {"x_conv3", ofUnits, 1, 0.4},          // a 3×3 one of stride 1 against other convolutions
	roleGroup:     {"x_gconv", ofUnits, 0.8, 0.5},        // a grouped one of very many channels a group
	roleG0:        {"g0", ofUnits, 16, 1},                // channels a group that reach half of x_gconv
	roleDepthwise: {"x_dwconv", ofUnits, 0.1, 0.9},       // a depthwise convolution
	roleBMM:       {"x_bmm", ofUnits, 0.4, 0.7},          // a batched product of activations
	roleNorm:      {"x_norm", ofUnits, 1, 0.5},           // time of normalisation and softmax against other small steps
	roleKappa:     {"kappa", ofUnits, 0.5, 1},            // tiles a multiprocessor at which half the rate is reached
	roleRead:      {"e_wread", ofClass, 0.8, 0.12},       // share of the bandwidth that reading weights reaches
	roleAct:       {"e_act", ofUnits, 0.8, 0.3},          // share of the bandwidth that activations reach
	roleLaunch:    {"c_ms", ofStack, 0.004, 0.8},         // of one step
	roleGrouped:   {"cg_ms", ofStack, 0.005, 1},          // more for a grouped convolution
	roleSmall:     {"small", ofStack, 0.5, 0.7},          // share of its time that a step without matrix products takes, the rest being fused
	roleStart:     {"t0_ms", ofStack, 0.05, 1},           // of one run
	roleHost:      {"h_ms", ofStack, 0.015, 1},           // the host's work for each unfused operator
	roleMachine:   {"host", ofHost, 1, 0.3},              // how slow a host is at it, against others
	roleScale:     {"s", ofStack, 1, 0.25},               // of the whole
	roleWire:      {"wire_ms_per_mb", ofStack, 1.5, 0.7}, // from a client to a model server: about 0.7 GB/s, serialised and copied
}

// key names the coefficient that a role takes for an observation.
func (r role) key(o *Observation) string {
	p := &parameters[r]
	t := &o.Target
	switch p.scope {
	case ofFormat:
		return p.name + "[" + t.Format.String() + "]"
	case ofUnits:
		return p.name + unitsOf(t.Tensor)
	case ofStack:
		return p.name + "[" + o.Stack + "]"
	case ofDevice:
		return p.name + "[" + t.Name + "," + t.Format.String() + "]"
	case ofHost:
		return p.name + "[" + t.Name + "]"
	}
	return p.name
}

func unitsOf(matrix bool) string {
	if matrix {
		return "[tc]"
	}
	return "[sc]"
}

// takes tells whether the role is part of an observation's formula: host-bound terms are of frameworks that launch operators one by one, and the
// wire is of clients of a model server. How the hosts of a device differ shows where everything waits for them, in eager frameworks.
func (r role) takes(o *Observation) bool {
	switch r {
	case roleHost:
		return o.Class == "eager" || o.Class == "graph" || o.Group == "ort"
	case roleMachine:
		return o.Class == "eager"
	case roleWire:
		return o.Group == "served"
	}
	return true
}

// values are the coefficients of one observation; those that it does not take are neutral.
type values [roles]float64

var neutral = func() values {
	v := values{}
	v[roleMachine] = 1
	return v
}()

// rates is the form in which the model runs over steps.
func (v *values) rates(t *Target) rates {
	return rates{
		dense: v[roleDense] * v[roleDevice], conv: v[roleConv], conv3: v[roleConv3], gconv: v[roleGroup], g0: v[roleG0], depthwise: v[roleDepthwise],
		bmm: v[roleBMM], norm: v[roleNorm], kappa: v[roleKappa], wread: v[roleRead], act: v[roleAct],
		launch: v[roleLaunch], grouped: v[roleGrouped], small: v[roleSmall], start: v[roleStart], host: v[roleHost] * v[roleMachine], scale: v[roleScale],
		msPerFLOP: 1e-9 / t.TFLOPS, msPerByte: 1e-6 / t.GBs, bytes: t.Format.Bytes(), tiles: t.Tiles,
	}
}

// prior is the mean and the standard deviation of the coefficient's logarithm.
func (r role) prior() (mean, spread float64) {
	return math.Log(parameters[r].usual), parameters[r].spread
}
