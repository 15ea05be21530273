package cpu

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// machine builds a file tree from lines of "path: text"; | stands for a new line.
func machine(lines ...string) fstest.MapFS {
	root := fstest.MapFS{}
	for _, line := range lines {
		name, text, _ := strings.Cut(line, ": ")
		root[name] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, "|", "\n") + "\n")}
	}
	return root
}

func TestAvailableLinux(t *testing.T) {
	for _, c := range []struct {
		reason, text string
		want         int64
		known        bool
	}{
		{"as the kernel writes it", "MemTotal:       24605112 kB|MemFree:        20000000 kB|MemAvailable:   23456789 kB", 23456789 << 10, true},
		{"an old kernel, before 3.14", "MemTotal:       24605112 kB|MemFree:        20000000 kB", 0, false},
		{"no number", "MemAvailable:   many kB", 0, false},
		{"another unit", "MemAvailable:   5 MB", 0, false},
	} {
		t.Run(c.reason, func(t *testing.T) {
			if got, known := availableLinux(machine("proc/meminfo: " + c.text)); got != c.want || known != c.known {
				t.Errorf("got %d, %v; want %d, %v", got, known, c.want, c.known)
			}
		})
	}
	if _, known := availableLinux(machine()); known {
		t.Error("known without the file")
	}
}

func TestAvailableInGroup(t *testing.T) {
	const all = "proc/meminfo: MemAvailable:   23456789 kB"
	const one, two = "proc/self/cgroup: 0::/a/b", "proc/self/cgroup: 5:memory:/a/b|4:cpu,cpuacct:/a"
	for _, c := range []struct {
		reason string
		files  []string
		want   int64
	}{
		{"no group", nil, 23456789 << 10},
		{"no limit", []string{one, "sys/fs/cgroup/a/b/memory.max: max", "sys/fs/cgroup/a/b/memory.current: 5"}, 23456789 << 10},
		{"a limit above what there is", []string{one, "sys/fs/cgroup/a/b/memory.max: 99000000000"}, 23456789 << 10},
		{"what is left of a limit", []string{one, "sys/fs/cgroup/a/b/memory.max: 1000", "sys/fs/cgroup/a/b/memory.current: 300"}, 700},
		{"cached files give way", []string{one, "sys/fs/cgroup/a/b/memory.max: 1000", "sys/fs/cgroup/a/b/memory.current: 300",
			"sys/fs/cgroup/a/b/memory.stat: anon 40|file 250|inactive_file 150|active_file 100|slab 7"}, 950},
		{"the parent's is tighter", []string{one, "sys/fs/cgroup/a/b/memory.max: 1000", "sys/fs/cgroup/a/memory.max: 800", "sys/fs/cgroup/a/memory.current: 900"}, 0},
		{"the mount shows the own group alone", []string{one, "sys/fs/cgroup/memory.max: 600"}, 600},
		{"version 1", []string{two, "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes: 1000", "sys/fs/cgroup/memory/a/b/memory.usage_in_bytes: 500",
			"sys/fs/cgroup/memory/a/b/memory.stat: inactive_file 1|total_inactive_file 100|total_active_file 50"}, 650},
		{"version 1 without a limit", []string{two, "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes: 9223372036854771712", "sys/fs/cgroup/memory/a/b/memory.usage_in_bytes: 500"}, 23456789 << 10},
		{"another controller's group", []string{two, "sys/fs/cgroup/cpu/a/memory.limit_in_bytes: 10"}, 23456789 << 10},
	} {
		t.Run(c.reason, func(t *testing.T) {
			if got, known := availableLinux(machine(append(c.files, all)...)); got != c.want || !known {
				t.Errorf("got %d, %v; want %d", got, known, c.want)
			}
		})
	}
}

// topology tells that cpu is the given core of socket 0.
func topology(cpu, core string) []string {
	dir := "sys/devices/system/cpu/cpu" + cpu + "/topology/"
	return []string{dir + "physical_package_id: 0", dir + "core_id: " + core}
}

func TestDescribeLinux(t *testing.T) {
	const caches = "sys/devices/system/cpu/cpu0/cache/"
	fourThreads := slices.Concat(topology("0", "0"), topology("1", "1"), topology("2", "0"), topology("3", "1"))
	cases := []struct {
		reason string
		root   fstest.MapFS
		want   Info
	}{
		{
			"hyperthreads are no cores; the first of equal keys is the first CPU's; instruction caches don't count",
			machine(append(slices.Clone(fourThreads),
				"proc/cpuinfo: vendor_id\t: GenuineIntel|model name\t: Xeon: Platinum||vendor_id\t: Other",
				"proc/self/status: Name:\tx|Cpus_allowed_list:\t0-3",
				caches+"index0/level: 1", caches+"index0/type: Data", caches+"index0/size: 48K",
				caches+"index1/level: 1", caches+"index1/type: Instruction", caches+"index1/size: 32K",
				caches+"index2/level: 2", caches+"index2/type: Unified", caches+"index2/size: 2048K",
				caches+"index3/level: 3", caches+"index3/type: Unified", caches+"index3/size: 32M")...),
			Info{Vendor: "GenuineIntel", Model: "Xeon: Platinum", PhysicalCores: 2, LogicalCPUs: 4,
				L1DataBytes: 48 << 10, L2Bytes: 2 << 20, L3Bytes: 32 << 20},
		},
		{
			"an affinity mask leaves two threads of one core",
			machine(append(slices.Clone(fourThreads), "proc/self/status: Cpus_allowed_list:\t0,2")...),
			Info{PhysicalCores: 1, LogicalCPUs: 2},
		},
		{
			"a quota is rounded up, and the tightest of a group and its parents holds",
			machine(append(slices.Clone(fourThreads), "proc/self/status: Cpus_allowed_list:\t0-3",
				"proc/self/cgroup: 0::/a/b", "sys/fs/cgroup/a/b/cpu.max: 250000 100000", "sys/fs/cgroup/a/cpu.max: 50000 100000",
				"sys/fs/cgroup/cpu.max: max 100000")...),
			Info{PhysicalCores: 1, LogicalCPUs: 1, CPUQuota: 0.5},
		},
		{
			"version 1 of cgroups, mounted by controller",
			machine(append(slices.Clone(fourThreads), "proc/self/status: Cpus_allowed_list:\t0-3", "proc/self/cgroup: 3:cpu,cpuacct:/x|0::/",
				"sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us: 300000", "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us: 100000")...),
			Info{PhysicalCores: 2, LogicalCPUs: 3, CPUQuota: 3},
		},
		{
			"version 1 writes -1 for no limit; a container does not see its own path but its root",
			machine(append(slices.Clone(fourThreads), "proc/self/status: Cpus_allowed_list:\t0-3", "proc/self/cgroup: 1:cpu:/docker/abc",
				"sys/fs/cgroup/cpu/cpu.cfs_quota_us: -1", "sys/fs/cgroup/cpu/cpu.cfs_period_us: 100000")...),
			Info{PhysicalCores: 2, LogicalCPUs: 4},
		},
		{
			"a Graviton 3 names itself by number",
			machine("proc/cpuinfo: processor\t: 0|Features\t: fp asimd bf16|CPU implementer\t: 0x41|CPU part\t: 0xd40",
				"proc/self/status: Cpus_allowed_list:\t0-7"),
			Info{Vendor: "ARM", Model: "Neoverse-V1", PhysicalCores: 8, LogicalCPUs: 8},
		},
		{
			"an unknown core keeps its numbers",
			machine("proc/cpuinfo: CPU implementer\t: 0x99|CPU part\t: 0x123", "proc/self/status: Cpus_allowed_list:\t0"),
			Info{Vendor: "implementer 0x99", Model: "implementer 0x99 part 0x123", PhysicalCores: 1, LogicalCPUs: 1},
		},
		{
			"nothing can be read",
			machine(),
			Info{PhysicalCores: runtime.NumCPU(), LogicalCPUs: runtime.NumCPU()},
		},
	}
	for _, c := range cases {
		if got := describeLinux(c.root); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.reason, got, c.want)
		}
	}
}

func TestReadProcessorFlags(t *testing.T) {
	p := readProcessor(machine("proc/cpuinfo: CPU implementer\t: 0x41|Features\t: asimd bf16 i8mm"))
	if !slices.Contains(p.flags, "bf16") || slices.Contains(p.flags, "sve") {
		t.Errorf("flags = %v", p.flags)
	}
}

func TestParseList(t *testing.T) {
	cases := []struct {
		list string
		want []int
	}{
		{"0", []int{0}},
		{"0-2,5", []int{0, 1, 2, 5}},
		{"", nil},
		{"3-1", nil},
		{"0,x", nil},
		{"-1", nil},
		{"0-99999999999", nil},
	}
	for _, c := range cases {
		if got := parseList(c.list); !slices.Equal(got, c.want) {
			t.Errorf("parseList(%q) = %v, want %v", c.list, got, c.want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for size, want := range map[string]int64{"48K": 49152, "2M": 2 << 20, "512": 512, "": 0, "-1K": 0, "9999999999K": 0} {
		if got := parseSize(size); got != want {
			t.Errorf("parseSize(%q) = %d, want %d", size, got, want)
		}
	}
}

func TestDescribe(t *testing.T) {
	f := Detect()
	info := Describe(f)
	if info.PhysicalCores < 1 || info.LogicalCPUs < info.PhysicalCores {
		t.Errorf("%d cores and %d logical CPUs", info.PhysicalCores, info.LogicalCPUs)
	}
	if info.ISA != f.Level() || info.Features != f {
		t.Errorf("ISA %q with features %v; want %q", info.ISA, info.Features, f.Level())
	}
}

// TestDetectAgreesWithKernel compares with the flags that Linux gives, which
// it reads by another way.
func TestDetectAgreesWithKernel(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("flags are compared on linux/amd64 only")
	}
	flags := readProcessor(os.DirFS("/")).flags
	if len(flags) == 0 {
		t.Skip("no flags in /proc/cpuinfo")
	}
	for flag, feature := range map[string]Features{
		"avx2": AVX2, "fma": FMA, "f16c": F16C, "avx512_vnni": AVX512VNNI, "avx512_bf16": AVX512BF16, "avx_vnni": AVXVNNI,
		"avx512_fp16": AVX512FP16, "amx_bf16": AMXBF16, "amx_int8": AMXINT8,
	} {
		if purego && (feature == AVX512FP16 || feature == AMXBF16 || feature == AMXINT8) {
			continue // told by assembly only
		}
		if got, want := Detect().Has(feature), slices.Contains(flags, flag); got != want {
			t.Errorf("Detect has %v: %v; the kernel says %v", feature, got, want)
		}
	}
	avx512 := slices.Contains(flags, "avx512f") && slices.Contains(flags, "avx512bw") &&
		slices.Contains(flags, "avx512vl") && slices.Contains(flags, "avx512dq")
	if got := Detect().Has(AVX512); got != avx512 {
		t.Errorf("Detect has avx512: %v; the kernel says %v", got, avx512)
	}
}
