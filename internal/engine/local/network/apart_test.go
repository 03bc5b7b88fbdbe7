package network

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
)

// frame is one that root in a container sends by a raw socket, past the rules of its own namespace.
type frame struct {
	what  string
	dst   net.HardwareAddr // nil: the router's
	src   net.HardwareAddr // nil: its own
	proto uint16           // EtherType
	body  func(mark []byte) []byte
	// reach names where the frame may be seen besides the account's own router: see watch.
	reach []string
}

var (
	broadcastMAC = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	hostile      = "172.16.0.10"
)

// datagram is an IPv4 packet, of UDP to port 7777 if no other protocol is named.
func datagram(src, dst string, change ...func(*ipv4.Header)) func([]byte) []byte {
	return func(mark []byte) []byte {
		udp := binary.BigEndian.AppendUint16(nil, 4444)
		udp = binary.BigEndian.AppendUint16(udp, 7777)
		udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(mark)))
		udp = append(append(udp, 0, 0), mark...)
		h := &ipv4.Header{
			Version: 4, Len: 20, TotalLen: 20 + len(udp), ID: 7, TTL: 64, Protocol: unix.IPPROTO_UDP,
			Src: net.ParseIP(src), Dst: net.ParseIP(dst),
		}
		for _, f := range change {
			f(h)
		}
		h.Len = 20 + len(h.Options)
		h.TotalLen = h.Len + len(udp)
		b, err := h.Marshal()
		if err != nil {
			panic(err)
		}
		var sum uint32
		for i := 0; i < len(b); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
		for sum>>16 > 0 {
			sum = sum&0xffff + sum>>16
		}
		binary.BigEndian.PutUint16(b[10:], ^uint16(sum))
		return append(b, udp...)
	}
}

func protocol(n int) func(*ipv4.Header) { return func(h *ipv4.Header) { h.Protocol = n } }

// arp is a question or an answer of address resolution, with the mark behind it.
func arp(op uint16, mac net.HardwareAddr, sender, target string) func([]byte) []byte {
	return func(mark []byte) []byte {
		b := []byte{0, 1, 8, 0, 6, 4}
		b = binary.BigEndian.AppendUint16(b, op)
		b = append(append(b, mac...), net.ParseIP(sender).To4()...)
		b = append(append(b, make([]byte, 6)...), net.ParseIP(target).To4()...)
		return append(b, mark...)
	}
}

func ipv6(dst string) func([]byte) []byte {
	return func(mark []byte) []byte {
		b := []byte{0x60, 0, 0, 0}
		b = binary.BigEndian.AppendUint16(b, uint16(8+len(mark)))
		b = append(b, unix.IPPROTO_UDP, 255)
		b = append(append(b, net.ParseIP("fe80::1234").To16()...), net.ParseIP(dst).To16()...)
		b = append(b, 0x11, 0x5c, 0x1e, 0x61)
		b = binary.BigEndian.AppendUint16(b, uint16(8+len(mark)))
		return append(append(b, 0, 0), mark...)
	}
}

func plain(mark []byte) []byte { return mark }

// tagged puts a frame into a virtual LAN.
func tagged(proto uint16, body func([]byte) []byte) func([]byte) []byte {
	return func(mark []byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{0, 1}, proto), body(mark)...)
	}
}

// TestRawFramesStayWithTheirAccount sends what only a raw socket can from a container, and watches where it comes by: another account's
// router and containers, the machine, the network outside. None of it may get further than the account's router, but for
// honest packets to where they may go.
func TestRawFramesStayWithTheirAccount(t *testing.T) {
	l := newLab(t)
	a, b := l.account(0), l.account(1)
	attacker, neighbour := a.run("one", 10), a.run("two", 11)
	victim := b.run("one", 10)
	b.at("one").FloatingIP, b.at("one").Ports = netip.MustParseAddr("198.18.0.3"), ports("udp", 9999, 7777)
	b.apply()
	twin := b.run("two", 11) // has the address of the attacker's neighbour

	ext := "machine " + "ext0"
	uplink := "machine " + l.net.uplinkName(0)
	out := []string{uplink, ext, "outside", "outside socket"}
	mine := macOf(netip.MustParseAddr(hostile))
	frames := []frame{
		// What must go through, or the others prove nothing.
		{what: "to a neighbour", proto: unix.ETH_P_IP, body: datagram(hostile, "172.16.0.11"), reach: []string{"neighbour", "neighbour socket"}},
		{what: "outside", proto: unix.ETH_P_IP, body: datagram(hostile, outsideAddr), reach: out},
		// Sources that are not the container's.
		{what: "as a neighbour", proto: unix.ETH_P_IP, body: datagram("172.16.0.11", outsideAddr)},
		{what: "as the gateway", proto: unix.ETH_P_IP, body: datagram("172.16.0.1", "172.16.0.11")},
		{what: "as the machine", proto: unix.ETH_P_IP, body: datagram(machineAddr, outsideAddr)},
		{what: "as the machine's end of the uplink", proto: unix.ETH_P_IP, body: datagram("100.64.0.0", outsideAddr)},
		{what: "as the router", proto: unix.ETH_P_IP, body: datagram("100.64.0.1", outsideAddr)},
		{what: "as another account's router", proto: unix.ETH_P_IP, body: datagram("100.64.0.3", outsideAddr)},
		{what: "as another account's floating IP", proto: unix.ETH_P_IP, body: datagram("198.18.0.3", outsideAddr)},
		{what: "as loopback", proto: unix.ETH_P_IP, body: datagram("127.0.0.1", outsideAddr)},
		{what: "as nobody", proto: unix.ETH_P_IP, body: datagram("0.0.0.0", outsideAddr)},
		{what: "as everybody", proto: unix.ETH_P_IP, body: datagram("255.255.255.255", "172.16.0.11")},
		{what: "with a neighbour's hardware address", src: macOf(netip.MustParseAddr("172.16.0.11")), proto: unix.ETH_P_IP, body: datagram("172.16.0.11", outsideAddr)},
		// Destinations that are nobody's business.
		{what: "to the other account's router", proto: unix.ETH_P_IP, body: datagram(hostile, "100.64.0.3")},
		{what: "to the machine's end of its uplink", proto: unix.ETH_P_IP, body: datagram(hostile, "100.64.0.2")},
		{what: "to the machine", proto: unix.ETH_P_IP, body: datagram(hostile, machineAddr), reach: []string{uplink}},
		{what: "to the machine's loopback", proto: unix.ETH_P_IP, body: datagram(hostile, "127.0.0.1")},
		{what: "to metadata", proto: unix.ETH_P_IP, body: datagram(hostile, metadata)},
		{what: "to all of link-local", proto: unix.ETH_P_IP, body: datagram(hostile, "169.254.255.255")},
		{what: "to a port of the other's floating IP that is not published", proto: unix.ETH_P_IP, body: datagram(hostile, "198.18.0.3"), reach: []string{uplink, "machine " + l.net.uplinkName(1), "other router"}},
		{what: "to everybody", dst: broadcastMAC, proto: unix.ETH_P_IP, body: datagram(hostile, "255.255.255.255")},
		{what: "to the whole private network", dst: broadcastMAC, proto: unix.ETH_P_IP, body: datagram(hostile, "172.16.255.255")},
		{what: "to the network outside", proto: unix.ETH_P_IP, body: datagram(hostile, "203.0.113.255"), reach: []string{uplink}},
		{what: "to all hosts of the link", dst: net.HardwareAddr{1, 0, 0x5e, 0, 0, 1}, proto: unix.ETH_P_IP, body: datagram(hostile, "224.0.0.1")},
		{what: "multicast DNS", dst: net.HardwareAddr{1, 0, 0x5e, 0, 0, 0xfb}, proto: unix.ETH_P_IP, body: datagram(hostile, "224.0.0.251")},
		{what: "multicast of an organisation", dst: net.HardwareAddr{1, 0, 0x5e, 1, 1, 1}, proto: unix.ETH_P_IP, body: datagram(hostile, "239.1.1.1")},
		{what: "group membership", dst: net.HardwareAddr{1, 0, 0x5e, 0, 0, 0x16}, proto: unix.ETH_P_IP, body: datagram(hostile, "224.0.0.22", protocol(unix.IPPROTO_IGMP))},
		// Packets with tricks.
		{what: "routed by its source", proto: unix.ETH_P_IP, body: datagram(hostile, "172.16.0.1", func(h *ipv4.Header) {
			h.Options = []byte{131, 7, 4, 100, 64, 0, 3, 0}
		})},
		{what: "in a tunnel to the other's router", proto: unix.ETH_P_IP, body: func(mark []byte) []byte {
			return append(datagram(hostile, "100.64.0.3", protocol(unix.IPPROTO_IPIP))(nil)[:20], datagram("172.16.0.11", hostile)(mark)...)
		}},
		// Other protocols.
		{what: "IPv6 to all nodes", dst: net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1}, proto: unix.ETH_P_IPV6, body: ipv6("ff02::1")},
		{what: "IPv6 to all routers", dst: net.HardwareAddr{0x33, 0x33, 0, 0, 0, 2}, proto: unix.ETH_P_IPV6, body: ipv6("ff02::2")},
		{what: "IPv6 multicast beyond the link", dst: net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1}, proto: unix.ETH_P_IPV6, body: ipv6("ff0e::1")},
		{what: "IPv6 to the world", proto: unix.ETH_P_IPV6, body: ipv6("2001:db8::1")},
		{what: "asking for the other's address", dst: broadcastMAC, proto: unix.ETH_P_ARP, body: arp(1, mine, hostile, "100.64.0.3")},
		{what: "telling that it is the gateway", dst: broadcastMAC, proto: unix.ETH_P_ARP, body: arp(2, mine, "172.16.0.1", "172.16.0.1")},
		{what: "telling that it is its neighbour", dst: broadcastMAC, proto: unix.ETH_P_ARP, body: arp(2, mine, "172.16.0.11", "172.16.0.11")},
		{what: "telling that it has the other's floating IP", dst: broadcastMAC, proto: unix.ETH_P_ARP, body: arp(2, mine, "198.18.0.3", "198.18.0.3")},
		{what: "in a virtual LAN", dst: broadcastMAC, proto: unix.ETH_P_8021Q, body: tagged(unix.ETH_P_IP, datagram(hostile, "172.16.0.11"))},
		{what: "in two virtual LANs", dst: broadcastMAC, proto: unix.ETH_P_8021AD, body: tagged(unix.ETH_P_8021Q, tagged(unix.ETH_P_IP, datagram(hostile, "172.16.0.11")))},
		{what: "to bridges", dst: net.HardwareAddr{1, 0x80, 0xc2, 0, 0, 0}, proto: 0x0026, body: plain},
		{what: "of no known protocol", dst: broadcastMAC, proto: 0x88b5, body: plain},
	}

	w := newWatch(t)
	w.wire("neighbour", neighbour.ns)
	w.wire("other", victim.ns)
	w.wire("other", twin.ns)
	w.wire("other router", mustRouter(t, l, b))
	w.wire("machine", l.machine)
	w.wire("outside", l.outside)
	w.socket("neighbour socket", neighbour.ns)
	w.socket("other socket", victim.ns)
	w.socket("other socket", twin.ns)
	w.socket("machine socket", l.machine)
	w.socket("outside socket", l.outside)
	for n, f := range frames {
		sendRaw(t, attacker.ns, f, fmt.Appendf(nil, "hyper-mark-%03d.", n))
	}
	time.Sleep(patience)
	w.close()

	for n, f := range frames {
		seen := w.seen[fmt.Sprintf("hyper-mark-%03d.", n)]
		for place := range seen {
			if !slices.Contains(f.reach, place) {
				t.Errorf("%s: it comes by at %q", f.what, place)
			}
		}
		if n < 2 {
			for _, place := range f.reach {
				if !seen[place] {
					t.Errorf("%s: it does not come by at %q", f.what, place)
				}
			}
		}
	}
	// Nobody has learnt anything from what was told.
	r, err := l.net.router(a.ref)
	must(t, err)
	defer r.life.RUnlock()
	all, err := r.nl.NeighList(0, netlink.FAMILY_V4)
	must(t, err)
	for _, n := range all {
		if n.HardwareAddr.String() == mine.String() && !n.IP.Equal(net.ParseIP(hostile)) {
			t.Errorf("the router believes that %s is the attacker", n.IP)
		}
	}
	serve(t, neighbour.ns, ":80", "neighbour")
	l.hears(heard{"afterwards", attacker.ns, "tcp4", "172.16.0.11:80", "neighbour " + hostile})
}

// sendRaw puts a frame on the wire of eth0.
func sendRaw(t *testing.T, ns netns.NsHandle, f frame, mark []byte) {
	t.Helper()
	must(t, within(ns, func() error {
		eth, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		dst, src := f.dst, f.src
		if dst == nil {
			dst = macOf(engine.PrivateGateway)
		}
		if src == nil {
			src = eth.HardwareAddr
		}
		b := append(slices.Clone(dst), src...)
		b = append(binary.BigEndian.AppendUint16(b, f.proto), f.body(mark)...)
		return unix.Sendto(fd, b, 0, &unix.SockaddrLinklayer{Ifindex: eth.Index, Halen: 6})
	}))
}

// watch notes where marks come by: on the wires of a namespace, or at a socket there that takes datagrams to port 7777.
type watch struct {
	*testing.T
	mu   sync.Mutex
	seen map[string]map[string]bool // places by mark
	wg   sync.WaitGroup
	fds  []int
}

func newWatch(t *testing.T) *watch { return &watch{T: t, seen: map[string]map[string]bool{}} }

func (w *watch) note(place string, b []byte) {
	at := bytes.Index(b, []byte("hyper-mark-"))
	if at < 0 || len(b) < at+15 {
		return
	}
	mark := string(b[at : at+15])
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen[mark] == nil {
		w.seen[mark] = map[string]bool{}
	}
	w.seen[mark][place] = true
}

// wire watches all interfaces of a namespace. Those of the machine are told apart.
func (w *watch) wire(place string, ns netns.NsHandle) {
	w.Helper()
	names := map[int]string{}
	w.open(ns, unix.AF_PACKET, unix.SOCK_RAW, int(htons(unix.ETH_P_ALL)), func(int) error {
		all, err := net.Interfaces()
		for _, i := range all {
			names[i.Index] = i.Name
		}
		return err
	}, func(b []byte, from unix.Sockaddr) {
		if ll, ok := from.(*unix.SockaddrLinklayer); ok && place == "machine" {
			w.note(strings.TrimSpace("machine "+names[ll.Ifindex]), b)
			return
		}
		w.note(place, b)
	})
}

func (w *watch) socket(place string, ns netns.NsHandle) {
	w.Helper()
	w.open(ns, unix.AF_INET, unix.SOCK_DGRAM, 0, func(fd int) error {
		return unix.Bind(fd, &unix.SockaddrInet4{Port: 7777})
	}, func(b []byte, _ unix.Sockaddr) { w.note(place, b) })
}

func (w *watch) open(ns netns.NsHandle, domain, kind, proto int, ready func(fd int) error, take func([]byte, unix.Sockaddr)) {
	w.Helper()
	var fd int
	must(w.T, within(ns, func() (err error) {
		if fd, err = unix.Socket(domain, kind|unix.SOCK_CLOEXEC, proto); err != nil {
			return err
		}
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}); err != nil {
			return err
		}
		return ready(fd)
	}))
	w.fds = append(w.fds, fd)
	end := time.Now().Add(time.Minute)
	w.wg.Go(func() {
		b := make([]byte, 2048)
		for time.Now().Before(end) {
			n, from, err := unix.Recvfrom(fd, b, 0)
			switch err {
			case nil:
				take(b[:n], from)
			case unix.EAGAIN, unix.EINTR, unix.ENETDOWN:
				w.mu.Lock()
				over := w.fds == nil
				w.mu.Unlock()
				if over {
					return
				}
			default:
				return
			}
		}
	})
}

// close waits until nothing more comes by.
func (w *watch) close() {
	w.mu.Lock()
	fds := w.fds
	w.fds = nil
	w.mu.Unlock()
	w.wg.Wait()
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}

func htons(n uint16) uint16 { return n<<8 | n>>8 }
