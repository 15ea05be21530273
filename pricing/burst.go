package pricing

import "strings"

// flexBaseline is the share of its CPU that a flex type sustains; it reaches all
// of it 95% of the time. AWS says both of M7i-flex (AWS CDK, InstanceClass); of
// the other flex families the 40% is assumed alike.
const flexBaseline = 0.4

// baselines are the shares of every vCPU that burstable types sustain without
// spending credits, by size: EC2 user guide, "Key concepts and definitions for
// burstable performance instances", baseline utilization per vCPU, as published
// on GitHub until 2023. Those of T2 differ where listed by name.
var baselines = map[string]float64{
	"nano": 0.05, "micro": 0.1, "small": 0.2, "medium": 0.2, "large": 0.3, "xlarge": 0.4, "2xlarge": 0.4,
	"t2.xlarge": 0.225, "t2.2xlarge": 0.17,
}

// SustainedCPU is the share of its vCPU that the type can use all the time: 1 but
// for burstable and flex types, 0 where it is not known. What is used beyond it
// of a burstable type spends credits, and then costs a surplus charge or is refused.
func (t *InstanceType) SustainedCPU() float64 {
	switch {
	case t.Flex:
		return flexBaseline
	case !t.Burstable:
		return 1
	}
	if share, ok := baselines[t.Name]; ok {
		return share
	}
	_, size, _ := strings.Cut(t.Name, ".")
	return baselines[size]
}
