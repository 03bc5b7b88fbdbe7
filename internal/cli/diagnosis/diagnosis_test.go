package diagnosis

import (
	"strings"
	"testing"

	"github.com/hypercloud/hyper/api/types"
)

func TestWrite(t *testing.T) {
	drift := types.DoctorFinding{Kind: "drift", Text: "the chain forward lacks a rule", Lines: []string{"- ct state established accept"}}
	mended := drift
	mended.Mended = true
	machine := types.DoctorCheck{Name: "machine", Fact: "Linux 6.18"}
	for _, tc := range []struct {
		name string
		r    types.DoctorReport
		want []string
		only []string // without what is well
	}{
		{"all well", types.DoctorReport{Well: true, Checks: []types.DoctorCheck{machine, {Account: "ann", Name: "rules"}}}, []string{
			"machine",
			"  ok       machine              Linux 6.18",
			"account ann",
			"  ok       rules",
			"all is well",
		}, []string{"all is well"}},
		{"drift and a problem", types.DoctorReport{Checks: []types.DoctorCheck{
			{Name: "disk", Fact: "plenty", Findings: []types.DoctorFinding{{Kind: "problem", Text: "the disk is full"}, {Kind: "note", Text: "copies are full ones"}}},
			{Account: "ann", Name: "rules", Findings: []types.DoctorFinding{drift, drift}},
		}}, []string{
			"machine",
			"  problem  disk                 the disk is full",
			"  note     disk                 copies are full ones",
			"account ann",
			"  drift    rules                the chain forward lacks a rule",
			"                                  - ct state established accept",
			"  drift    rules                the chain forward lacks a rule",
			"                                  - ct state established accept",
			"2 things drifted: 'mend it' repairs them; 1 problem needs somebody to look at it",
		}, nil},
		{"mended", types.DoctorReport{Well: true, Checks: []types.DoctorCheck{{Account: "ann", Name: "rules", Findings: []types.DoctorFinding{mended}}}}, []string{
			"account ann",
			"  mended   rules                the chain forward lacks a rule",
			"                                  - ct state established accept",
			"1 thing is mended; all is well",
		}, nil},
		{"not mended", types.DoctorReport{Failed: "account ann: no uplink", Checks: []types.DoctorCheck{{Account: "ann", Name: "uplink"}}}, []string{
			"account ann",
			"  ok       uplink",
			"mending failed: account ann: no uplink",
		}, []string{"mending failed: account ann: no uplink"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			only := tc.only
			if only == nil {
				only = tc.want // nothing is well
			}
			for quiet, want := range map[bool][]string{false: tc.want, true: only} {
				var out strings.Builder
				if err := (Style{Mend: "mend it", Quiet: quiet}).Write(&out, tc.r); err != nil {
					t.Fatal(err)
				}
				if want := strings.Join(want, "\n") + "\n"; out.String() != want {
					t.Errorf("quiet %v: wrote\n%s\nwant\n%s", quiet, &out, want)
				}
			}
		})
	}
}
