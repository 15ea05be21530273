package latency

import (
	"math"
	"testing"
)

// TestWorkedQueue holds the approximation against figures worked out apart: 50 requests a second at 222.78 ms each, exponential on both sides.
func TestWorkedQueue(t *testing.T) {
	load := Load{Rate: 50, ServiceMs: 222.78, ArrivalSCV: 1, ServiceSCV: 1}
	if got := load.Erlangs(); math.Abs(got-11.139) > 1e-3 {
		t.Errorf("offered load %.3f, want 11.139", got)
	}
	for servers, want := range map[int]float64{14: 271, 16: 115.7, 17: 75.7, 18: 46, 20: 3.8} {
		if got := load.WaitMs(servers, 0.99); math.Abs(got-want) > 0.5 {
			t.Errorf("%d servers: p99 wait %.1f ms, want %.1f", servers, got, want)
		}
	}
	if got := load.WaitMs(12, 0.99); math.Abs(got-1100) > 60 {
		t.Errorf("12 servers: p99 wait %.0f ms, want about 1100", got)
	}
	if got, ok := load.Servers(0.99, 222.78, 300, 100); !ok || got != 17 {
		t.Errorf("servers for 300 ms: %d, %v; want 17", got, ok)
	}
}

func TestServers(t *testing.T) {
	steady := Load{Rate: 10, ServiceMs: 100, ArrivalSCV: 1}
	for _, c := range []struct {
		reason       string
		load         Load
		tail, budget float64
		want         int
		ok           bool
	}{
		{"a service slower than the budget needs no queue to miss it", steady, 100, 99, 0, false},
		{"a tail beyond the budget", steady, 130, 120, 0, false},
		{"a stable queue needs more servers than Erlangs", steady, 100, 1e6, 2, true},
		{"nearly no wait allowed", steady, 100, 101, 5, true},
		{"more than any number of servers", Load{Rate: 1e300, ServiceMs: 100, ArrivalSCV: 1}, 100, 1e6, 0, false},
		{"an idle stream needs one server", Load{Rate: 0.001, ServiceMs: 100, ArrivalSCV: 1}, 100, 100, 1, true},
	} {
		got, ok := c.load.Servers(0.99, c.tail, c.budget, 1000)
		if got != c.want || ok != c.ok {
			t.Errorf("%s: %d, %v; want %d, %v", c.reason, got, ok, c.want, c.ok)
		}
	}
	if _, ok := steady.Servers(0.99, 100, 1e6, 1); ok {
		t.Error("one server kept up with a full Erlang")
	}
}

func TestErlangC(t *testing.T) {
	if got := ErlangC(1, 0.5); math.Abs(got-0.5) > 1e-12 {
		t.Errorf("M/M/1 waits with the probability of its load, got %g", got)
	}
	if got := ErlangC(2, 1); math.Abs(got-1.0/3) > 1e-12 {
		t.Errorf("M/M/2 at half load: %g, want 1/3", got)
	}
	if got := ErlangC(3, 3); got != 1 {
		t.Errorf("a full queue: %g, want 1", got)
	}
}
