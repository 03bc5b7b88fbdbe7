package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/hypercloud/hyper/internal/mail"
	"github.com/hypercloud/hyper/internal/metering"
)

// priceBook reads the file of the price book; "" is that of the original's prices.
func priceBook(file string) (*metering.Book, error) {
	if file == "" {
		return metering.Original(), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the price book: %w", err)
	}
	book, err := metering.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return book, nil
}

// postOffice is what sends mail, or nil if there is to be none.
func postOffice(c smtp, log *slog.Logger) (*mail.Sender, error) {
	if c == (smtp{}) {
		return nil, nil //nolint:nilnil // none is wanted
	}
	if c.Host == "" {
		return nil, errors.New("smtp.host is missing: name the server that takes mail, or leave all of smtp out")
	}
	password := ""
	if c.PasswordFile != "" {
		text, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("smtp.password-file: %w", err)
		}
		if password = strings.TrimRight(string(text), "\r\n"); password == "" {
			return nil, fmt.Errorf("smtp.password-file %s is empty", c.PasswordFile)
		}
	}
	return mail.New(mail.Config{
		Host: c.Host, Port: c.Port, Username: c.Username, Password: password, From: c.From, Security: mail.Security(c.TLS), Log: log,
	})
}
