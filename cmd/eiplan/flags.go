package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/eiplan/eiplan/models/tensor"
)

// duration is a flag of a positive time with its unit.
type duration time.Duration

func (d *duration) String() string {
	if *d == 0 {
		return ""
	}
	return time.Duration(*d).String()
}
func (d *duration) Type() string { return "duration" }
func (d *duration) Set(s string) error {
	v, err := parseDuration(s)
	*d = duration(v)
	return err
}

func parseDuration(s string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return 0, fmt.Errorf("%s has no unit; write %sms or %ss", s, s, s)
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time such as 100ms or 1.5s", s)
	}
	if v <= 0 {
		return 0, fmt.Errorf("%s is not positive", s)
	}
	return v, nil
}

func (d duration) ms() float64 { return float64(d) / float64(time.Millisecond) }

// days is a flag of a number of days, such as 90d.
type days int

func (d *days) String() string {
	if *d == 0 {
		return ""
	}
	return strconv.Itoa(int(*d)) + "d"
}
func (d *days) Type() string { return "days" }
func (d *days) Set(s string) error {
	n, ok := strings.CutSuffix(s, "d")
	v, err := strconv.Atoi(n)
	if !ok || err != nil || v <= 0 {
		return fmt.Errorf("%q is not a number of days such as 90d", s)
	}
	*d = days(v)
	return nil
}

// rate is a flag of requests over time, in requests a second.
type rate float64

// perSecond is how many of each unit a second holds.
var perSecond = map[string]float64{"s": 1, "min": 1.0 / 60, "h": 1.0 / 3600, "d": 1.0 / 86400}

func (r *rate) String() string {
	if *r == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(*r), 'g', -1, 64) + "/s"
}
func (r *rate) Type() string { return "rate" }
func (r *rate) Set(s string) error {
	n, unit, ok := strings.Cut(s, "/")
	f, known := perSecond[unit]
	v, err := strconv.ParseFloat(n, 64)
	if !ok || !known || err != nil || v <= 0 || v > 1e9 {
		return fmt.Errorf("%q is not a rate such as 40/s, 600/min, 5000/h or 1000000/d", s)
	}
	*r = rate(v * f)
	return nil
}

// percent is a flag such as 10%.
type percent float64

func (p *percent) String() string {
	if *p == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(*p), 'g', -1, 64) + "%"
}
func (p *percent) Type() string { return "percent" }
func (p *percent) Set(s string) error {
	v, err := parsePercent(s)
	if err != nil || v > 100 {
		return fmt.Errorf("%q is not a percentage such as 10%%", s)
	}
	*p = percent(v)
	return nil
}

func parsePercent(s string) (float64, error) {
	n, ok := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(n, 64)
	if !ok || err != nil || !(v >= 0) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a percentage such as 10%%", s)
	}
	return v, nil
}

// limit is a flag of a threshold, which may be zero; nil where it is not given.
type limit struct {
	value      *float64
	kind, unit string
	parse      func(string) (float64, error)
}

// percentLimit may exceed 100%: growth does.
func percentLimit() limit { return limit{kind: "percent", unit: "%", parse: parsePercent} }

// dollarLimit is an amount such as 500USD.
func dollarLimit() limit { return limit{kind: "amount", unit: "USD", parse: parseDollars} }

func parseDollars(s string) (float64, error) {
	n, ok := strings.CutSuffix(s, "USD")
	v, err := strconv.ParseFloat(n, 64)
	switch {
	case !ok:
		if _, bare := strconv.ParseFloat(s, 64); bare == nil {
			return 0, fmt.Errorf("%s has no unit; write %sUSD", s, s)
		}
		return 0, fmt.Errorf("%q is not an amount such as 500USD", s)
	case err != nil || !(v >= 0) || math.IsInf(v, 0):
		return 0, fmt.Errorf("%q is not an amount such as 500USD", s)
	}
	return v, nil
}

func (l *limit) String() string {
	if l.value == nil {
		return ""
	}
	return strconv.FormatFloat(*l.value, 'g', -1, 64) + l.unit
}
func (l *limit) Type() string { return l.kind }
func (l *limit) Set(s string) error {
	v, err := l.parse(s)
	if err == nil {
		l.value = &v
	}
	return err
}

// percentile is a flag such as p99, as a fraction.
type percentile float64

func (p *percentile) String() string {
	return "p" + strconv.FormatFloat(float64(*p)*100, 'g', 6, 64)
}
func (p *percentile) Type() string { return "percentile" }
func (p *percentile) Set(s string) error {
	n, ok := strings.CutPrefix(s, "p")
	v, err := strconv.ParseFloat(n, 64)
	if !ok || err != nil || v < 50 || v >= 100 {
		return fmt.Errorf("%q is not a percentile from p50 to p99.99", s)
	}
	*p = percentile(v / 100)
	return nil
}

// reservation is a part of the latency budget that something else needs.
type reservation struct {
	name string
	time time.Duration
}

// reservations is a repeatable flag of NAME=TIME.
type reservations []reservation

func (r *reservations) String() string {
	parts := make([]string, len(*r))
	for i, x := range *r {
		parts[i] = x.name + "=" + x.time.String()
	}
	return strings.Join(parts, ",")
}
func (r *reservations) Type() string { return "name=duration" }
func (r *reservations) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		name, t, ok := strings.Cut(part, "=")
		if !ok || name == "" {
			return fmt.Errorf("%q is not NAME=TIME, such as preprocess=200ms", part)
		}
		v, err := parseDuration(t)
		if err != nil {
			return err
		}
		*r = append(*r, reservation{name, v})
	}
	return nil
}

// dims is a repeatable flag of NAME=SIZE.
type dims map[string]int

func (d *dims) String() string { return "" }
func (d *dims) Type() string   { return "name=size" }
func (d *dims) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		i := strings.LastIndexByte(part, '=')
		if i <= 0 {
			return fmt.Errorf("%q is not NAME=SIZE, such as batch=1", part)
		}
		v, err := strconv.Atoi(part[i+1:])
		if err != nil || v < 1 || v > 1<<30 {
			return fmt.Errorf("%q: the size is not a positive number", part)
		}
		if *d == nil {
			*d = dims{}
		}
		(*d)[part[:i]] = v
	}
	return nil
}

// shapes is a repeatable flag of INPUT=1x3x224x224.
type shapes map[string]tensor.Shape

func (f *shapes) String() string { return "" }
func (f *shapes) Type() string   { return "input=shape" }
func (f *shapes) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		i := strings.LastIndexByte(part, '=')
		if i <= 0 {
			return fmt.Errorf("%q is not INPUT=SHAPE, such as x=1x3x224x224", part)
		}
		shape := tensor.Shape{}
		for d := range strings.SplitSeq(part[i+1:], "x") {
			v, err := strconv.Atoi(d)
			if err != nil || v < 1 || v > 1<<30 {
				return fmt.Errorf("%q: %q is not a positive size", part, d)
			}
			shape = append(shape, v)
		}
		if *f == nil {
			*f = shapes{}
		}
		(*f)[part[:i]] = shape
	}
	return nil
}

// memorySize is memory: 16GiB.
type memorySize float64

func (g *memorySize) String() string {
	if *g == 0 {
		return ""
	}
	return fmt.Sprintf("%gGiB", float64(*g))
}

func (g *memorySize) Type() string       { return "memory" }
func (g *memorySize) Set(s string) error { return parseUnit((*float64)(g), s, "GiB", "memory") }

// gigabits is a bandwidth: 10Gbps.
type gigabits float64

func (g *gigabits) String() string {
	if *g == 0 {
		return ""
	}
	return fmt.Sprintf("%gGbps", float64(*g))
}

func (g *gigabits) Type() string       { return "bandwidth" }
func (g *gigabits) Set(s string) error { return parseUnit((*float64)(g), s, "Gbps", "a bandwidth") }

// parseUnit reads a number with its unit, which may not be left out.
func parseUnit(into *float64, s, unit, what string) error {
	digits, ok := strings.CutSuffix(s, unit)
	v, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(v >= 0) || math.IsInf(v, 0) {
		return fmt.Errorf("%q is not %s such as 16%s", s, what, unit)
	}
	*into = v
	return nil
}
