package conv

// merged returns g with so few groups that their output channels still fill a
// vector, and how many of g's groups are one of its. A panel has a vector's
// columns however few are used, so that merged groups take as many products,
// in fewer passes. An infinite or NaN input spreads over the outputs of the
// groups that it is merged with.
func (g Geometry) merged() (Geometry, int) {
	times := 1
	for n := 2; n*g.Out.Channels <= vectorLanes*g.Groups; n++ {
		if g.Groups%n == 0 {
			times = n
		}
	}
	g.Groups /= times
	return g, times
}

// mergeFilters gives the filters of a convolution in groups zeros for the
// input channels of the other groups of as many as are merged.
func mergeFilters(g Geometry, times int, weights []float32) []float32 {
	if times == 1 {
		return weights
	}
	outs, filter := g.Out.Channels/g.Groups, g.In.Channels/g.Groups*g.KernelH*g.KernelW
	merged := make([]float32, times*len(weights))
	for o := range g.Out.Channels {
		at := o*times + o/outs%times
		copy(merged[at*filter:][:filter], weights[o*filter:])
	}
	return merged
}
