package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/cloud/accounts"
	"github.com/hypercloud/hyper/internal/server"
)

// listen opens all hosts. The caller closes what is returned, also with an error.
func listen(c config, acc *accounts.Service) (out []net.Listener, err error) {
	var secure *tls.Config
	if slices.ContainsFunc(c.Hosts, func(h string) bool { return strings.HasPrefix(h, "tcp://") }) {
		if secure, err = tlsConfig(c, acc); err != nil {
			return nil, err
		}
	}
	for _, h := range c.Hosts {
		l, err := server.Listen(h, secure)
		if err != nil {
			return out, err
		}
		out = append(out, l)
	}
	if c.UploadHost != "" {
		l, err := server.ListenForUploads(c.UploadHost)
		if err != nil {
			return out, err
		}
		out = append(out, l)
	}
	return out, nil
}

// tlsConfig is how hyperd speaks TLS: 1.2 for the original client, and HTTP/1.1 only, since connections are taken over.
// Clients may show a certificate of hyperd's authority.
func tlsConfig(c config, acc *accounts.Service) (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: acc.CAPool()}
	var get func() (tls.Certificate, error)
	if c.TLS.Cert != "" {
		get = fromFiles(c.TLS.Cert, c.TLS.Key)
	} else {
		hosts := certificateHosts(c)
		get = func() (tls.Certificate, error) { return acc.ServerCertificate(hosts) }
	}
	if _, err := get(); err != nil {
		return nil, fmt.Errorf("the certificate for tcp:// hosts: %w", err)
	}
	out.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := get()
		return &cert, err
	}
	return out, nil
}

// fromFiles reads the operator's certificate again when its file has changed: whoever renews it need not restart hyperd.
// While the new one cannot be read, the last good one is shown.
func fromFiles(certFile, keyFile string) func() (tls.Certificate, error) {
	var mu sync.Mutex
	var cert tls.Certificate
	var read time.Time
	return func() (tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		st, err := os.Stat(certFile)
		if err == nil && st.ModTime().Equal(read) {
			return cert, nil
		}
		var fresh tls.Certificate
		if err == nil {
			fresh, err = tls.LoadX509KeyPair(certFile, keyFile)
		}
		switch {
		case err == nil:
			cert, read = fresh, st.ModTime()
		case cert.Certificate == nil:
			return cert, err
		}
		return cert, nil
	}
}

// certificateHosts are the names and addresses by which clients may know this machine.
func certificateHosts(c config) []string {
	hosts := append([]string{"localhost", "127.0.0.1", "::1"}, c.TLS.Names...)
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, name)
	}
	for _, h := range c.Hosts {
		address, ok := strings.CutPrefix(h, "tcp://")
		if !ok {
			continue
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			continue
		}
		if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
			hosts = append(hosts, host)
			continue
		}
		addrs, _ := net.InterfaceAddrs()
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
				hosts = append(hosts, n.IP.String())
			}
		}
	}
	return hosts
}
