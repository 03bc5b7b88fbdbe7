package hyper

import (
	"context"
	"net/http"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/doctor"
	"github.com/hypercloud/hyper/internal/server/rest"
)

func (api *API) doctorRoutes() []rest.Route {
	return []rest.Route{
		{Method: http.MethodGet, Pattern: "/doctor", Handle: api.examine, Operator: true},
		{Method: http.MethodPost, Pattern: "/doctor/mend", Handle: api.mend, Operator: true},
	}
}

// The calls of this file are the operator's, and about all accounts; the one that it acts as does not matter.

func (api *API) examine(ctx context.Context, _ account.Ref, w http.ResponseWriter, _ *http.Request) error {
	r, err := api.Doctor.Examine(ctx)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, reportOf(r))
}

func (api *API) mend(ctx context.Context, _ account.Ref, w http.ResponseWriter, _ *http.Request) error {
	r, err := api.Doctor.Mend(ctx)
	if err != nil && len(r.Checks) == 0 {
		return err
	}
	out := reportOf(r)
	if err != nil {
		out.Well, out.Failed = false, err.Error()
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func reportOf(r doctor.Report) types.DoctorReport {
	out := types.DoctorReport{Well: r.Well(), Checks: []types.DoctorCheck{}}
	for _, c := range r.Checks {
		check := types.DoctorCheck{Account: c.Account, Name: c.Name, Fact: c.Fact, Findings: []types.DoctorFinding{}}
		for _, f := range c.Findings {
			check.Findings = append(check.Findings, types.DoctorFinding{Kind: string(f.Kind), Text: f.Text, Lines: f.Lines, Mended: f.Mended})
		}
		out.Checks = append(out.Checks, check)
	}
	return out
}
