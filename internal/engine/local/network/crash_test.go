package network

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
)

// victim is set, to the run directory, in a process that lives only to die at a failpoint.
const victim = "HYPER_NETWORK_TEST_VICTIM"

// die does what a hyperd does for one container; HYPER_FAILPOINT says where it ends.
func die() {
	err := func() error {
		n, err := New(context.Background(), Config{
			Instance: "lab", RunDir: os.Getenv(victim), FIPPools: pools("198.18.0.0/24"), Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			return err
		}
		a, err := account.New(os.Args[1], 0)
		if err != nil {
			return err
		}
		addr := netip.MustParseAddr("172.16.0.10")
		state := engine.NetworkState{Endpoints: []engine.Endpoint{{ContainerID: os.Args[2], Address: addr, MAC: macOf(addr).String()}}}
		if err := n.ApplyNetwork(context.Background(), a, state); err != nil {
			return err
		}
		pid, err := strconv.Atoi(os.Args[3])
		if err != nil {
			return err
		}
		return n.AttachEndpoints(context.Background(), a, os.Args[2], pid)
	}()
	fmt.Fprintln(os.Stderr, "it did not die:", err)
	os.Exit(1)
}

func TestDeathAtAnyInstruction(t *testing.T) {
	for _, point := range []string{"network.after-namespace", "network.after-uplink", "network.attach.after-veth"} {
		t.Run(point, func(t *testing.T) {
			l := newLab(t)
			a := l.account(0)
			c := process(t, a.ref)
			e := a.endpoint("web", 10)
			must(t, l.net.Close())
			cmd := exec.Command("/proc/self/exe", a.ref.ID(), e.ContainerID, strconv.Itoa(c.pid))
			cmd.Env = append(os.Environ(), victim+"="+l.config.RunDir, "HYPER_FAILPOINT="+point)
			out, _ := cmd.CombinedOutput()
			if st, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || st.Signal() != syscall.SIGKILL {
				t.Fatalf("it ended otherwise: %v %s", cmd.ProcessState, out)
			}
			l.start()
			must(t, l.net.Reap(t.Context(), []engine.Keep{{Account: a.ref, Containers: []string{e.ContainerID}}}))
			a.apply()
			must(t, l.net.AttachEndpoints(t.Context(), a.ref, e.ContainerID, c.pid))
			serve(t, l.outside, ":80", "outside")
			l.hears(heard{"out", c.ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr})
			r, err := l.net.router(a.ref)
			must(t, err)
			defer r.life.RUnlock()
			links, err := r.nl.LinkList()
			must(t, err)
			for _, i := range links {
				if n := i.Attrs().Name; n != ruleset.Uplink && n != "lo" && n != linkName(e.ContainerID, 0) && i.Type() == "veth" {
					t.Errorf("a link %s is left", n)
				}
			}
		})
	}
}
