package network

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// SCTP is sent by raw sockets here, since a kernel need not have it to pass it on.

// chunk is a packet of SCTP with an INIT (1) or INIT ACK (2).
func chunk(kind byte, from, to uint16, tag uint32) []byte {
	b := binary.BigEndian.AppendUint16(nil, from)
	b = binary.BigEndian.AppendUint16(b, to)
	b = binary.BigEndian.AppendUint32(b, tag)
	b = append(b, 0, 0, 0, 0, kind, 0, 0, 20)
	b = binary.BigEndian.AppendUint32(b, 0xcafe) // initiate tag
	b = binary.BigEndian.AppendUint32(b, 1<<16)  // window
	b = append(b, 0, 1, 0, 1, 0, 0, 0, 1)        // streams, first TSN
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func rawSCTP(t *testing.T, ns netns.NsHandle) net.PacketConn {
	t.Helper()
	var p net.PacketConn
	must(t, within(ns, func() (err error) {
		p, err = net.ListenPacket("ip4:132", "0.0.0.0")
		return err
	}))
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// packet reads one: "<kind> <port> to <port> from <address>".
func packetOf(p net.PacketConn) string {
	b := make([]byte, 1500)
	_ = p.SetReadDeadline(time.Now().Add(patience))
	n, from, err := p.ReadFrom(b)
	if err != nil || n < 32 {
		return "nothing"
	}
	sum := binary.LittleEndian.Uint32(b[8:])
	binary.LittleEndian.PutUint32(b[8:], 0)
	if sum != crc32.Checksum(b[:n], crc32.MakeTable(crc32.Castagnoli)) {
		return "a wrong checksum"
	}
	return fmt.Sprintf("%d %d to %d from %s", b[12], binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), from)
}

func TestSCTPIsPublished(t *testing.T) {
	l := onLink(t)
	if !l.net.Publishes("sctp") || !l.net.Publishes("udp") || l.net.Publishes("dccp") {
		t.Fatal("the kernel follows connections of SCTP, and of nothing unknown")
	}
	a := l.account(0)
	web := a.run("web", 10)
	a.at("web").FloatingIP, a.at("web").Ports = netip.MustParseAddr("203.0.113.65"), ports("sctp", 36412, 9999)
	a.apply()
	caller, callee := rawSCTP(t, l.outside), rawSCTP(t, web.ns)
	call := func(from, to uint16) string {
		t.Helper()
		_, err := caller.WriteTo(chunk(1, from, to, 0), &net.IPAddr{IP: net.ParseIP("203.0.113.65")})
		must(t, err)
		return packetOf(callee)
	}
	if got, want := call(5000, 36412), "1 5000 to 9999 from "+outsideAddr; got != want {
		t.Errorf("the container gets %q, want %q", got, want)
	}
	_, err := callee.WriteTo(chunk(2, 9999, 5000, 0xcafe), &net.IPAddr{IP: net.ParseIP(outsideAddr)})
	must(t, err)
	if got, want := packetOf(caller), "2 36412 to 5000 from 203.0.113.65"; got != want {
		t.Errorf("the caller gets %q, want %q", got, want)
	}
	if got := call(5001, 9999); got != "nothing" {
		t.Errorf("by a port that is not published the container gets %q", got)
	}
	// Something else is taken away: what is published goes on.
	flows := func() (n int) {
		t.Helper()
		list, err := handle(t, mustRouter(t, l, a)).ConntrackTableList(netlink.ConntrackTable, netlink.FAMILY_V4)
		must(t, err)
		for _, f := range list {
			if f.Forward.Protocol == 132 {
				n++
			}
		}
		return n
	}
	before := flows()
	a.run("other", 11)
	a.at("other").FloatingIP = netip.MustParseAddr("203.0.113.66")
	a.apply()
	a.at("other").FloatingIP = netip.Addr{}
	a.apply()
	if n := flows(); n != before || before == 0 {
		t.Errorf("%d connections are known, before it were %d", n, before)
	}
	a.at("web").FloatingIP = netip.Addr{}
	a.apply()
	if n := flows(); n != 0 {
		t.Errorf("%d connections outlive the floating IP", n)
	}
}
