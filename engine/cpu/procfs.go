package cpu

import (
	"bufio"
	"io/fs"
	"math"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// describeLinux reads /proc and /sys below root. It compiles everywhere, so
// that its tests run everywhere.
func describeLinux(root fs.FS) Info {
	processor := readProcessor(root)
	info := Info{Vendor: processor.vendor, Model: processor.model, CPUQuota: readQuota(root)}

	allowed := parseList(processAllowed(root))
	if len(allowed) == 0 {
		info.LogicalCPUs = runtime.NumCPU()
		info.PhysicalCores = info.LogicalCPUs
	} else {
		info.LogicalCPUs = len(allowed)
		info.PhysicalCores = countCores(root, allowed)
	}
	if info.CPUQuota > 0 {
		whole := int(math.Ceil(info.CPUQuota))
		info.LogicalCPUs = min(info.LogicalCPUs, whole)
		info.PhysicalCores = min(info.PhysicalCores, whole)
	}
	info.L1DataBytes, info.L2Bytes, info.L3Bytes = readCaches(root)
	return info
}

// processor is what /proc/cpuinfo says of its first CPU.
type processor struct {
	vendor, model string
	flags         []string
}

func readProcessor(root fs.FS) processor {
	fields := map[string]string{}
	for _, line := range readLines(root, "proc/cpuinfo") {
		key, value, found := strings.Cut(line, ":")
		key = strings.TrimSpace(key)
		if _, seen := fields[key]; found && !seen {
			fields[key] = strings.TrimSpace(value)
		}
	}
	p := processor{vendor: fields["vendor_id"], model: fields["model name"]}
	p.flags = strings.Fields(fields["flags"])
	if implementer, arm := fields["CPU implementer"]; arm {
		p.vendor, p.model = nameARM(implementer, fields["CPU part"])
		p.flags = strings.Fields(fields["Features"])
	}
	return p
}

// nameARM names a core by MIDR_EL1's implementer and part number, after Arm's
// technical reference manuals and the tables of util-linux's lscpu. An unknown
// core is named by its numbers.
func nameARM(implementer, part string) (vendor, model string) {
	vendors := map[string]string{"0x41": "ARM", "0x42": "Broadcom", "0x43": "Cavium", "0x46": "Fujitsu", "0x48": "HiSilicon",
		"0x4e": "NVIDIA", "0x51": "Qualcomm", "0x61": "Apple", "0x6d": "Microsoft", "0xc0": "Ampere"}
	cores := map[string]string{
		"0x41 0xd03": "Cortex-A53", "0x41 0xd08": "Cortex-A72", "0x41 0xd0b": "Cortex-A76", "0x41 0xd0c": "Neoverse-N1",
		"0x41 0xd40": "Neoverse-V1", "0x41 0xd49": "Neoverse-N2", "0x41 0xd4f": "Neoverse-V2",
		"0x41 0xd84": "Neoverse-V3", "0x41 0xd8e": "Neoverse-N3", "0xc0 0xac3": "Ampere-1",
	}
	vendor, known := vendors[implementer]
	if !known {
		vendor = "implementer " + implementer
	}
	model, known = cores[implementer+" "+part]
	if !known {
		model = vendor + " part " + part
	}
	return vendor, model
}

// processAllowed returns the list of CPUs that the process's first thread may
// run on.
func processAllowed(root fs.FS) string {
	for _, line := range readLines(root, "proc/self/status") {
		if list, found := strings.CutPrefix(line, "Cpus_allowed_list:"); found {
			return strings.TrimSpace(list)
		}
	}
	return ""
}

// parseList reads the kernel's list format, such as "0-3,8". It is empty if
// any part is malformed.
func parseList(list string) []int {
	var cpus []int
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil || from < 0 || to < from || to > 1<<16 {
			return nil
		}
		for cpu := from; cpu <= to; cpu++ {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}

// countCores counts the distinct pairs of package and core among the CPUs. A
// CPU whose topology is hidden counts as a core of its own.
func countCores(root fs.FS, cpus []int) int {
	cores := map[string]bool{}
	for _, cpu := range cpus {
		name := strconv.Itoa(cpu)
		topology := path.Join("sys/devices/system/cpu", "cpu"+name, "topology")
		socket, core := readWord(root, path.Join(topology, "physical_package_id")), readWord(root, path.Join(topology, "core_id"))
		if core == "" {
			cores["cpu "+name] = true
		} else {
			cores[socket+" "+core] = true
		}
	}
	return len(cores)
}

// readCaches returns the sizes of the first CPU's data and unified caches.
func readCaches(root fs.FS) (l1, l2, l3 int64) {
	dirs, err := fs.Glob(root, "sys/devices/system/cpu/cpu0/cache/index*")
	if err != nil {
		panic("cpu: bad pattern of cache folders: " + err.Error())
	}
	for _, dir := range dirs {
		if readWord(root, path.Join(dir, "type")) == "Instruction" {
			continue
		}
		size := parseSize(readWord(root, path.Join(dir, "size")))
		switch readWord(root, path.Join(dir, "level")) {
		case "1":
			l1 = size
		case "2":
			l2 = size
		case "3":
			l3 = size
		}
	}
	return l1, l2, l3
}

// parseSize reads sysfs's sizes, such as "48K"; 0 if malformed.
func parseSize(s string) int64 {
	unit := int64(1)
	if digits, found := strings.CutSuffix(s, "K"); found {
		s, unit = digits, 1<<10
	} else if digits, found := strings.CutSuffix(s, "M"); found {
		s, unit = digits, 1<<20
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return n * unit
}

// readQuota returns the tightest CPU limit of the process's cgroups, in CPUs; 0 if
// there is none (kernel documentation, cgroup-v2.rst and scheduler/sched-bwc.rst).
func readQuota(root fs.FS) float64 {
	tightest := 0.0
	limit := func(quota, period string) {
		q, err1 := strconv.ParseFloat(quota, 64)
		p, err2 := strconv.ParseFloat(period, 64)
		if err1 != nil || err2 != nil || q <= 0 || p <= 0 {
			return // "max" and -1 say that there is no limit
		}
		if cpus := q / p; tightest == 0 || cpus < tightest {
			tightest = cpus
		}
	}
	eachGroup(root, "cpu", func(dir string, unified bool) {
		if unified {
			quota, period, _ := strings.Cut(readWord(root, path.Join(dir, "cpu.max")), " ")
			limit(quota, period)
		} else {
			limit(readWord(root, path.Join(dir, "cpu.cfs_quota_us")), readWord(root, path.Join(dir, "cpu.cfs_period_us")))
		}
	})
	return tightest
}

// eachGroup visits the folders of the process's cgroups for a controller, and of
// their parents, for both versions of cgroups. A path that the mount does not show
// is there too, up to the mount's root, which inside a container is the
// container's own group.
func eachGroup(root fs.FS, controller string, visit func(dir string, unified bool)) {
	for _, line := range readLines(root, "proc/self/cgroup") {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 {
			continue
		}
		unified := parts[1] == ""
		mounts := []string{controller, parts[1]} // version 1 mounts several controllers together, or one alone
		switch {
		case unified:
			mounts = []string{""}
		case !slices.Contains(strings.Split(parts[1], ","), controller):
			continue
		}
		for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
			for _, mount := range mounts {
				visit(path.Join("sys/fs/cgroup", mount, group), unified)
			}
			if group == "/" {
				break
			}
		}
	}
}

// readWord returns a small file's text without surrounding space; empty if it
// can't be read.
func readWord(root fs.FS, name string) string {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// availableLinux is MemAvailable of /proc/meminfo (proc_meminfo(5)), in bytes, or
// what the memory limits of the process's cgroups leave of it.
func availableLinux(root fs.FS) (int64, bool) {
	for _, line := range readLines(root, "proc/meminfo") {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "MemAvailable:" && fields[2] == "kB" {
			kib, err := strconv.ParseInt(fields[1], 10, 53)
			return min(kib<<10, readHeadroom(root)), err == nil
		}
	}
	return 0, false
}

// readHeadroom is the least that a memory limit of the process's cgroups leaves, in
// bytes, math.MaxInt64 if there is none. Cached files are not in a limit's way: the
// system drops them (kernel documentation, cgroup-v2.rst and cgroup-v1/memory.rst).
func readHeadroom(root fs.FS) int64 {
	least := int64(math.MaxInt64)
	eachGroup(root, "memory", func(dir string, unified bool) {
		limit, usage, prefix := "memory.max", "memory.current", ""
		if !unified {
			limit, usage, prefix = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"
		}
		most, err := strconv.ParseInt(readWord(root, path.Join(dir, limit)), 10, 64)
		if err != nil {
			return // "max", or no such group
		}
		used, _ := strconv.ParseInt(readWord(root, path.Join(dir, usage)), 10, 64) // 0 where it can't be read
		for _, line := range readLines(root, path.Join(dir, "memory.stat")) {
			name, text, _ := strings.Cut(line, " ")
			if name == prefix+"inactive_file" || name == prefix+"active_file" {
				cached, _ := strconv.ParseInt(text, 10, 64)
				used -= cached
			}
		}
		least = min(least, max(0, most-max(0, used)))
	})
	return least
}

// readLines returns a file's lines; none if it can't be read.
func readLines(root fs.FS, name string) []string {
	file, err := root.Open(name)
	if err != nil {
		return nil
	}
	defer file.Close()
	var lines []string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	return lines
}
