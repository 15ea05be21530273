package awsapi

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/eiplan/eiplan/pricing"
)

const mib = 1 << 20

// instanceTypes reads every type that a region offers. What was offered there
// so far and is not in the answer is retired from today on.
func (r *run) instanceTypes(ctx context.Context, s step) (batch, error) {
	client := ec2.NewFromConfig(r.Config, func(o *ec2.Options) { o.Region = s.region })
	pages := ec2.NewDescribeInstanceTypesPaginator(client, &ec2.DescribeInstanceTypesInput{MaxResults: aws.Int32(100)})
	b := batch{left: LeftOut{}}
	today := r.observed(s).AsOf
	source := s.from + " " + today.String()
	listed := map[string]bool{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return batch{}, err
		}
		for i := range page.InstanceTypes {
			t, reason := instanceType(&page.InstanceTypes[i], today)
			if reason != "" {
				b.left[reason]++
				continue
			}
			t.Source = source
			listed[t.Name] = true
			b.tables.Instances = append(b.tables.Instances, t)
			b.tables.Offered = append(b.tables.Offered, pricing.Offering{Region: s.region, Subject: t.Name, From: today, Source: source})
		}
		r.report(s, len(b.tables.Instances))
	}
	if len(listed) == 0 {
		return b, nil
	}
	for _, o := range r.Offered {
		if o.Region == s.region && o.Retired == 0 && !listed[o.Subject] && !strings.HasPrefix(o.Subject, "eia") {
			o.Retired, o.Source = today, "absent from "+source
			b.tables.Offered = append(b.tables.Offered, o)
		}
	}
	return b, nil
}

// architectures of those that EC2 names; a type of several runs the first.
var architectures = []struct {
	name types.ArchitectureType
	arch string
}{{types.ArchitectureTypeX8664, "amd64"}, {types.ArchitectureTypeArm64, "arm64"}}

// instanceType turns an answer into a type, or says why it can't be used.
func instanceType(in *types.InstanceTypeInfo, today pricing.Date) (t pricing.InstanceType, reason string) {
	t = pricing.InstanceType{
		Name: string(in.InstanceType), BareMetal: aws.ToBool(in.BareMetal), Burstable: aws.ToBool(in.BurstablePerformanceSupported),
		SpotSold: slices.Contains(in.SupportedUsageClasses, types.UsageClassTypeSpot),
	}
	var sized bool
	t.Family, _, sized = strings.Cut(t.Name, ".")
	t.Flex = strings.Contains(t.Family, "-flex")
	if p := in.ProcessorInfo; p != nil {
		t.ClockGHz = aws.ToFloat64(p.SustainedClockSpeedInGhz)
		for _, a := range architectures {
			if t.Arch == "" && slices.Contains(p.SupportedArchitectures, a.name) {
				t.Arch = a.arch
			}
		}
	}
	if c := in.VCpuInfo; c != nil {
		t.VCPU, t.PhysicalCores = int(aws.ToInt32(c.DefaultVCpus)), int(aws.ToInt32(c.DefaultCores))
	}
	if m := in.MemoryInfo; m != nil {
		t.MemoryBytes = aws.ToInt64(m.SizeInMiB) * mib
	}
	switch {
	case !sized:
		return t, fmt.Sprintf("type named %q", t.Name)
	case t.Arch == "":
		return t, "neither x86_64 nor arm64"
	case t.VCPU <= 0 || t.PhysicalCores <= 0 || t.PhysicalCores > t.VCPU || t.MemoryBytes <= 0:
		return t, "cores or memory not stated"
	}
	if !aws.ToBool(in.CurrentGeneration) {
		t.PreviousFrom = today
	}
	t.Network = network(in.NetworkInfo)
	t.Devices = devices(in)
	return t, ""
}

// network sums the cards of a type.
func network(in *types.NetworkInfo) (n pricing.Network) {
	if in == nil {
		return n
	}
	n.Description = aws.ToString(in.NetworkPerformance)
	for _, c := range in.NetworkCards {
		n.BaselineBitsPerSecond += int64(math.Round(aws.ToFloat64(c.BaselineBandwidthInGbps) * 1e9))
		n.BurstBitsPerSecond += int64(math.Round(aws.ToFloat64(c.PeakBandwidthInGbps) * 1e9))
	}
	return n
}

// devices are the GPUs or chips of a type, named as EC2 names them.
func devices(in *types.InstanceTypeInfo) (all []pricing.Device) {
	if g := in.GpuInfo; g != nil {
		for _, d := range g.Gpus {
			device := pricing.Device{
				Kind: pricing.GPU, Accelerator: gpuName(g, &d), Count: float64(aws.ToInt32(d.Count)), MemoryBytes: int64(aws.ToInt32(g.TotalGpuMemoryInMiB)) * mib,
			}
			if d.LogicalGpuCount != nil && d.GpuPartitionSize != nil { // g6f has a share of one
				device.Count = float64(*d.LogicalGpuCount) * *d.GpuPartitionSize
			}
			if maker := aws.ToString(d.Manufacturer); maker != "NVIDIA" && maker != "AMD" {
				device.Kind = pricing.OtherDevice
			}
			all = append(all, device)
		}
	}
	if n := in.NeuronInfo; n != nil {
		for _, d := range n.NeuronDevices {
			device := pricing.Device{
				Kind: pricing.Neuron, Accelerator: aws.ToString(d.Name), Count: float64(aws.ToInt32(d.Count)),
				MemoryBytes: int64(aws.ToInt32(n.TotalNeuronDeviceMemoryInMiB)) * mib,
			}
			if d.CoreInfo != nil {
				device.NeuronCores = int(aws.ToInt32(d.CoreInfo.Count) * aws.ToInt32(d.Count))
			}
			all = append(all, device)
		}
		return all
	}
	if a := in.InferenceAcceleratorInfo; a != nil {
		for _, d := range a.Accelerators {
			all = append(all, pricing.Device{
				Kind: pricing.OtherDevice, Accelerator: aws.ToString(d.Name),
				Count: float64(aws.ToInt32(d.Count)), MemoryBytes: int64(aws.ToInt32(a.TotalInferenceMemoryInMiB)) * mib,
			})
		}
	}
	return all
}

// gpuName tells the A100 of 80 GB, which has more bandwidth, from that of 40 GB.
func gpuName(g *types.GpuInfo, d *types.GpuDeviceInfo) string {
	name := aws.ToString(d.Name)
	const between = 60 * 1024
	if count := aws.ToInt32(d.Count); name == "A100" && count > 0 && aws.ToInt32(g.TotalGpuMemoryInMiB)/count > between {
		return "A100-80GB"
	}
	return name
}
