package names

import (
	"encoding/binary"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// raw writes a question byte by byte: flags, counts of the sections, and what follows.
func raw(id, flags uint16, counts [4]uint16, body ...string) []byte {
	b := binary.BigEndian.AppendUint16(nil, id)
	b = binary.BigEndian.AppendUint16(b, flags)
	for _, n := range counts {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return append(b, strings.Join(body, "")...)
}

// TestQuestionsThatAreNone sends what no resolver should, and after each a question that is one: its answer shows that what has
// none will have none.
func TestQuestionsThatAreNone(t *testing.T) {
	up, asked := upstream(t, says("192.0.2.99"))
	r := resolver(t, up)
	const (
		rd, qr  = 0x0100, 0x8000
		web     = "\x03web\x00\x00\x01\x00\x01"
		org     = "\x07example\x03org\x00"
		silence = ""
	)
	one := [4]uint16{1}
	long := strings.Repeat("\x3f"+strings.Repeat("x", 63), 5) + "\x00\x00\x01\x00\x01" // 320 bytes of name
	bomb := strings.Repeat("\xc0\x0c", 1000)
	opt := func(version byte) string { return "\x00\x00\x29\x04\xd0\x00" + string(version) + "\x00\x00\x00\x00" }
	for _, tc := range []struct {
		what string
		m    []byte
		want string
	}{
		{"an answer", raw(1, qr|rd, one, web), silence},
		{"an answer of nothing", raw(1, qr, [4]uint16{}), silence},
		{"a few bytes", []byte{0, 1, 1}, silence},
		{"no question", raw(1, rd, [4]uint16{}), "FORMERR"},
		{"two questions", raw(1, rd, [4]uint16{2}, web, web), "FORMERR"},
		{"65535 questions", raw(1, rd, [4]uint16{65535}, web), "FORMERR"},
		{"a question that is missing", raw(1, rd, one), "FORMERR"},
		{"half a question", raw(1, rd, one, "\x03web\x00\x00"), "FORMERR"},
		{"answers in the question", raw(1, rd, [4]uint16{1, 1}, web, web+"\x00\x00\x00\x00\x00\x04\x01\x02\x03\x04"), "FORMERR"},
		{"many additional records", raw(1, rd, [4]uint16{1, 0, 0, 9}, web), "FORMERR"},
		{"a name of 320 bytes", raw(1, rd, one, long), "FORMERR"},
		{"a name that leads to itself", raw(1, rd, one, "\xc0\x0c\x00\x01\x00\x01"), "FORMERR"},
		{"a name that leads ahead", raw(1, rd, one, "\xff\xff\x00\x01\x00\x01"), "FORMERR"},
		{"names that lead to each other", raw(1, rd, one, "\x01a"+bomb), "FORMERR"},
		{"a label of an unknown kind", raw(1, rd, one, "\x80web\x00\x00\x01\x00\x01"), "FORMERR"},
		{"an update", raw(1, dns.OpcodeUpdate<<11, one, web), "NOTIMP"},
		{"a notification", raw(1, dns.OpcodeNotify<<11, one, web), "NOTIMP"},
		{"an inverse question", raw(1, dns.OpcodeIQuery<<11, one, web), "NOTIMP"},
		{"opcode 15", raw(1, 15<<11, one, web), "NOTIMP"},
		{"class CHAOS", raw(1, rd, one, "\x07version\x04bind\x00\x00\x10\x00\x03"), "REFUSED"},
		{"a container in class CHAOS", raw(1, rd, one, "\x03web\x00\x00\x01\x00\x03"), "REFUSED"},
		{"class ANY", raw(1, rd, one, org+"\x00\x01\x00\xff"), "REFUSED"},
		{"a transfer", raw(1, rd, one, org+"\x00\xfc\x00\x01"), "REFUSED"},
		{"a transfer of changes", raw(1, rd, one, org+"\x00\xfb\x00\x01"), "REFUSED"},
		{"type OPT", raw(1, rd, one, org+"\x00\x29\x00\x01"), "REFUSED"},
		{"type 0", raw(1, rd, one, org+"\x00\x00\x00\x01"), "REFUSED"},
		{"EDNS of a version to come", raw(1, rd, [4]uint16{1, 0, 0, 1}, web, opt(1)), "BADSIG"}, // which has the number of BADVERS
		{"EDNS", raw(1, rd, [4]uint16{1, 0, 0, 1}, web, opt(0)), "NOERROR 172.16.0.10"},
		{"bytes after the question", raw(1, rd, one, web, "more"), "NOERROR 172.16.0.10"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			conn, err := net.Dial("udp4", r.address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			var got []string
			for _, m := range [][]byte{tc.m, raw(2, rd, one, web)} {
				if _, err := conn.Write(m); err != nil {
					t.Fatal(err)
				}
			}
			for !slices.Contains(got, "2 NOERROR 172.16.0.10") || tc.want != silence && len(got) < 2 {
				b := make([]byte, 4096)
				n, err := conn.Read(b)
				if err != nil {
					t.Fatalf("after %v: %v", got, err)
				}
				in := new(dns.Msg)
				if err := in.Unpack(b[:n]); err != nil {
					t.Fatal(err)
				}
				if !in.Response {
					t.Error("the answer is none")
				}
				got = append(got, string('0'+rune(in.Id))+" "+text(in))
			}
			want := []string{"2 NOERROR 172.16.0.10"}
			if tc.want != silence {
				want = []string{"1 " + tc.want, "2 NOERROR 172.16.0.10"}
			}
			slices.Sort(got) // datagrams overtake each other
			if !slices.Equal(got, want) {
				t.Errorf("answers are %q, want %q", got, want)
			}
		})
	}
	if len(r.places) != 0 {
		t.Errorf("%d datagrams are still under way", len(r.places))
	}
	if asked.Load() != 0 {
		t.Errorf("the upstream was asked %d times", asked.Load())
	}
}
