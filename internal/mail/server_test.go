package mail

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"
)

// smtpServer is as much of a mail server as it takes to be sent to.
type smtpServer struct {
	t        *testing.T
	listener net.Listener
	cert     tls.Certificate
	roots    *x509.CertPool

	implicit bool   // TLS from the first byte
	offers   bool   // STARTTLS
	hangs    string // the command that is never answered; "greeting" is none
	refuses  string // the answer to RCPT
	password string // of the user "hyper"; "": none is asked for

	mu    sync.Mutex
	conns int
	got   chan received
}

type received struct {
	from, to, data, user string
	encrypted            bool
}

func newServer(t *testing.T, set func(*smtpServer)) *smtpServer {
	t.Helper()
	s := &smtpServer{t: t, got: make(chan received, 16)}
	s.cert, s.roots = certificate(t)
	set(s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if s.implicit {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{s.cert}})
	}
	s.listener = l
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
			all.Go(func() { defer conn.Close(); s.talk(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return s
}

// attempts is how often somebody came.
func (s *smtpServer) attempts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

func (s *smtpServer) config() Config {
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	c := Config{Host: "127.0.0.1", From: "hyper@example.com", Roots: s.roots, Security: STARTTLS}
	fmt.Sscan(port, &c.Port)
	if s.implicit {
		c.Security = TLS
	}
	return c
}

func (s *smtpServer) talk(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(time.Minute)) // the test is over long before
	if s.hangs == "greeting" {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	r := received{encrypted: s.implicit}
	text := textproto.NewReader(bufio.NewReader(conn))
	say := func(lines ...string) { fmt.Fprint(conn, strings.Join(lines, "\r\n")+"\r\n") }
	say("220 test")
	for {
		line, err := text.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		verb = strings.ToUpper(verb)
		if verb == s.hangs {
			_, _ = io.Copy(io.Discard, conn)
			return
		}
		switch verb {
		case "EHLO":
			offer := []string{"250-test"}
			if s.offers && !r.encrypted {
				offer = append(offer, "250-STARTTLS")
			}
			if s.password != "" {
				offer = append(offer, "250-AUTH PLAIN")
			}
			say(append(offer, "250 8BITMIME")...)
		case "STARTTLS":
			say("220 go on")
			conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.cert}})
			text = textproto.NewReader(bufio.NewReader(conn))
			r.encrypted = true
		case "AUTH":
			_, initial, _ := strings.Cut(rest, " ")
			plain, _ := base64.StdEncoding.DecodeString(initial)
			if string(plain) != "\x00hyper\x00"+s.password {
				say("535 who?")
				continue
			}
			r.user = "hyper"
			say("235 welcome")
		case "MAIL":
			if s.password != "" && r.user == "" {
				say("530 who?")
				continue
			}
			r.from = rest
			say("250 ok")
		case "RCPT":
			r.to = rest
			if s.refuses != "" {
				say(s.refuses)
				continue
			}
			say("250 ok")
		case "DATA":
			say("354 go on")
			lines, err := text.ReadDotLines()
			if err != nil {
				return
			}
			r.data = strings.Join(lines, "\n")
			s.got <- r
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), NotBefore: time.Now().Add(-time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
