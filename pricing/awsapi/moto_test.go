package awsapi

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/eiplan/eiplan/pricing"
)

// moto implements EC2 from AWS's models and has recorded what
// DescribeInstanceTypes answers: an oracle that is not ours.
func TestRefreshFromMoto(t *testing.T) {
	if out, err := exec.Command("python3", "-c", "import moto.server").CombinedOutput(); err != nil {
		t.Skipf("SKIPPED, NOT PASSED: python3 has no moto with its server: %s", lastLine(out))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, port, _ := strings.Cut(address, ":")
	server := exec.CommandContext(t.Context(), "python3", "-m", "moto.server", "-H", "127.0.0.1", "-p", port)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	for attempt := 0; ; attempt++ {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			connection.Close()
			break
		}
		if attempt == 600 {
			t.Fatalf("moto does not listen: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	s := newCloud(t, nil).sources()
	s.Config.BaseEndpoint = aws.String(fmt.Sprintf("http://%s", address))
	tables, outcomes, err := s.Refresh(context.Background(), []string{"us-east-1"}, []Feed{InstanceTypes})
	if err != nil || outcomes[0].Err != nil {
		t.Fatalf("%v %+v", err, outcomes)
	}
	if len(tables.Instances) < 500 {
		t.Fatalf("%d types", len(tables.Instances))
	}
	known := pricing.Snapshot()
	compared := 0
	for _, got := range tables.Instances {
		want, err := known.Instance(got.Name)
		if err != nil {
			continue
		}
		compared++
		if got.Family != want.Family || got.Arch != want.Arch || got.VCPU != want.VCPU || got.PhysicalCores != want.PhysicalCores || got.MemoryBytes != want.MemoryBytes ||
			got.Burstable != want.Burstable || got.BareMetal != want.BareMetal || got.Flex != want.Flex || len(got.Devices) != len(want.Devices) {
			t.Errorf("got %+v\nwant %+v", got, want)
			continue
		}
		for i := range got.Devices {
			g, w := got.Devices[i], want.Devices[i]
			if g.Kind != w.Kind || g.Accelerator != w.Accelerator || g.Count != w.Count || g.NeuronCores != w.NeuronCores {
				t.Errorf("%s: got device %+v, want %+v", got.Name, g, w)
			}
		}
	}
	if compared < 500 {
		t.Errorf("only %d types are in the snapshot", compared)
	}
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}
