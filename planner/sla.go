package planner

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/planner/latency"
)

// withDefaults fills in what the zero SLA leaves open and checks the rest.
func (s SLA) withDefaults() (SLA, error) {
	if s.Percentile == 0 {
		s.Percentile = 99
	}
	if s.Confidence == 0 {
		s.Confidence = 0.9
	}
	switch {
	case !(s.TotalMs > 0) || math.IsInf(s.TotalMs, 0):
		return s, fmt.Errorf("latency budget %g ms: must be positive", s.TotalMs)
	case !(s.Percentile > 0 && s.Percentile < 100):
		return s, fmt.Errorf("percentile %g: must lie between 0 and 100", s.Percentile)
	case !(s.Confidence >= 0.5 && s.Confidence < 1):
		return s, fmt.Errorf("confidence %g: must be at least 0.5 and below 1", s.Confidence)
	}
	for _, r := range s.Reserved {
		if !(r.Ms >= 0) {
			return s, fmt.Errorf("reserve %s=%g ms: must not be negative", r.Name, r.Ms)
		}
	}
	if s.InferenceMs() <= 0 {
		return s, fmt.Errorf("the reserves take %g ms of a budget of %g ms: nothing is left for inference", s.TotalMs-s.InferenceMs(), s.TotalMs)
	}
	return s, nil
}

// InferenceMs is what the reserves leave of the total.
func (s SLA) InferenceMs() float64 {
	left := s.TotalMs
	for _, r := range s.Reserved {
		left -= r.Ms
	}
	return left
}

// service is how a machine answers the load: its times in milliseconds, and how many of it are needed.
type service struct {
	prediction          latency.Prediction
	p50, p99            float64
	sla, low, high      float64 // of the SLA's percentile: the bound at the confidence, and p10 and p90
	wait                float64
	tail                float64 // factor of the SLA's percentile over the centre
	replicas, perServer int     // instances, and requests that each serves at once
	busy                float64 // share of the servers' time; 0 where no rate is given
	keepsUp             bool
}

// mostReplicas is the largest fleet that sizing considers.
const mostReplicas = 10_000

// answer sizes a machine that serves perInstance requests at once. The bound on one request's time is the prediction's quantile at the confidence;
// under a rate, servers are sized with it and then get the documented headroom.
func (p *problem) answer(pr latency.Prediction, perInstance int) service {
	sla, q := p.SLA, p.SLA.Percentile/100
	at := pr.Percentile(sla.Percentile)
	at99 := at
	if sla.Percentile != 99 {
		at99 = pr.Percentile(99)
	}
	bound := at.Quantile(sla.Confidence)
	s := service{
		prediction: pr, p50: pr.Value, p99: at99.Value, sla: bound, low: at.Low, high: at.High, tail: at.Value / pr.Value,
		replicas: max(p.Constraints.MinInstances, 1), perServer: perInstance, keepsUp: true,
	}
	if p.Rate == 0 {
		return s
	}
	sigma := math.Log(max(pr.Tail.P99, 1)) / 2.3263
	load := latency.Load{
		Rate: p.Rate, ServiceMs: pr.Quantile(sla.Confidence), ArrivalSCV: p.Coefficients.Queue.ArrivalSCV, ServiceSCV: math.Expm1(sigma * sigma),
	}
	servers, ok := load.Servers(q, bound, p.budget, mostReplicas*perInstance)
	if !ok {
		s.keepsUp = false
		return s
	}
	servers = int(math.Ceil(p.Coefficients.Queue.Headroom * float64(servers)))
	s.replicas = max(s.replicas, (servers+perInstance-1)/perInstance)
	servers = s.replicas * perInstance
	const rounding = 1e-9 // of the bound, below which a difference is no wait
	if response := load.ResponseMs(servers, q, bound); response > bound*(1+rounding) {
		s.sla, s.wait = response, response-bound
	}
	s.low, s.high = s.low+s.wait, s.high+s.wait
	s.busy = p.Rate * pr.Value / 1e3 / float64(servers)

	centre := load
	centre.ServiceMs = pr.Value
	s.p50 += centre.WaitMs(servers, 0.5)
	s.p99 = centre.ResponseMs(servers, 0.99, at99.Value)
	return s
}
