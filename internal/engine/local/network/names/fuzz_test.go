package names

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/hypercloud/hyper/internal/engine"
)

// FuzzMessages reads a tenant's question, and an upstream's answer to it, of any bytes. hyperd must live, and no address of the
// account come out.
func FuzzMessages(f *testing.F) {
	q, err := new(dns.Msg).SetQuestion("example.org.", dns.TypeA).SetEdns0(payload, true).Pack()
	if err != nil {
		f.Fatal(err)
	}
	question := new(dns.Msg)
	if err := question.Unpack(q); err != nil {
		f.Fatal(err)
	}
	a, err := records("$ 60 IN A 172.16.0.11", `$ 60 IN HTTPS 1 . ipv4hint="172.16.0.11"`, "extra", "$ 60 IN AAAA ::1")(question).Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(q, a)
	f.Add(raw(1, 0x0100, [4]uint16{1}), raw(1, 0x8000, [4]uint16{0, 1}))
	f.Add(raw(1, 0x0100, [4]uint16{1}, "\xc0\x0c\x00\x01\x00\x01"), a)
	from := netip.MustParseAddr("172.16.0.10")
	r := New([]string{"127.0.0.1:1"}, netip.MustParsePrefix("100.64.0.0/16"), nil)
	r.Set(engine.NetworkState{
		Networks:  []engine.PrivateNetwork{{ID: "internal", Subnet: netip.MustParsePrefix("10.0.0.0/24"), Internal: true}},
		Endpoints: []engine.Endpoint{{ContainerID: "me", Network: "internal", Address: from, Names: []string{"web"}}}, // so that nothing is forwarded
	})
	f.Fuzz(func(t *testing.T, asked, said []byte) {
		q, in := new(dns.Msg), new(dns.Msg)
		if q.Unpack(asked) == nil {
			m := r.answer(q, from, false)
			m.Truncate(dns.MinMsgSize)
			_, _ = m.Pack()
			if len(q.Question) == 1 {
				_, _ = outgoing(q).Pack()
			}
		}
		if in.Unpack(said) != nil {
			return
		}
		answers(in, question)
		g := r.table.Load().guard(r.machine)
		g.clean(in)
		if g.clean(in) {
			t.Errorf("addresses were left in %v", in)
		}
	})
}
