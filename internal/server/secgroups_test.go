package server_test

import (
	"strings"
	"testing"
)

// TestSecurityGroupCalls goes through the calls of security groups as a user would, with the words of each answer.
func TestSecurityGroupCalls(t *testing.T) {
	tn := newTown(t)
	for _, name := range []string{annsGroup, annsPeers} {
		tn.must("DELETE", "/v1.23/sg/"+name, "", "")
	}
	const rules = "rules:\n- {direction: ingress, protocol: tcp, port_range_min: 80, port_range_max: 80, remote_ip_prefix: 0.0.0.0/0}\n"
	const shown = `{"name":"web","description":"a <b> & c","rules":[{"direction":"ingress","port_range_min":80,"port_range_max":80,"protocol":"tcp","remote_ip_prefix":"0.0.0.0/0","remote_group_name":""}]}`
	for _, step := range []struct {
		what, call, body string
		status           int
		says             string // the answer; with "..." at the end, how it begins
	}{
		{"an empty list", "GET /v1.23/sg", "", 200, `[]`},
		{"made", "POST /v1.23/sg/web", "name: web\ndescription: a <b> & c\n" + rules, 201, ""},
		{"made again", "POST /v1.23/sg/web", rules, 409, "A security group named web already exists..."},
		{"made by the older call", "POST /v1.23/sg/create", "name: create\nrules: []", 201, ""},
		{"by the older call without a name", "POST /v1.23/sg/create", rules, 400, "the security group has no name..."},
		{"listed", "GET /v1.23/sg", "", 200, `[{"name":"create","description":"","rules":[]},` + shown + `]`},
		{"shown", "GET /v1.44/sg/web", "", 200, shown},
		{"a bad file", "PUT /v1.23/sg/web", "rules:\n- ingress", 400, "line 2 of the security group: a rule is text, and should be names with values"},
		{"a bad file, for newer clients", "PUT /v1.44/sg/web", "rules: 1", 400, `{"message":"line 1 of the security group: rules is a number, and should be a list"}`},
		{"no file", "PUT /v1.23/sg/web", "", 400, "the file of the security group is empty..."},
		{"a large file", "PUT /v1.23/sg/web", strings.Repeat("#", 40<<10), 400, "the file of a security group has at most 32 KiB, this one has 40"},
		{"a very large file", "PUT /v1.23/sg/web", strings.Repeat("#", 10<<20), 413, "the request's body is larger than..."},
		{"after all that", "GET /v1.23/sg/web", "", 200, shown},
		{"changed", "PUT /v1.23/sg/web", "rules: []", 204, ""},
		{"changed, and shown", "GET /v1.23/sg/web", "", 200, `{"name":"web","description":"","rules":[]}`},
		{"carried", "PUT /v1.23/containers/" + annsContainer, `{"AddSecurityGroups":{"web":"yes"}}`, 204, ""},
		{"in use", "DELETE /v1.23/sg/web", "", 409, "security group web is in use by container " + annsContainer + "..."},
		{"not carried", "PUT /v1.23/containers/" + annsContainer, `{"RemoveSecurityGroups":{"web":"yes"}}`, 204, ""},
		{"removed", "DELETE /v1.23/sg/web", "", 204, ""},
		{"removed again", "DELETE /v1.23/sg/web", "", 404, "No such security group: web"},
		{"not shown", "GET /v1.23/sg/web", "", 404, "No such security group: web"},
		{"not changed", "PUT /v1.23/sg/web", rules, 404, "No such security group: web"},
	} {
		method, target, _ := strings.Cut(step.call, " ")
		status, out := tn.ask("ann", method, target, step.body)
		got := strings.TrimSpace(out)
		want, open := strings.CutSuffix(step.says, "...")
		if status != step.status || got != want && !(open && strings.HasPrefix(got, want)) {
			t.Errorf("%s: %s: %d %s, want %d %s", step.what, step.call, status, got, step.status, step.says)
		}
	}
}
