package bench

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// linuxHost reads /proc through descriptors that stay open, into one buffer.
type linuxHost struct {
	clock
	schedstats []int // one per watched thread; empty if any could not be opened
	stat, load int   // -1 if it could not be opened
	buffer     [512]byte
}

// openHost watches the calling thread, which its goroutine must keep, and the
// given ones of this process.
func openHost(threads []int) host {
	h := &linuxHost{clock: clock{time.Now()}, stat: open("/proc/stat"), load: open("/proc/loadavg")}
	for _, thread := range append([]int{unix.Gettid()}, threads...) {
		h.schedstats = append(h.schedstats, open("/proc/self/task/"+strconv.Itoa(thread)+"/schedstat"))
	}
	if slices.Contains(h.schedstats, -1) {
		closeAll(h.schedstats)
		h.schedstats = nil
	}
	return h
}

// open returns a descriptor, -1 if there is none to have. It is not an os.File
// because that reads until the end, which is one system call more.
func open(path string) int {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

func (h *linuxHost) close() {
	closeAll(h.schedstats)
	closeAll([]int{h.stat, h.load})
}

// closeAll closes what was only read, so that no error matters.
func closeAll(fds []int) {
	for _, fd := range fds {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// read returns the beginning of the file as it is now; empty if it can't.
func (h *linuxHost) read(fd int) []byte {
	n, err := unix.Pread(fd, h.buffer[:], 0)
	if err != nil {
		return nil
	}
	return h.buffer[:n]
}

// delay sums the second field of each schedstat: nanoseconds spent on a run
// queue (kernel documentation, sched-stats.rst).
func (h *linuxHost) delay() time.Duration {
	if len(h.schedstats) == 0 {
		return -1
	}
	var sum int64
	for _, fd := range h.schedstats {
		waited := field(h.read(fd), 1)
		if waited < 0 {
			return -1
		}
		sum += waited
	}
	return time.Duration(sum)
}

func (h *linuxHost) signals() reading {
	r := unknownReading()
	r.stolen, r.ticks = parseStat(h.read(h.stat))
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &usage) == nil {
		r.switches = int64(usage.Nivcsw)
	}
	if word, _, found := bytes.Cut(h.read(h.load), []byte{' '}); found {
		if load, err := strconv.ParseFloat(string(word), 64); err == nil {
			r.load1 = load
		}
	}
	return r
}
