// Package mail sends what hyperd has to tell by mail, through the SMTP server that the operator configured.
//
// Mail is plain text to one address. Post never waits: mail is queued in memory and sent by Run, which tries a few times, each within a bounded
// time, and then logs that it could not. What is queued when hyperd ends is lost; who posts says elsewhere too what is in it.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Security is how the connection to the server is protected.
type Security string

// The ways.
const (
	STARTTLS Security = "starttls" // required: without it nothing is sent
	TLS      Security = "tls"      // from the first byte
	Clear    Security = "none"     // not at all, and without a password
)

// port is the usual one.
func (s Security) port() int {
	return map[Security]int{STARTTLS: 587, TLS: 465, Clear: 25}[s]
}

// Config says through which server mail is sent.
type Config struct {
	Host     string
	Port     int // 0: 587, 465 with TLS, 25 in clear
	Username string
	Password string
	From     string
	Security Security // "": STARTTLS
	// Roots verify the server's certificate; nil: those of the machine.
	Roots *x509.CertPool
	// Timeout bounds one attempt. Default 30 s.
	Timeout time.Duration
	// Pauses are made before each attempt but the first. Default 10 s and a minute: three attempts.
	Pauses []time.Duration
	Log    *slog.Logger
}

const (
	senders = 4   // that work at once
	queued  = 256 // letters that may wait
)

// Sender sends mail.
type Sender struct {
	Config

	queue chan letter
}

type letter struct{ to, subject, body string }

// New returns a Sender. Errors are sentences about what is wrong with the Config.
func New(c Config) (*Sender, error) {
	if c.Security == "" {
		c.Security = STARTTLS
	}
	switch {
	case c.Host == "" || strings.ContainsAny(c.Host, "/: ") && net.ParseIP(c.Host) == nil:
		return nil, fmt.Errorf("smtp.host %q is no host: give the name or address of the server that takes mail", c.Host)
	case c.Security.port() == 0:
		return nil, fmt.Errorf("smtp.tls %q is none of starttls, tls and none", c.Security)
	case c.Port < 0 || c.Port > 65535:
		return nil, fmt.Errorf("smtp.port %d is no port: give one from 1 to 65535, or leave it out", c.Port)
	case (c.Username == "") != (c.Password == ""):
		return nil, errors.New("smtp.username and smtp.password-file go together: give both, or neither")
	case c.Username != "" && c.Security == Clear:
		return nil, errors.New("smtp.password-file is not sent in clear: set smtp.tls to starttls or tls, or leave smtp.username out")
	}
	if err := CheckAddress(c.From); err != nil {
		return nil, fmt.Errorf("smtp.from: %w", err)
	}
	if c.Port == 0 {
		c.Port = c.Security.port()
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Pauses == nil {
		c.Pauses = []time.Duration{10 * time.Second, time.Minute}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Sender{Config: c, queue: make(chan letter, queued)}, nil
}

// Post queues a mail. Lines of body end with \n. If too many wait, it is logged and dropped.
func (s *Sender) Post(to, subject, body string) {
	select {
	case s.queue <- letter{to, subject, body}:
	default:
		s.Log.Error("mail is not sent, since too much of it waits", "to", to, "subject", subject, "waiting", queued)
	}
}

// Run sends what is posted, until ctx is done.
func (s *Sender) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for range senders {
		all.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case l := <-s.queue:
					s.deliver(ctx, l)
				}
			}
		})
	}
}

// deliver tries to send a letter, and tells the log how that ends.
func (s *Sender) deliver(ctx context.Context, l letter) {
	for try := 0; ; try++ {
		err := s.Send(ctx, l.to, l.subject, l.body)
		if err == nil {
			s.Log.Info("mail was sent", "to", l.to, "subject", l.subject)
			return
		}
		if try == len(s.Pauses) || final(err) || ctx.Err() != nil {
			s.Log.Error("mail could not be sent", "to", l.to, "subject", l.subject, "attempts", try+1, "error", err)
			return
		}
		s.Log.Warn("mail could not be sent: it is tried again", "to", l.to, "subject", l.subject, "after", s.Pauses[try], "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(s.Pauses[try]):
		}
	}
}

// final tells that the server has refused for good.
func final(err error) bool {
	var refused *gomail.SendError
	return errors.As(err, &refused) && refused.ErrorCode() >= 500
}

// Send sends a mail, once and now, within the Timeout.
func (s *Sender) Send(ctx context.Context, to, subject, body string) error {
	if err := CheckAddress(to); err != nil {
		return err
	}
	m := gomail.NewMsg()
	if err := errors.Join(m.From(s.From), m.To(to)); err != nil {
		return err
	}
	m.Subject(strings.Join(strings.Fields(subject), " "))
	m.SetDate()
	m.SetMessageID()
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetBodyString(gomail.TypeTextPlain, body)

	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	if err := client.DialAndSendWithContext(ctx, m); err != nil {
		if m.IsDelivered() { // it was only the farewell
			return nil
		}
		return fmt.Errorf("asking %s to send mail: %w", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), err)
	}
	return nil
}

// client makes a client whose connection is closed with ctx, whatever the server does.
func (s *Sender) client(ctx context.Context) (*gomail.Client, error) {
	trust := &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	dial := (&net.Dialer{}).DialContext
	policy := gomail.TLSMandatory
	options := []gomail.Option{gomail.WithPort(s.Port), gomail.WithTimeout(s.Timeout), gomail.WithTLSConfig(trust)}
	switch s.Security {
	case TLS:
		options = append(options, gomail.WithSSL())
		dial = (&tls.Dialer{Config: trust}).DialContext
	case Clear:
		policy = gomail.NoTLS
	case STARTTLS:
	}
	options = append(options, gomail.WithTLSPolicy(policy), gomail.WithDialContextFunc(func(dialing context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(dialing, network, addr)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = conn.Close() })
		}
		return conn, err
	}))
	if s.Username != "" {
		options = append(options, gomail.WithUsername(s.Username), gomail.WithPassword(s.Password), gomail.WithOpportunisticSMTPAuth(
			gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return gomail.NewClient(s.Host, options...)
}
