package network

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mdarp "github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// tap hears what comes out of the machine at a host outside.
type tap struct {
	mu      sync.Mutex
	arps    []string // "question 203.0.113.65 of 203.0.113.65", "answer ..."
	sources map[netip.Addr]bool
}

// all is every protocol, ETH_P_ALL.
const all = 3

// listen opens a tap on an interface of ns. Frames that the host itself sends are not heard.
func listen(t testing.TB, ns netns.NsHandle, device string) *tap {
	t.Helper()
	w := &tap{sources: map[netip.Addr]bool{}}
	var c *packet.Conn
	var own net.HardwareAddr
	must(t, within(ns, func() (err error) {
		ifi, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		own = ifi.HardwareAddr
		c, err = packet.Listen(ifi, packet.Raw, all, nil)
		return err
	}))
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		b := make([]byte, 1<<16)
		for {
			n, _, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			var f ethernet.Frame
			if f.UnmarshalBinary(b[:n]) == nil && f.Source.String() != own.String() {
				w.take(f)
			}
		}
	}()
	return w
}

func (w *tap) take(f ethernet.Frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch f.EtherType {
	case ethernet.EtherTypeARP:
		var p mdarp.Packet
		if p.UnmarshalBinary(f.Payload) == nil {
			kind := map[mdarp.Operation]string{mdarp.OperationRequest: "question", mdarp.OperationReply: "answer"}[p.Operation]
			w.arps = append(w.arps, fmt.Sprintf("%s %s of %s", kind, p.TargetIP, p.SenderIP))
		}
	case ethernet.EtherTypeIPv4:
		if len(f.Payload) >= 20 {
			src, _ := netip.AddrFromSlice(f.Payload[12:16])
			w.sources[src] = true
		}
	}
}

// heard counts the ARP packets of one kind.
func (w *tap) heard(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(w.arps), func(s string) bool { return s != what }))
}

// until waits for something that has to come.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not come to be", what)
		}
	}
}

// who asks from outside by ARP who has an address: the hardware address, or "".
func who(t testing.TB, ns netns.NsHandle, device, addr string) (mac string) {
	t.Helper()
	must(t, within(ns, func() error {
		ifi, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		c, err := mdarp.Dial(ifi)
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		found, err := c.Resolve(netip.MustParseAddr(addr))
		if err == nil {
			mac = found.String()
		} else if !strings.Contains(err.Error(), "timeout") {
			return err
		}
		return nil
	}))
	return mac
}

// babble has a host outside send broken frames of ARP until the end of the test.
func babble(t *testing.T, ns netns.NsHandle, device string) {
	t.Helper()
	var c *packet.Conn
	var ifi *net.Interface
	must(t, within(ns, func() (err error) {
		if ifi, err = net.InterfaceByName(device); err != nil {
			return err
		}
		c, err = packet.Listen(ifi, packet.Raw, int(ethernet.EtherTypeARP), nil)
		return err
	}))
	var over sync.WaitGroup
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop); over.Wait(); _ = c.Close() })
	bodies := [][]byte{
		{}, {0, 1}, {0, 1, 8, 0, 6, 4, 0, 2}, {0, 1, 8, 0, 255, 255, 0, 2, 1, 2, 3}, {0, 1, 8, 0, 0, 0, 0, 2}, {0, 1, 0x86, 0xdd, 6, 16, 0, 1},
		append([]byte{0, 1, 8, 0, 6, 16, 0, 1}, make([]byte, 44)...), append([]byte{0, 1, 8, 0, 1, 4, 0, 2}, make([]byte, 60)...),
	}
	over.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			f := ethernet.Frame{Destination: ethernet.Broadcast, Source: ifi.HardwareAddr, EtherType: ethernet.EtherTypeARP, Payload: bodies[i%len(bodies)]}
			if b, err := f.MarshalBinary(); err == nil {
				_, _ = c.WriteTo(b[:14+len(f.Payload)], &packet.Addr{HardwareAddr: ethernet.Broadcast})
			}
		}
	})
}

// neighbour has a host outside believe that an address is at a hardware address.
func neighbour(t testing.TB, ns netns.NsHandle, device, addr, mac string, state int) {
	t.Helper()
	nl, err := netlink.NewHandleAt(ns)
	must(t, err)
	defer nl.Close()
	l, err := nl.LinkByName(device)
	must(t, err)
	hw, err := net.ParseMAC(mac)
	must(t, err)
	must(t, nl.NeighSet(&netlink.Neigh{LinkIndex: l.Attrs().Index, Family: netlink.FAMILY_V4, State: state, IP: net.ParseIP(addr), HardwareAddr: hw}))
}

func sysctl(t testing.TB, name, value string) {
	t.Helper()
	must(t, os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0o644))
}

// addresses are those on the machine's interfaces.
func addresses(t testing.TB) (out []string) {
	t.Helper()
	list, err := netlink.AddrList(nil, netlink.FAMILY_V4)
	must(t, err)
	for _, a := range list {
		out = append(out, a.IPNet.String())
	}
	return out
}
