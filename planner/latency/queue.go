package latency

import "math"

// Load is a stream of requests at servers that each serve one at a time.
type Load struct {
	Rate       float64 // requests per second
	ServiceMs  float64
	ArrivalSCV float64 // squared coefficient of variation of the times between arrivals; 1 is Poisson
	ServiceSCV float64 // of the service times; near 0 for inference
}

// Erlangs is the offered load: how many servers are busy on average.
func (l Load) Erlangs() float64 { return l.Rate * l.ServiceMs / 1e3 }

// ErlangC is the probability that a request waits at c servers under a load of a Erlangs; 1 where they cannot keep up.
func ErlangC(c int, a float64) float64 {
	if a >= float64(c) {
		return 1
	}
	b := 1.0 // Erlang B, by its recursion over servers
	for k := 1; k <= c; k++ {
		b = a * b / (float64(k) + a*b)
	}
	return b / (1 - a/float64(c)*(1-b))
}

// WaitMs is the p-quantile of the wait, 0 < p < 1, by Allen and Cunneen's approximation of G/G/c: the exponential tail of M/M/c, its length scaled by
// the mean of both squared coefficients of variation. It is +Inf where the servers cannot keep up.
func (l Load) WaitMs(servers int, p float64) float64 {
	a := l.Erlangs()
	if a >= float64(servers) {
		return math.Inf(1)
	}
	spread := (l.ArrivalSCV + l.ServiceSCV) / 2
	return max(0, math.Log(ErlangC(servers, a)/(1-p))) * l.ServiceMs * spread / (float64(servers) - a)
}

// ResponseMs is the p-quantile of wait and service together, for service times whose p-quantile is tailMs: the larger of a slow service that did not
// wait and an ordinary one that did.
func (l Load) ResponseMs(servers int, p, tailMs float64) float64 {
	return max(tailMs, l.WaitMs(servers, p)+l.ServiceMs)
}

// Servers is the smallest number of servers at which the p-quantile of the response is within budgetMs, for service times whose p-quantile is tailMs;
// ok is false where no number up to most is.
func (l Load) Servers(p, tailMs, budgetMs float64, most int) (servers int, ok bool) {
	if tailMs > budgetMs || l.ServiceMs > budgetMs || l.Erlangs() >= float64(most) {
		return 0, false
	}
	for c := int(l.Erlangs()) + 1; c <= most; c++ {
		if l.ResponseMs(c, p, tailMs) <= budgetMs {
			return c, true
		}
	}
	return 0, false
}
