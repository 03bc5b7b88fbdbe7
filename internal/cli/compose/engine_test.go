package compose

import (
	"context"
	"slices"
	"testing"

	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

func TestAdapt(t *testing.T) {
	for name, c := range map[string]struct {
		number, oneOff string
		fip            bool
	}{
		"the first": {"1", "False", true}, "another": {"2", "False", false}, "of run": {"", "True", false},
	} {
		t.Run(name, func(t *testing.T) {
			of := &container.Config{Labels: map[string]string{
				api.ProjectLabel: "shop", api.ServiceLabel: "web", api.OneoffLabel: c.oneOff, labelFIP: "198.18.0.2", labelSources: "https://example.org/a:/a",
			}}
			if c.number != "" {
				of.Labels[api.ContainerNumberLabel] = c.number
			}
			host := &container.HostConfig{Binds: []string{"data:/data"}, Links: []string{"shop-db-1:mysql", "shop-db-1:db-1", "shop-db-1:shop-db-1"}}
			adapt(of, host)
			if l := of.Labels; l["sh.hyper.compose.project"] != "shop" || l["sh.hyper.compose.service"] != "web" || l["sh.hyper.compose.oneoff"] != c.oneOff ||
				l["sh.hyper.compose.container-number"] != c.number || l["sh.hyper.compose.version"] != "1.5.0" {
				t.Errorf("labels are %v", l)
			}
			if _, asks := of.Labels[labelFIP]; asks != c.fip {
				t.Errorf("it asks for a floating IP: %v", asks)
			}
			if !slices.Equal(host.Links, []string{"shop-db-1:mysql", "shop-db-1:shop-db-1"}) || !slices.Equal(host.Binds, []string{"data:/data", "https://example.org/a:/a"}) {
				t.Errorf("links are %v, volumes %v", host.Links, host.Binds)
			}
		})
	}
}

// stops is a server that hears of stops and starts only.
type stops struct {
	client.APIClient
	timeout *int
}

func (s *stops) ContainerStop(_ context.Context, _ string, o client.ContainerStopOptions) (client.ContainerStopResult, error) {
	s.timeout = o.Timeout
	return client.ContainerStopResult{}, nil
}

func (s *stops) ContainerStart(context.Context, string, client.ContainerStartOptions) (client.ContainerStartResult, error) {
	return client.ContainerStartResult{}, nil
}

func TestHurry(t *testing.T) {
	server := &stops{}
	e := newEngine(server)
	if _, err := e.ContainerStop(t.Context(), "x", client.ContainerStopOptions{}); err != nil || server.timeout != nil {
		t.Errorf("stopped with %v, %v", server.timeout, err)
	}
	e.hurry(0)
	if _, err := e.ContainerStop(t.Context(), "x", client.ContainerStopOptions{}); err != nil || server.timeout == nil || *server.timeout != 0 {
		t.Errorf("stopped with %v, %v", server.timeout, err)
	}
}

// Who did not run when an address was found for him gets it when he does, once.
func TestStartGivesTheAddress(t *testing.T) {
	e := newEngine(&stops{})
	e.attach["x"] = "198.18.0.2"
	var given []string
	e.give = func(_ context.Context, fip, container string) error {
		given = append(given, container+"="+fip)
		return nil
	}
	for _, id := range []string{"y", "x", "x"} {
		if _, err := e.ContainerStart(t.Context(), id, client.ContainerStartOptions{}); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(given, []string{"x=198.18.0.2"}) {
		t.Errorf("given are %v", given)
	}
}
