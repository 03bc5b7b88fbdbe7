package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// The machine of a lab is the tests' own network namespace; another host, outside, is one veth away.
const (
	machineAddr = "203.0.113.1"
	outsideAddr = "203.0.113.2"
	metadata    = "169.254.169.254" // on outside, and the machine can reach it
)

type lab struct {
	testing.TB
	config  Config
	net     *Network
	machine netns.NsHandle
	outside netns.NsHandle
}

// aNetwork is good for checking states.
var aNetwork = &Network{cfg: Config{UplinkPool: netip.MustParsePrefix("100.64.0.0/16")}}

// newLab makes a machine with an instance on it. At the end nothing of the instance may be left.
func newLab(t testing.TB) *lab {
	t.Helper()
	l := &lab{TB: t, config: Config{
		Instance: "lab", RunDir: t.TempDir(), FIPPools: pools("198.18.0.0/24"),
		DNSUpstreams: []string{"127.0.0.1:5353"}, Log: slog.New(slog.DiscardHandler),
	}}
	var err error
	if l.machine, err = netns.Get(); err != nil {
		t.Fatal(err)
	}
	l.outside = newNamespace(t)
	link(t, l.machine, "ext0", machineAddr+"/24", l.outside, "eth0", outsideAddr+"/24")
	t.Cleanup(func() {
		if ext, err := netlink.LinkByName("ext0"); err == nil {
			_ = netlink.LinkDel(ext)
		}
	})
	must(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet(netip.MustParsePrefix("0.0.0.0/0")), Gw: netip.MustParseAddr(outsideAddr).AsSlice()}))
	out, err := netlink.NewHandleAt(l.outside)
	must(t, err)
	t.Cleanup(out.Close)
	eth, err := out.LinkByName("eth0")
	must(t, err)
	must(t, out.AddrAdd(eth, &netlink.Addr{IPNet: ipNet(netip.MustParsePrefix(metadata + "/32"))}))
	must(t, out.RouteAdd(&netlink.Route{Dst: ipNet(netip.MustParsePrefix("198.18.0.0/24")), Gw: netip.MustParseAddr(machineAddr).AsSlice()}))
	l.start()
	t.Cleanup(l.leaveNothing)
	return l
}

// pools reads prefixes and ranges of floating IPs.
func pools(list ...string) (out []netipx.IPRange) {
	for _, s := range list {
		if p, err := netip.ParsePrefix(s); err == nil {
			out = append(out, netipx.RangeOfPrefix(p))
			continue
		}
		out = append(out, netipx.MustParseIPRange(s))
	}
	return out
}

// start begins a hyperd's life with the network.
func (l *lab) start() {
	l.Helper()
	var err error
	l.net, err = New(context.Background(), l.config)
	must(l.TB, err)
}

// restart ends it and begins another.
func (l *lab) restart() {
	l.Helper()
	must(l.TB, l.net.Close())
	l.start()
}

func (l *lab) leaveNothing() {
	if err := errors.Join(l.net.Reap(context.Background(), nil), l.net.Close()); err != nil {
		l.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(l.config.RunDir, "netns", "*")); len(left) > 0 {
		l.Errorf("namespaces are left: %v", left)
	}
	links, err := netlink.LinkList()
	must(l.TB, err)
	for _, i := range links {
		if n := i.Attrs().Name; n != "lo" && n != "ext0" && !strings.HasPrefix(n, "ifb") {
			l.Errorf("interface %s is left", n)
		}
	}
	if out, err := exec.Command("nft", "list", "tables", "inet").CombinedOutput(); err != nil || len(out) > 0 {
		l.Errorf("tables are left: %s (%v)", out, err)
	}
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	must(l.TB, err)
	for _, r := range routes {
		if r.Dst != nil && netip.MustParsePrefix("198.18.0.0/15").Contains(addrOf(r.Dst.IP)) {
			l.Errorf("route %v is left", r)
		}
	}
}

func addrOf(ip []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newNamespace makes a network namespace that lasts as long as the test.
func newNamespace(t testing.TB) netns.NsHandle {
	t.Helper()
	type result struct {
		ns  netns.NsHandle
		err error
	}
	done := make(chan result)
	go func() {
		goruntime.LockOSThread() // the thread ends with the goroutine
		ns, err := netns.New()
		done <- result{ns, err}
	}()
	r := <-done
	must(t, r.err)
	t.Cleanup(func() { _ = r.ns.Close() })
	return r.ns
}

// link connects two namespaces.
func link(t testing.TB, here netns.NsHandle, name, addr string, there netns.NsHandle, peer, peerAddr string) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	h, err := netlink.NewHandleAt(here)
	must(t, err)
	defer h.Close()
	must(t, h.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: peer, PeerNamespace: netlink.NsFd(there)}))
	for _, end := range []struct {
		ns         netns.NsHandle
		name, addr string
	}{{here, name, addr}, {there, peer, peerAddr}} {
		h, err := netlink.NewHandleAt(end.ns)
		must(t, err)
		defer h.Close()
		i, err := h.LinkByName(end.name)
		must(t, err)
		a, err := netlink.ParseAddr(end.addr)
		must(t, err)
		must(t, h.AddrAdd(i, a))
		must(t, h.LinkSetUp(i))
	}
}

// tenant is an account with its state.
type tenant struct {
	lab   *lab
	ref   account.Ref
	state engine.NetworkState
}

func (l *lab) account(slot int) *tenant {
	l.Helper()
	a, err := account.New(fmt.Sprintf("%032x", slot+0xabc), slot)
	must(l.TB, err)
	return &tenant{lab: l, ref: a}
}

// container is a process with a network namespace that belongs to a user namespace, as runc makes it.
type container struct {
	id  string
	ns  netns.NsHandle
	pid int
}

// endpoint adds a container to the state, which apply then makes true.
func (a *tenant) endpoint(name string, last byte) *engine.Endpoint {
	addr := netip.AddrFrom4([4]byte{172, 16, 0, last})
	a.state.Endpoints = append(a.state.Endpoints, engine.Endpoint{
		ContainerID: fmt.Sprintf("%s%060d", name, a.ref.Slot()), Address: addr, MAC: macOf(addr).String(), Names: []string{name},
	})
	return a.at(name)
}

// at is the endpoint of a container.
func (a *tenant) at(name string) *engine.Endpoint {
	for i := range a.state.Endpoints {
		if a.state.Endpoints[i].Names[0] == name {
			return &a.state.Endpoints[i]
		}
	}
	a.lab.Fatalf("no endpoint %s", name)
	return nil
}

func (a *tenant) apply() {
	a.lab.Helper()
	state := a.state
	state.Endpoints = append([]engine.Endpoint(nil), a.state.Endpoints...)
	must(a.lab.TB, a.lab.net.ApplyNetwork(context.Background(), a.ref, state))
}

// run starts a container with an address, and attaches it.
func (a *tenant) run(name string, last byte) *container {
	a.lab.Helper()
	id := a.endpoint(name, last).ContainerID
	a.apply()
	c := process(a.lab.TB, a.ref)
	c.id = id
	must(a.lab.TB, a.lab.net.AttachEndpoints(context.Background(), a.ref, c.id, c.pid))
	return c
}

// process starts what stands for a container's first process.
func process(t testing.TB, a account.Ref) *container {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: int(a.HostID()), Size: account.IDCount}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNET, UidMappings: ids, GidMappings: ids}
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	ns, err := netns.GetFromPid(cmd.Process.Pid)
	must(t, err)
	t.Cleanup(func() { _ = ns.Close() })
	return &container{ns: ns, pid: cmd.Process.Pid}
}
