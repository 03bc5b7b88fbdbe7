package session

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/hypercloud/hyper/internal/cli/clouds"
	"github.com/hypercloud/hyper/internal/cli/gateway"
)

// passed is what the libraries are told of a server that is reached through the gateway: a socket, so that they use
// neither TLS nor a proxy of their own. They never open it.
const passed = "unix:///gateway"

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// remote is the way to a server of another machine. The user hears of missing keys when a request is about to be
// sent, and not from commands that send none.
func remote(c Config, headers map[string]string, warn io.Writer) (dialer, error) {
	address, base, err := c.Server.Endpoint()
	if err != nil {
		return nil, err
	}
	trust, err := clouds.TLS(c.Certificates, c.Server.Insecure)
	if err != nil {
		return nil, err
	}
	way := gateway.New(gateway.Config{Address: address, BasePath: base, TLS: trust, Key: c.Server.Key, Region: c.Server.Region})
	if c.Server.Key.Access != "" || len(trust.Certificates) > 0 || authorized(headers) {
		return way.Dial, nil
	}
	var once sync.Once
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		once.Do(func() { fmt.Fprintln(warn, "WARNING: null cloud config") })
		return way.Dial(ctx, network, address)
	}, nil
}

// authorized reports whether the user's own headers prove the account.
func authorized(headers map[string]string) bool {
	for name := range headers {
		if strings.EqualFold(name, "Authorization") {
			return true
		}
	}
	return false
}
