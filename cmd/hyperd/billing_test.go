package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/mail"
	"github.com/hypercloud/hyper/internal/metering"
)

func TestPriceBook(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if b, err := priceBook(""); err != nil || b != metering.Original() {
		t.Errorf("without a file: %v", err)
	}
	b, err := priceBook(file("free.yml", "currency: EUR\nprices: [{from: 2026-01-01, free: true}]\n"))
	if err != nil || b.Currency() != "EUR" {
		t.Errorf("free: %v", err)
	}
	bad := file("bad.yml", "currency: EUR\nprices: [{from: 2026-01-01, free: -1}]\n")
	if _, err := priceBook(bad); err == nil || !strings.HasPrefix(err.Error(), bad+": line 2 of the price book") {
		t.Errorf("a wrong one: %v", err)
	}
	if _, err := priceBook(filepath.Join(dir, "none.yml")); err == nil || !strings.HasPrefix(err.Error(), "reading the price book") {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestSMTP(t *testing.T) {
	dir := t.TempDir()
	secret, empty := filepath.Join(dir, "secret"), filepath.Join(dir, "empty")
	if err := os.WriteFile(secret, []byte(" pass word \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := read(t, "prices: /etc/hyper/prices.yml\nsmtp: {host: mail.example.com, port: 2525, username: hyper, password-file: "+secret+", from: hyper@example.com, tls: tls}\n")
	if err != nil || c.Prices != "/etc/hyper/prices.yml" {
		t.Fatalf("%+v, %v", c, err)
	}
	s, err := postOffice(c.SMTP, slog.Default())
	if err != nil || s.Host != "mail.example.com" || s.Port != 2525 || s.Username != "hyper" || s.Password != " pass word " || s.From != "hyper@example.com" || s.Security != mail.TLS {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := postOffice(smtp{}, slog.Default()); s != nil || err != nil {
		t.Errorf("without a server: %v, %v", s, err)
	}
	if s, err := postOffice(smtp{Host: "mail.example.com", From: "hyper@example.com"}, slog.Default()); err != nil || s.Security != mail.STARTTLS || s.Port != 587 {
		t.Errorf("as little as may be: %+v, %v", s, err)
	}
	for says, c := range map[string]smtp{
		"smtp.host is missing":  {From: "hyper@example.com"},
		"smtp.from":             {Host: "mail.example.com"},
		"smtp.tls":              {Host: "mail.example.com", From: "hyper@example.com", TLS: "ssl"},
		"smtp.port":             {Host: "mail.example.com", From: "hyper@example.com", Port: -1},
		"is empty":              {Host: "mail.example.com", From: "hyper@example.com", Username: "x", PasswordFile: empty},
		"no such file":          {Host: "mail.example.com", From: "hyper@example.com", Username: "x", PasswordFile: filepath.Join(dir, "none")},
		"go together":           {Host: "mail.example.com", From: "hyper@example.com", Username: "x"},
		"is not sent in clear:": {Host: "mail.example.com", From: "hyper@example.com", Username: "x", PasswordFile: secret, TLS: "none"},
	} {
		if _, err := postOffice(c, slog.Default()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", c, err, says)
		}
	}
}
