package mail

import (
	"context"
	"crypto/x509"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
)

func sender(t *testing.T, c Config) *Sender {
	t.Helper()
	c.Log = slog.New(slog.DiscardHandler)
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSend(t *testing.T) {
	for name, tc := range map[string]struct {
		server    func(*smtpServer)
		change    func(*Config)
		encrypted bool
		says      string // "": it is sent
	}{
		"STARTTLS":                           {server: func(s *smtpServer) { s.offers = true }, encrypted: true},
		"STARTTLS and a user":                {server: func(s *smtpServer) { s.offers, s.password = true, "secret" }, change: user("secret"), encrypted: true},
		"TLS and a user":                     {server: func(s *smtpServer) { s.implicit, s.password = true, "secret" }, change: user("secret"), encrypted: true},
		"in clear":                           {server: func(*smtpServer) {}, change: func(c *Config) { c.Security = Clear }},
		"a wrong password":                   {server: func(s *smtpServer) { s.offers, s.password = true, "secret" }, change: user("other"), says: "535"},
		"STARTTLS is wanted and not offered": {server: func(*smtpServer) {}, says: "STARTTLS"},
		"a password is wanted and none is there": {
			server: func(s *smtpServer) { s.offers, s.password = true, "secret" }, says: "530",
		},
		"a certificate that nobody knows": {
			server: func(s *smtpServer) { s.offers = true }, change: func(c *Config) { c.Roots = x509.NewCertPool() }, says: "certificate",
		},
		"nobody of the name": {server: func(s *smtpServer) { s.offers, s.refuses = true, "550 nobody of that name" }, says: "550"},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, tc.server)
			c := server.config()
			if tc.change != nil {
				tc.change(&c)
			}
			err := sender(t, c).Send(t.Context(), "ann@example.com", "80 % of your budget\nBcc: eve@example.com", "You spent a lot.\n.\nEnd.\n")
			if tc.says != "" {
				if err == nil || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%v, want an error with %q", err, tc.says)
				}
				if len(server.got) > 0 {
					t.Errorf("the server got %+v", <-server.got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r := <-server.got
			if r.encrypted != tc.encrypted || r.from != "FROM:<hyper@example.com> BODY=8BITMIME" || r.to != "TO:<ann@example.com>" {
				t.Errorf("%+v", r)
			}
			head, body, _ := strings.Cut(r.data, "\n\n")
			if !strings.Contains(head, "Subject: 80 % of your budget Bcc: eve@example.com") || strings.Contains(head, "\nBcc:") {
				t.Errorf("the head is\n%s", head)
			}
			if !strings.Contains(head, "Auto-Submitted: auto-generated") || !strings.Contains(head, "text/plain") {
				t.Errorf("the head is\n%s", head)
			}
			if strings.TrimSpace(body) != "You spent a lot.\n.\nEnd." {
				t.Errorf("the body is\n%s", body)
			}
		})
	}
}

func user(password string) func(*Config) {
	return func(c *Config) { c.Username, c.Password = "hyper", password }
}

// A server that does not answer holds nobody longer than the time of an attempt, wherever it stops.
func TestAServerThatHangs(t *testing.T) {
	for _, at := range []string{"greeting", "EHLO", "STARTTLS", "MAIL", "RCPT", "DATA"} {
		t.Run(at, func(t *testing.T) {
			server := newServer(t, func(s *smtpServer) { s.offers, s.hangs = true, at })
			c := server.config()
			c.Timeout = 300 * time.Millisecond
			if err := sender(t, c).Send(t.Context(), "ann@example.com", "s", "b\n"); err == nil {
				t.Error("mail was sent")
			}
			c.Timeout = time.Hour
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if err := sender(t, c).Send(ctx, "ann@example.com", "s", "b\n"); err == nil {
				t.Error("mail was sent")
			}
		})
	}
}

func TestPostTriesAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		answer string
		want   int
	}{
		"a server that is busy":     {"451 come again", 3},
		"an address that is nobody": {"550 nobody of that name", 1},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, func(s *smtpServer) { s.offers, s.refuses = true, tc.answer })
			c := server.config()
			c.Pauses = []time.Duration{0, 0}
			s := sender(t, c)
			s.deliver(t.Context(), letter{"ann@example.com", "s", "b\n"})
			if n := server.attempts(); n != tc.want {
				t.Errorf("%d attempts, want %d", n, tc.want)
			}
		})
	}
}

func TestRun(t *testing.T) {
	server := newServer(t, func(s *smtpServer) { s.offers = true })
	s := sender(t, server.config())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); s.Run(ctx) }()
	for range 3 {
		s.Post("ann@example.com", "s", "b\n")
	}
	for range 3 {
		<-server.got
	}
	cancel()
	<-ended
	for range queued + 1 { // nobody sends any more: the last one is dropped, and Post does not wait
		s.Post("ann@example.com", "s", "b\n")
	}
}

func TestNew(t *testing.T) {
	good := Config{Host: "mail.example.com", From: "hyper@example.com"}
	for name, tc := range map[string]struct {
		change func(*Config)
		says   string
		port   int
	}{
		"as it is":                {func(*Config) {}, "", 587},
		"TLS":                     {func(c *Config) { c.Security = TLS }, "", 465},
		"in clear":                {func(c *Config) { c.Security = Clear }, "", 25},
		"a port":                  {func(c *Config) { c.Port = 2525 }, "", 2525},
		"an IPv6 address":         {func(c *Config) { c.Host = "2001:db8::1" }, "", 587},
		"no host":                 {func(c *Config) { c.Host = "" }, "smtp.host", 0},
		"a URL":                   {func(c *Config) { c.Host = "smtp://mail.example.com" }, "smtp.host", 0},
		"a host with its port":    {func(c *Config) { c.Host = "mail.example.com:25" }, "smtp.host", 0},
		"no sender":               {func(c *Config) { c.From = "" }, "smtp.from", 0},
		"another security":        {func(c *Config) { c.Security = "ssl" }, `smtp.tls "ssl"`, 0},
		"a port that is none":     {func(c *Config) { c.Port = 70000 }, "smtp.port 70000", 0},
		"no password":             {func(c *Config) { c.Username = "hyper" }, "smtp.password-file", 0},
		"a password in the clear": {func(c *Config) { c.Username, c.Password, c.Security = "hyper", "x", Clear }, "in clear", 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			tc.change(&c)
			s, err := New(c)
			if tc.says == "" {
				if err != nil || s.Port != tc.port {
					t.Errorf("port %v, %v", s, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want an error with %q", err, tc.says)
			}
		})
	}
}

func TestCheckAddress(t *testing.T) {
	for _, good := range []string{"ann@example.com", "root@localhost", "a.b+c@sub.example.com", strings.Repeat("a", 60) + "@" + strings.Repeat("b", 60) + ".com"} {
		if err := CheckAddress(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "ann", "@example.com", "ann@", "Ann <ann@example.com>", "<ann@example.com>", "ann@example.com, bob@example.com", "ann@example.com\r\nBcc: eve@example.com",
		"ann@example.com\n", "a b@example.com", `"a b"@example.com`, "änn@example.com", "ann@exämple.com", strings.Repeat("a", 250) + "@b.cc", "ann@example.com\x00",
	} {
		if err := CheckAddress(bad); !errdefs.IsInvalidArgument(err) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
