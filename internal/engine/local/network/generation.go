package network

import (
	"encoding/binary"
	"fmt"
	"os/exec"
	"time"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// generation counts the replacements of rules in a router's namespace, which only its hyperd makes. The nft program ends
// some 20 ms after its rules are in force, since the kernel lets it wait until the old ones are forgotten; who looks
// at the count need not wait for that.
type generation struct{ socket *nl.SocketHandle }

func watchGeneration(ns netns.NsHandle) (*generation, error) {
	s, err := nl.GetNetlinkSocketAt(ns, netns.None(), unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	return &generation{&nl.SocketHandle{Socket: s}}, nil
}

func (g *generation) close() { g.socket.Close() }

func (g *generation) now() (uint32, error) {
	req := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETGEN, 0)
	req.AddData(&nl.Nfgenmsg{})
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_NETFILTER: g.socket}
	msgs, err := req.Execute(unix.NETLINK_NETFILTER, 0)
	if err != nil {
		return 0, err
	}
	for _, m := range msgs {
		if len(m) < nl.SizeofNfgenmsg {
			continue
		}
		attrs, err := nl.ParseRouteAttr(m[nl.SizeofNfgenmsg:])
		if err != nil {
			return 0, err
		}
		for _, a := range attrs {
			if a.Attr.Type&nl.NLA_TYPE_MASK == unix.NFTA_GEN_ID && len(a.Value) == 4 {
				return binary.BigEndian.Uint32(a.Value), nil
			}
		}
	}
	return 0, fmt.Errorf("the kernel does not tell the generation of its rules")
}

// replace applies a text in the router's namespace and returns as soon as it is in force. The text is one transaction.
func (g *generation) replace(ns netns.NsHandle, text string) error {
	before, err := g.now()
	if err != nil {
		return err
	}
	var cmd *exec.Cmd
	var out *output
	if err := within(ns, func() error {
		cmd, out = nft(text)
		return started(cmd.Start())
	}); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- finished(cmd.Wait(), out) }()
	tick := time.NewTicker(250 * time.Microsecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
			if after, err := g.now(); err == nil && after != before {
				return nil
			}
		}
	}
}
