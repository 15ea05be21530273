package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

const (
	gib     = 1 << 30
	mib     = 1 << 20
	gigabit = 1e9
	// described is the date of the DescribeInstanceTypes answers in instances.csv.
	described pricing.Date = 20260520
)

// devices are the kinds of the devices that instances.csv names. The names are
// those of DescribeInstanceTypes, and the keys of package hardware.
var devices = map[string]pricing.Kind{
	"K80": pricing.GPU, "M60": pricing.GPU, "T4": pricing.GPU, "T4g": pricing.GPU, "V100": pricing.GPU,
	"A10G": pricing.GPU, "L4": pricing.GPU, "L40S": pricing.GPU, "A100": pricing.GPU, "A100-80GB": pricing.GPU,
	"H100": pricing.GPU, "H200": pricing.GPU, "B200": pricing.GPU,
	"RTX PRO Server 6000": pricing.GPU, "Radeon Pro V520": pricing.GPU,
	"Inferentia": pricing.Neuron, "Inferentia2": pricing.Neuron, "Trainium": pricing.Neuron, "Trainium2": pricing.Neuron,
	"Gaudi HL-205": pricing.OtherDevice, "Qualcomm AI100": pricing.OtherDevice,
}

// renamed are the devices that the API names like others of another speed: the
// 80 GB A100 has more bandwidth than the 40 GB one.
var renamed = map[string]string{"p4de": "A100-80GB"}

func readInstances(folder string) ([]pricing.InstanceType, error) {
	measures, err := readMeasures(folder)
	if err != nil {
		return nil, err
	}
	s, err := openSheet(folder, "instances.csv")
	if err != nil {
		return nil, err
	}
	arch := map[string]string{"x86_64": "amd64", "arm64": "arm64"}
	var all []pricing.InstanceType
	for s.next() {
		t := pricing.InstanceType{
			Name: s.text("instance_type"), Family: s.text("family"), Arch: arch[s.text("arch")],
			VCPU: s.int("vcpu"), PhysicalCores: s.int("physical_cores"), MemoryBytes: s.scaled("memory_gib", gib),
			Processor: s.text("microarch"), ProcessorModel: s.text("processor"), ProcessorSource: s.text("processor_source"),
			ClockGHz: s.number("clock_ghz"),
			Network: pricing.Network{
				BaselineBitsPerSecond: s.scaled("network_gbps_baseline", gigabit),
				BurstBitsPerSecond:    s.scaled("network_gbps_burst", gigabit),
				Description:           s.text("network_desc"),
			},
			Burstable: s.flag("burstable"), BareMetal: s.flag("bare_metal"), SpotSold: s.flag("spot_supported"),
			Flex:   strings.Contains(s.text("family"), "-flex"),
			Source: s.text("source"),
		}
		t.Measure = measures[t.Name]
		t.Measure.PCIeLink = s.text("gpu_pcie_link")
		if !s.flag("current_generation") {
			t.PreviousFrom = described
		}
		for _, prefix := range []string{"gpu", "accel"} {
			if err := addDevice(s, &t, prefix); err != nil {
				s.fail(prefix+"_name", err)
			}
		}
		all = append(all, t)
	}
	return all, s.err
}

// addDevice reads the columns gpu_… or accel_… of a row.
func addDevice(s *sheet, t *pricing.InstanceType, prefix string) error {
	memory := map[string]string{"gpu": "gpu_mem_gib_total", "accel": "accel_mem_gib_total"}[prefix]
	name := s.text(prefix + "_name")
	if name == "" {
		return nil
	}
	if other, ok := renamed[t.Family]; ok {
		name = other
	}
	kind, ok := devices[name]
	if !ok {
		return fmt.Errorf("device %q of %s is of no kind", name, t.Name)
	}
	t.Devices = append(t.Devices, pricing.Device{
		Kind: kind, Accelerator: name, Count: s.number(prefix + "_count"),
		MemoryBytes: s.scaled(memory, gib), NeuronCores: s.int("neuron_cores"),
	})
	return nil
}

func readMeasures(folder string) (map[string]pricing.Measure, error) {
	s, err := openSheet(folder, "cpu_measured.csv")
	if err != nil {
		return nil, err
	}
	all := map[string]pricing.Measure{}
	for s.next() {
		m := pricing.Measure{
			CoreMark: s.number("coremark_iter_per_s"), NUMANodes: s.int("numa_nodes"),
			Source: "Vantage, on a running instance",
		}
		m.AsOf, _ = s.date("ran_at")
		for node := range strings.SplitSeq(s.text("l3_mb_per_node"), "|") {
			if node == "" {
				continue
			}
			megabytes, err := strconv.ParseFloat(node, 64)
			if err != nil {
				s.fail("l3_mb_per_node", err)
			}
			m.L3Bytes += int64(megabytes * mib)
		}
		all[s.text("instance_type")] = m
	}
	return all, s.err
}

// readAccelerators reads the Elastic Inference rows; AWS states their memory in GB.
func readAccelerators(folder string) ([]pricing.Accelerator, error) {
	s, err := openSheet(folder, "accelerators.csv")
	if err != nil {
		return nil, err
	}
	var all []pricing.Accelerator
	for s.next() {
		if s.text("kind") != "EI" {
			continue
		}
		all = append(all, pricing.Accelerator{
			Name: s.text("name"), Kind: pricing.ElasticInference,
			MemoryBytes: s.scaled("memory_gib", 1e9), Source: s.text("source"),
		})
	}
	return slices.Clip(all), s.err
}
