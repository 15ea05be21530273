package conv

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/eiplan/eiplan/engine/parallel"
)

// link is a convolution that is computed a few lines at a time, on one thread.
type link interface {
	// place says where the images lie from now on.
	place(in, out Image)
	// lines computes lines [from, to) of output image n.
	lines(m memory, n, from, to int)
}

// chain runs convolutions one after the other, each on what the one before makes.
// Of the images in between there are strips, as many lines as a few lines of the
// last output need: they never leave the cache.
type chain struct {
	plans   []*Plan
	step    int // lines of the last output that are made at a time
	strips  []strip
	bytes   int // of a worker's strips
	workers int
}

// strip is where a worker holds lines of the image between two convolutions.
type strip struct {
	image       Image // of one image; Origin is for line 0
	lines       int
	size, start int // bytes of an element, and before the strip
}

// stripBytes is what the strips of a worker may take: with what is read and
// written besides, half of a common L2.
const stripBytes = 512 << 10

// Chain plans convolutions that run one after the other on at most so many
// workers: the output of each is the input of the next, in one place and of the
// type that the next one's format takes. All but the last are without a residual.
// It is false if one of the plans can't be computed by lines.
func Chain(workers int, plans ...*Plan) (*Plan, bool) {
	c := &chain{plans: plans, workers: workers}
	first, last := plans[0], plans[len(plans)-1]
	bytes, classes := 0, make([]string, len(plans))
	for i, p := range plans {
		if p.link == nil || p.format != first.format || p != last && (p.geometry.hasResidual() || p.geometry.Out != plans[i+1].geometry.In) {
			return nil, false
		}
		bytes += p.bytes
		classes[i] = p.class
	}
	for c.step = last.geometry.Out.Height; ; c.step = (c.step + 1) / 2 {
		if c.cut(); c.bytes <= stripBytes || c.step == 1 {
			break
		}
	}
	g := first.geometry
	g.Out, g.Residual = last.geometry.Out, last.geometry.Residual
	return &Plan{geometry: g, class: strings.Join(classes, " → "), format: first.format, bytes: bytes, scratch: workers * c.bytes, bind: c.bind}, true
}

// cut makes strips for steps of step lines.
func (c *chain) cut() {
	c.strips, c.bytes = make([]strip, len(c.plans)-1), 0
	lines := c.step
	for i := len(c.strips) - 1; i >= 0; i-- {
		next := &c.plans[i+1].geometry
		lines = (lines-1)*next.StrideH + (next.KernelH-1)*next.DilationH + 1
		s := strip{image: next.In, lines: lines, size: elementSize(c.plans[i+1].inputsBF16()), start: c.bytes}
		s.image.ImagePitch = 0
		s.image.Origin = s.image.Halo.Left * s.image.PixelPitch
		c.bytes += roundUp(lines*s.image.RowPitch*s.size, cacheLine) + 2*cacheLine // tiles may read on after the last line
		c.strips[i] = s
	}
}

// chainCall is chain's work for one session. A unit is a range of lines of the
// last output.
type chainCall struct {
	*chain
	memory
	parts int // units of an image
	work  []chainWorker
}

// chainWorker is what one worker does it with.
type chainWorker struct {
	*chainCall
	links []link
	held  []held
	_     [64]byte
}

// held is the lines [first, end) of the image in a strip.
type held struct {
	first, end int
	at         unsafe.Pointer
}

// partsPerWorker balances the work of several workers, each of whose parts makes
// anew the lines that it shares with its neighbour.
const partsPerWorker = 2

func (c *chain) bind(workers int, scratch []byte) runner {
	if workers > c.workers {
		panic(fmt.Sprintf("conv: chain for %d threads bound for %d", c.workers, workers))
	}
	call := &chainCall{chain: c, parts: 1, work: make([]chainWorker, workers)}
	if workers > 1 {
		call.parts = min(partsPerWorker*workers, c.plans[len(c.plans)-1].geometry.Out.Height)
	}
	for i := range call.work {
		w := &call.work[i]
		w.chainCall = call
		for _, p := range c.plans {
			w.links = append(w.links, p.link())
		}
		for _, s := range c.strips {
			w.held = append(w.held, held{at: unsafe.Pointer(&scratch[i*c.bytes+s.start])})
		}
	}
	return call
}

func (c *chainCall) run(team *parallel.Team, m memory) {
	c.memory = m
	team.Run(c.plans[0].geometry.N*c.parts, c)
}

// Do computes one part of an image.
func (c *chainCall) Do(worker, i int) {
	w := &c.work[worker]
	for k := range w.held {
		w.held[k].first, w.held[k].end = 0, 0
		w.clearSides(k)
	}
	last := len(c.plans) - 1
	n, part, height := i/c.parts, i%c.parts, c.plans[last].geometry.Out.Height
	end := (part + 1) * height / c.parts
	for y := part * height / c.parts; y < end; y += c.step {
		w.compute(last, n, y, min(y+c.step, end))
	}
}

// clearSides fills the halo beside the lines of a strip, and the padding of pixels, with zeros, which stay.
func (w *chainWorker) clearSides(k int) {
	s := &w.strips[k]
	left, right := s.image.Halo.Left*s.image.PixelPitch*s.size, s.image.Halo.Right*s.image.PixelPitch*s.size
	pitch := s.image.RowPitch * s.size
	if s.image.PixelPitch > s.image.Channels {
		left, right = pitch, 0 // and the padding
	}
	for y := range s.lines {
		line := unsafe.Slice((*byte)(unsafe.Add(w.held[k].at, y*pitch)), pitch)
		clear(line[:left])
		clear(line[pitch-right:])
	}
}

// compute makes lines [from, to) of convolution k's output, where that lies now.
func (w *chainWorker) compute(k, n, from, to int) {
	g := &w.plans[k].geometry
	m := memory{in: w.in, inBytes: w.inBytes, out: w.out, outBytes: w.outBytes, function: w.plans[k].function, keepsZero: w.plans[k].keepsZero}
	in, out := g.In, g.Out
	if k > 0 {
		first := from*g.StrideH - g.PadTop
		w.hold(k-1, n, first, first+(to-from-1)*g.StrideH+(g.KernelH-1)*g.DilationH+1)
		in, m.in, m.inBytes = w.place(k - 1)
	}
	if k < len(w.strips) {
		out, m.out, m.outBytes = w.place(k)
	} else {
		m.residual = w.residual
	}
	w.links[k].place(in, out)
	w.links[k].lines(m, n, from, to)
}

// place is where strip k lies, and the image in it.
func (w *chainWorker) place(k int) (Image, unsafe.Pointer, int) {
	s, h := &w.strips[k], &w.held[k]
	image := s.image
	image.Origin -= h.first * image.RowPitch
	return image, h.at, s.size
}

// hold makes strip k hold the lines [first, end): it keeps those that it has.
func (w *chainWorker) hold(k, n, first, end int) {
	s, h := &w.strips[k], &w.held[k]
	pitch := s.image.RowPitch * s.size
	strip := unsafe.Slice((*byte)(h.at), s.lines*pitch)
	if kept := h.end - first; h.first <= first && kept > 0 {
		copy(strip, strip[(first-h.first)*pitch:(h.end-h.first)*pitch])
	} else {
		h.end = first
	}
	h.first = first
	from, height := h.end, s.image.Height
	for y := from; y < end; y++ {
		if y < 0 || y >= height {
			clear(strip[(y-first)*pitch : (y-first+1)*pitch])
		}
	}
	h.end = end
	if from, to := max(from, 0), min(end, height); from < to {
		w.compute(k, n, from, to)
	}
}
