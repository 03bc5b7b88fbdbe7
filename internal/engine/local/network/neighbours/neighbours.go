// Package neighbours speaks ARP with the hosts of a network that the machine is in: it asks who has an address, and says that the
// machine has one. Questions for and answers to an address that is spoken for are the kernel's (package network); this is what the kernel
// does for addresses of interfaces only, and floating IPs are none.
package neighbours

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
)

// Link is an interface of the calling namespace with the machine's own address on it.
type Link struct {
	Index   int
	Address netip.Addr
}

// Each question is put three times, since the first broadcast after a while may be lost to a switch or a host that wakes up. All of it
// takes less than half a second.
const (
	probes = 3
	pause  = 130 * time.Millisecond
)

// Ask tells which other hosts of a network have addresses, by hardware address. An address that nobody speaks for is not in the answer.
//
// The questions are from the machine's own address. RFC 5227 asks from 0.0.0.0, so that who does not have the address yet does not
// seem to; but the machine speaks for itself alone here, and who answers for addresses that are on no interface of its own, as Linux does for
// floating IPs, does not answer 0.0.0.0.
func Ask(ctx context.Context, l Link, addrs []netip.Addr) (map[netip.Addr]net.HardwareAddr, error) {
	c, ifi, err := open(l)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	open := map[netip.Addr]bool{}
	for _, addr := range addrs {
		open[addr] = true
	}
	found := map[netip.Addr]net.HardwareAddr{}
	for range probes {
		for addr := range open {
			q, err := arp.NewPacket(arp.OperationRequest, ifi.HardwareAddr, l.Address, make(net.HardwareAddr, 6), addr)
			if err != nil {
				return nil, err
			}
			if err := c.WriteTo(q, ethernet.Broadcast); err != nil {
				return nil, err
			}
		}
		if err := c.SetReadDeadline(time.Now().Add(pause)); err != nil {
			return nil, err
		}
		if err := hear(c, func(p *arp.Packet) bool {
			// Whoever speaks as the address has it, asking or answering.
			if open[p.SenderIP] && !bytes.Equal(p.SenderHardwareAddr, ifi.HardwareAddr) {
				found[p.SenderIP] = p.SenderHardwareAddr
				delete(open, p.SenderIP)
			}
			return len(open) == 0
		}); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(open) == 0 {
			break
		}
	}
	return found, nil
}

// hear takes what is said on the network until enough is heard or time is up.
func hear(c *arp.Client, enough func(*arp.Packet) bool) error {
	for {
		p, _, err := c.Read()
		var failed *net.OpError
		switch {
		case err == nil:
			if enough(p) {
				return nil
			}
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case errors.As(err, &failed):
			return err
		} // anything else is a frame that somebody has broken
	}
}

// Announce says once to everybody that the machine has the addresses: as a question, which all hosts of today heed, and as an answer, for those
// that heed these only.
func Announce(l Link, addrs []netip.Addr) error {
	c, ifi, err := open(l)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, addr := range addrs {
		for op, target := range map[arp.Operation]net.HardwareAddr{arp.OperationRequest: make(net.HardwareAddr, 6), arp.OperationReply: ifi.HardwareAddr} {
			p, err := arp.NewPacket(op, ifi.HardwareAddr, addr, target, addr)
			if err != nil {
				return err
			}
			if err := c.WriteTo(p, ethernet.Broadcast); err != nil {
				return err
			}
		}
	}
	return nil
}

func open(l Link) (*arp.Client, *net.Interface, error) {
	ifi, err := net.InterfaceByIndex(l.Index)
	if err != nil {
		return nil, nil, err
	}
	c, err := arp.Dial(ifi)
	return c, ifi, err
}
