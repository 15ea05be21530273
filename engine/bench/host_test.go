package bench

import (
	"runtime"
	"testing"
)

func TestParseStat(t *testing.T) {
	cases := []struct {
		reason, text  string
		stolen, ticks int64
	}{
		{"the kernel's form, with guest time left out", "cpu  14444 0 2454 101226 173 0 84 27 500 600\ncpu0 1 2\n", 27, 118408},
		{"an old kernel without steal", "cpu  1 2 3 4 5 6 7\ncpu0 1 2 3 4 5 6 7 8\n", -1, -1},
		{"no text", "", -1, -1},
		{"no numbers", "cpu a b c d e f g h\n", -1, -1},
	}
	for _, c := range cases {
		if stolen, ticks := parseStat([]byte(c.text)); stolen != c.stolen || ticks != c.ticks {
			t.Errorf("%s: %d of %d, want %d of %d", c.reason, stolen, ticks, c.stolen, c.ticks)
		}
	}
}

func TestField(t *testing.T) {
	cases := []struct {
		text string
		i    int
		want int64
	}{
		{"272158 17 1\n", 0, 272158},
		{"272158 17 1\n", 1, 17},
		{"272158 17 1\n", 2, 1},
		{"272158 17 1", 2, 1},
		{"272158 17 1\n", 3, -1},
		{"1  2\n", 1, 2},
		{"1\n2\n", 1, -1},
		{"1 2x\n", 1, -1},
		{"1 -2\n", 1, -1},
		{"99999999999999999999\n", 0, -1},
		{"", 0, -1},
	}
	for _, c := range cases {
		if got := field([]byte(c.text), c.i); got != c.want {
			t.Errorf("field(%q, %d) = %d, want %d", c.text, c.i, got, c.want)
		}
	}
}

func TestSince(t *testing.T) {
	s := reading{stolen: 30, ticks: 2000, switches: 12, load1: 9}.since(reading{stolen: 10, ticks: 1000, switches: 5, load1: 0.5})
	if s.Steal == nil || *s.Steal != 0.02 || s.InvoluntarySwitches == nil || *s.InvoluntarySwitches != 7 || s.Load1 == nil || *s.Load1 != 0.5 {
		t.Errorf("signals %+v; want steal 0.02, 7 switches, a load of 0.5 before", s)
	}
	s = unknownReading().since(unknownReading())
	if s.Steal != nil || s.InvoluntarySwitches != nil || s.Load1 != nil {
		t.Errorf("signals of unknown readings: %+v", s)
	}
}

func TestHost(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	h := openHost(nil)
	defer h.close()
	if start := h.now(); h.spin() <= 0 || h.now() < start {
		t.Error("the clock stands still or goes back")
	}
	first := h.delay()
	runtime.Gosched()
	if second := h.delay(); second < first {
		t.Errorf("waited %v, then %v", first, second)
	}
	if runtime.GOOS != "linux" {
		if first != -1 || h.signals() != unknownReading() {
			t.Errorf("on %s: delay %v, signals %+v", runtime.GOOS, first, h.signals())
		}
		return
	}
	if r := h.signals(); r.ticks <= 0 || r.stolen < 0 || r.load1 < 0 || r.switches < 0 {
		t.Errorf("signals %+v", r)
	}
}

func TestUnknownThread(t *testing.T) {
	h := openHost([]int{1 << 30})
	defer h.close()
	if got := h.delay(); got != -1 {
		t.Errorf("a thread that does not exist waited %v", got)
	}
}
