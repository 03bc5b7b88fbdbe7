package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/hypercloud/hyper/api/client"
	"github.com/hypercloud/hyper/api/types"
	"github.com/moby/moby/api/types/container"
)

// TestUsageCalls states for each call what is sent. The answer comes back as it was sent, encoded again.
func TestUsageCalls(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	november := client.UsageOptions{Since: time.Date(2026, 11, 1, 1, 0, 0, 0, berlin), Until: time.Date(2026, 11, 8, 0, 0, 0, 500, time.UTC), By: "kind"}
	const ofNovember = "since=2026-11-01T00%3A00%3A00Z&until=2026-11-08T00%3A00%3A00.0000005Z"
	const state = `{"Currency":"USD","Month":"2026-11","Spent":"0.72","Own":{"Amount":"10"},"Percent":7}`
	const bill = `{"Account":"ann","Id":"9f","Month":"2026-11","Currency":"USD","Final":true,"Lines":null,"Total":"8.28","Exact":"8.284","Seq":7}`
	const use = `{"Account":"ann","Since":"2026-11-01T00:00:00Z","Until":"2026-11-08T00:00:00Z","By":"kind","Currency":"USD","Provisional":false,"Lines":null,"Total":"0.72"}`
	const entry = `{"Seq":8,"Kind":"correction","Resource":"","Name":"","Quantity":1,"Start":"2026-11-01T00:00:00Z","End":"2026-11-01T00:00:00Z","LeastMillis":0,` +
		`"Amount":"-1.50","Note":"down"}`
	for name, c := range map[string]struct {
		call   func(context.Context, *client.Client) (any, error)
		want   string // the request
		answer string // "": 204
	}{
		"usage": {
			func(ctx context.Context, c *client.Client) (any, error) { return c.Usage(ctx, november) }, "GET /usage?by=kind&" + ofNovember, use,
		},
		"usage of this month": {
			func(ctx context.Context, c *client.Client) (any, error) { return c.Usage(ctx, client.UsageOptions{}) }, "GET /usage", use,
		},
		"usage of an account": {
			func(ctx context.Context, c *client.Client) (any, error) { return c.AccountUsage(ctx, "a/b", november) },
			"GET /accounts/a%2Fb/usage?by=kind&" + ofNovember, use,
		},
		"bill": {
			func(ctx context.Context, c *client.Client) (any, error) { return c.Bill(ctx, "2026-11") }, "GET /bill?month=2026-11", bill,
		},
		"this month's bill": {
			func(ctx context.Context, c *client.Client) (any, error) { return c.Bill(ctx, "") }, "GET /bill", bill,
		},
		"bill of an account": {
			func(ctx context.Context, c *client.Client) (any, error) { return c.AccountBill(ctx, "ann", "2026-11") },
			"GET /accounts/ann/bill?month=2026-11", bill,
		},
		"bills": {
			func(ctx context.Context, c *client.Client) (any, error) { return c.AccountBills(ctx, "2026-11") }, "GET /bills?month=2026-11",
			`[{"Account":"ann","Id":"9f","Former":true,"Currency":"USD","Total":"8.28","Exact":"8.284"}]`,
		},
		"prices": {
			func(ctx context.Context, c *client.Client) (any, error) { return c.Prices(ctx) }, "GET /prices",
			`{"Currency":"USD","Versions":[{"From":"2026-01-01","Containers":{"s4":"0.000002"},"RootFS":"0.1","Volume":"0.1","Snapshot":"0.05","Image":"0.1","FloatingIP":"1",` +
				`"Service":"0.000003"}]}`,
		},
		"budget": {
			func(ctx context.Context, c *client.Client) (any, error) { return c.Budget(ctx) }, "GET /budget", state,
		},
		"set a budget": {
			func(ctx context.Context, c *client.Client) (any, error) {
				return c.BudgetSet(ctx, types.Budget{Amount: "10", Mail: "ann@example.com"})
			}, `PUT /budget {"Amount":"10","Mail":"ann@example.com"}`, state,
		},
		"remove a budget": {
			func(ctx context.Context, c *client.Client) (any, error) { return nil, c.BudgetRemove(ctx) }, "DELETE /budget", "",
		},
		"budget of an account": {
			func(ctx context.Context, c *client.Client) (any, error) { return c.AccountBudget(ctx, "ann") }, "GET /accounts/ann/budget", state,
		},
		"set a budget of an account": {
			func(ctx context.Context, c *client.Client) (any, error) {
				return c.AccountBudgetSet(ctx, "ann", types.Budget{Amount: "10", Stop: true})
			}, `PUT /accounts/ann/budget {"Amount":"10","Stop":true}`, state,
		},
		"remove a budget of an account": {
			func(ctx context.Context, c *client.Client) (any, error) {
				return nil, c.AccountBudgetRemove(ctx, "ann")
			}, "DELETE /accounts/ann/budget", "",
		},
		"correct": {
			func(ctx context.Context, c *client.Client) (any, error) {
				return c.AccountCorrect(ctx, "ann", types.CorrectionCreate{Amount: "-1.50", Note: "down"})
			}, `POST /accounts/ann/corrections {"Amount":"-1.50","Note":"down"}`, entry,
		},
		"entries": {
			func(ctx context.Context, c *client.Client) (any, error) {
				var list []types.LedgerEntry
				err := c.UsageEntries(ctx, november, func(e types.LedgerEntry) error { list = append(list, e); return nil })
				return list, err
			}, "GET /usage/entries?" + ofNovember, "[" + entry + "," + entry + "]",
		},
		"entries of an account": {
			func(ctx context.Context, c *client.Client) (any, error) {
				list := []types.LedgerEntry{}
				err := c.AccountUsageEntries(ctx, "a/b", client.UsageOptions{}, func(e types.LedgerEntry) error { list = append(list, e); return nil })
				return list, err
			}, "GET /accounts/a%2Fb/usage/entries", "[]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			cl := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + string(body))
				if c.answer == "" {
					w.WriteHeader(http.StatusNoContent)
				}
				io.WriteString(w, c.answer)
			})
			result, err := c.call(t.Context(), cl)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("sent %s, want %s", got, c.want)
			}
			if c.answer == "" {
				return
			}
			if again, err := json.Marshal(result); err != nil || string(again) != c.answer {
				t.Errorf("understood %s (%v), want %s", again, err, c.answer)
			}
		})
	}
}

func TestEstimate(t *testing.T) {
	cl := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var request container.CreateRequest
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil || request.Image != "nginx" {
			t.Errorf("got the request %+v, %v", request, err)
		}
		if got := r.Method + " " + r.URL.RequestURI(); got != "POST /containers/estimate?name=web" {
			t.Errorf("sent %s", got)
		}
		io.WriteString(w, `{"Currency":"USD","Lines":[{"Kind":"image","Quantity":1,"There":true,"PerMonth":"0.1"}],"PerHour":"0.0072","PerMonth":"5.184"}`)
	})
	got, err := cl.ContainerEstimate(t.Context(), "web", container.CreateRequest{Config: &container.Config{Image: "nginx"}})
	if err != nil {
		t.Fatal(err)
	}
	if got.PerMonth != "5.184" || len(got.Lines) != 1 || !got.Lines[0].There {
		t.Errorf("got %+v", got)
	}
}

// A list of entries that breaks off is no shorter list.
func TestEntriesThatBreakOff(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		given  int
		fails  bool
	}{
		"none":              {`[]`, 0, false},
		"nothing":           {``, 0, true},
		"no end":            {`[{"Seq":1},{"Seq":2}`, 2, true},
		"half an entry":     {`[{"Seq":1},{"Se`, 1, true},
		"a comma, no entry": {`[{"Seq":1},`, 1, true},
		"no list":           {`{"Seq":1}`, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			cl := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, c.answer) })
			given := 0
			err := cl.UsageEntries(t.Context(), client.UsageOptions{}, func(types.LedgerEntry) error { given++; return nil })
			if (err != nil) != c.fails || given != c.given {
				t.Errorf("%d entries and the error %v", given, err)
			}
		})
	}
}

func TestEntriesEndWithAnErrorOfTheirReader(t *testing.T) {
	cl := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `[{"Seq":1},{"Seq":2}]`) })
	enough := errors.New("enough")
	given := 0
	if err := cl.UsageEntries(t.Context(), client.UsageOptions{}, func(types.LedgerEntry) error { given++; return enough }); !errors.Is(err, enough) || given != 1 {
		t.Errorf("%d entries and the error %v", given, err)
	}
	cl = serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"message":"the time ends before it begins"}`)
	})
	if err := cl.UsageEntries(t.Context(), client.UsageOptions{}, nil); !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), "ends before it begins") {
		t.Errorf("got %v", err)
	}
	if err := cl.AccountUsageEntries(t.Context(), "..", client.UsageOptions{}, nil); !errdefs.IsInvalidArgument(err) {
		t.Errorf("got %v", err)
	}
}
