package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"testing"

	hyper "github.com/hypercloud/hyper/api/client"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cloud/accounts"
	"github.com/hypercloud/hyper/internal/cloud/doctor"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/server"
	"github.com/hypercloud/hyper/internal/store"
)

// physician finds one thing, mends it, and fails at another.
type physician struct{ err error }

func (p *physician) report(mended bool) doctor.Report {
	return doctor.Report{Checks: []doctor.Check{
		{Name: "disk", Fact: "plenty"},
		{Account: "ann", Name: "rules", Findings: []doctor.Finding{{Finding: engine.Finding{Kind: engine.Drift, Text: "a rule is gone", Lines: []string{"- accept"}}, Mended: mended}}},
	}}
}

func (p *physician) Examine(context.Context) (doctor.Report, error) { return p.report(false), p.err }
func (p *physician) Mend(context.Context) (doctor.Report, error)    { return p.report(true), p.err }

func TestDoctorOverHTTP(t *testing.T) {
	st, err := store.Open(filepath.Join(t.TempDir(), "hyper.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := st.CreateAccount(t.Context(), accounts.Default); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	rules, err := accounts.New(accounts.Config{Store: st, Dir: filepath.Join(t.TempDir(), "tls"), Log: log, Belongings: noBelongings{}})
	if err != nil {
		t.Fatal(err)
	}
	p := &physician{}
	srv := httptest.NewServer(server.New(server.Config{Accounts: rules, Doctor: p, Auth: byName{rules}, Events: event.NewBus(), Log: log}).Handler())
	defer srv.Close()
	c, err := hyper.New(srv.URL, hyper.WithHeaders(map[string]string{types.HeaderAccount: accounts.Default}))
	if err != nil {
		t.Fatal(err)
	}
	want := func(mended bool) types.DoctorReport {
		return types.DoctorReport{Well: mended, Checks: []types.DoctorCheck{
			{Name: "disk", Fact: "plenty", Findings: []types.DoctorFinding{}},
			{Account: "ann", Name: "rules", Findings: []types.DoctorFinding{{Kind: "drift", Text: "a rule is gone", Lines: []string{"- accept"}, Mended: mended}}},
		}}
	}
	if got, err := c.Doctor(t.Context()); err != nil || !reflect.DeepEqual(got, want(false)) {
		t.Errorf("looking gives %+v, %v", got, err)
	}
	if got, err := c.DoctorMend(t.Context()); err != nil || !reflect.DeepEqual(got, want(true)) {
		t.Errorf("mending gives %+v, %v", got, err)
	}
	p.err = errors.New("no nft")
	failed := want(true)
	failed.Well, failed.Failed = false, "no nft"
	if got, err := c.DoctorMend(t.Context()); err != nil || !reflect.DeepEqual(got, failed) {
		t.Errorf("mending that fails in part gives %+v, %v", got, err)
	}
	if _, err := c.Doctor(t.Context()); err == nil {
		t.Error("looking that fails gives no error")
	}
}
