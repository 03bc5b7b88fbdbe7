package secgroup

import (
	"fmt"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
)

// web is a file as people write it.
const web = `# the front
name: web-sg
description: http and https from anywhere
rules:
- direction: ingress
  protocol: tcp
  port_range_min: 80
  port_range_max: 80
  remote_ip_prefix: "0.0.0.0/0"
- direction: egress
  protocol: ""
  remote_group_name: db-sg
`

func TestParse(t *testing.T) {
	const in, everybody = "rules:\n- direction: ingress\n  ", "  remote_ip_prefix: 0.0.0.0/0"
	for name, tc := range map[string]struct{ file, want string }{
		"as people write it":         {web, "web-sg|http and https from anywhere|ingress tcp 80-80 0.0.0.0/0, egress db-sg"},
		"as inspect shows it":        {"name: web\ndescription: \"\"\nrules:\n- direction: egress\n  port_range_min: 0\n  port_range_max: 0\n  protocol: \"\"\n  remote_ip_prefix: \"\"\n  remote_group_name: db\n\n", "web||egress db"},
		"in one line":                {`{rules: [{direction: ingress, protocol: udp, remote_ip_prefix: 10.0.0.0/8}]}`, "||ingress udp 10.0.0.0/8"},
		"no rules":                   {"rules: []", "||"},
		"nothing where rules are":    {"name: shut\nrules:\n", "shut||"},
		"a folded description":       {"description: >\n  two\n  lines\nrules: []\n", "|two lines\n|"},
		"all ports":                  {in + "protocol: tcp\n  port_range_min: 0\n  port_range_max: 65535\n" + everybody, "||ingress tcp 0-65535 0.0.0.0/0"},
		"a type":                     {in + "protocol: icmp\n  port_range_min: 8\n" + everybody, "||ingress icmp 8-0 0.0.0.0/0"},
		"a type and its code":        {in + "protocol: icmp\n  port_range_min: 8\n  port_range_max: 0\n" + everybody, "||ingress icmp 8-0 0.0.0.0/0"},
		"types":                      {in + "protocol: icmp\n  port_range_min: 0\n  port_range_max: 8\n" + everybody, "||ingress icmp 0-8 0.0.0.0/0"},
		"IPv6, which nobody has":     {in + "remote_ip_prefix: 2001:db8::/32", "||ingress 2001:db8::/32"},
		"null for what is not said":  {in + "protocol: ~\n  port_range_min: null\n" + everybody, "||ingress 0.0.0.0/0"},
		"with Windows' ends of line": {strings.ReplaceAll(web, "\n", "\r\n"), "web-sg|http and https from anywhere|ingress tcp 80-80 0.0.0.0/0, egress db-sg"},

		"an unknown key":               {"name: web\nport: 80\nrules: []", `line 2 of the security group: there is no key "port" here: choose of description, name, rules`},
		"an unknown key of a rule":     {in + "port: 80\n" + everybody, `line 3 of the security group: there is no key "port" here: choose of direction, port_range_max, port_range_min, protocol, remote_group_name, remote_ip_prefix`},
		"another case":                 {in + "Protocol: tcp\n" + everybody, `line 3 of the security group: there is no key "Protocol" here...`},
		"a key twice":                  {"name: a\nname: b\nrules: []", `line 2 of the security group: mapping key "name" already defined...`},
		"a list for a text":            {"name: [web]\nrules: []", "line 1 of the security group: name is a list, and should be text"},
		"a number for a text":          {"\nname: 123\nrules: []", "line 2 of the security group: name is a number, and should be text: put it between quotes"},
		"a text for the rules":         {"rules: none", "line 1 of the security group: rules is text, and should be a list"},
		"names for the rules":          {"rules:\n  direction: ingress", "line 2 of the security group: rules is names with values, and should be a list"},
		"a text for a rule":            {"rules:\n- ingress", "line 2 of the security group: a rule is text, and should be names with values"},
		"a list for a file":            {"- direction: ingress", "line 1 of the security group: the file is a list, and should be names with values"},
		"a text for a port":            {in + "protocol: tcp\n  port_range_min: \"80\"\n" + everybody, "line 4 of the security group: port_range_min is text, and should be a number without quotes"},
		"a fraction of a port":         {in + "protocol: tcp\n  port_range_min: 80.5\n" + everybody, "line 4 of the security group: port_range_min is a number..."},
		"a port above":                 {in + "protocol: tcp\n  port_range_min: 80\n  port_range_max: 65536\n" + everybody, "line 5 of the security group: port_range_max is 65536, and should be from 0 to 65535"},
		"a port below":                 {in + "protocol: tcp\n  port_range_min: -1\n" + everybody, "line 4 of the security group: port_range_min is -1, and should be from 0 to 65535"},
		"a port far above":             {in + "protocol: tcp\n  port_range_min: 99999999999999999999999\n" + everybody, "line 4 of the security group: port_range_min is..."},
		"a range turned round":         {in + "protocol: tcp\n  port_range_min: 90\n  port_range_max: 80\n" + everybody, "line 2 of the security group: the rule's port_range_min 90 is above its port_range_max 80"},
		"half a range":                 {in + "protocol: tcp\n  port_range_min: 90\n" + everybody, "line 2 of the security group: the rule has a port_range_min and no port_range_max: for one port give it in both"},
		"ports of everything":          {in + "port_range_min: 80\n  port_range_max: 80\n" + everybody, "line 2 of the security group: the rule has ports and no protocol..."},
		"a type above":                 {in + "protocol: icmp\n  port_range_min: 256\n" + everybody, "line 2 of the security group: the rule's port_range_min and port_range_max are types of icmp, which go from 0 to 255"},
		"types turned round":           {in + "protocol: icmp\n  port_range_min: 8\n  port_range_max: 3\n" + everybody, "line 2 of the security group: the rule's port_range_min 8 is above its port_range_max 3"},
		"no direction":                 {"rules:\n- protocol: tcp\n" + everybody, `line 2 of the security group: the rule's direction is "", and should be ingress or egress`},
		"a direction that is none":     {"rules:\n- direction: in\n" + everybody, `line 2 of the security group: the rule's direction is "in", and should be ingress or egress`},
		"a protocol that is none":      {in + "protocol: sctp\n" + everybody, `line 3 of the security group: there is no protocol "sctp"...`},
		"an address":                   {in + "remote_ip_prefix: 10.1.2.3", "line 3 of the security group: remote_ip_prefix 10.1.2.3 has no length: for this address alone write 10.1.2.3/32"},
		"an address with a long range": {in + "remote_ip_prefix: 10.1.2.3/8", "line 3 of the security group: remote_ip_prefix 10.1.2.3/8 is not the beginning of a range: write 10.0.0.0/8 for the range, or 10.1.2.3/32 for the address"},
		"no address":                   {in + "remote_ip_prefix: everywhere", `line 3 of the security group: remote_ip_prefix "everywhere" is not a range of addresses such as 10.1.2.0/24`},
		"a length above":               {in + "remote_ip_prefix: 10.0.0.0/33", `line 3 of the security group: remote_ip_prefix "10.0.0.0/33" is not a range of addresses...`},
		"an address in another's form": {in + "remote_ip_prefix: ::ffff:10.0.0.0/104", "line 3 of the security group: remote_ip_prefix ::ffff:10.0.0.0/104 is not..."},
		"both peers":                   {in + "remote_group_name: db\n" + everybody, "line 2 of the security group: the rule has both remote_ip_prefix and remote_group_name: make two rules of it"},
		"no peers":                     {in + "protocol: tcp", "line 2 of the security group: the rule says nothing of the peers..."},
		"a group's name":               {in + "remote_group_name: a b", `line 3 of the security group: "a b" is not a name for a security group...`},
		"the second rule":              {in + "remote_group_name: db\n\n- direction: egress\n  port_range_min: 80", "line 5 of the security group: the rule says nothing..."},

		"nothing":                {"", "the file of the security group is empty..."},
		"a comment":              {"# nothing\n", "the file of the security group is empty..."},
		"not text":               {"name: \xff\xfe", "the file of the security group is not text in UTF-8"},
		"two documents":          {"rules: []\n---\nrules: []\n", "line 3 of the security group: a second document begins here..."},
		"no end":                 {"name: \"web\nrules: []", "line 1 of the security group: could not find end character of double-quoted text"},
		"a tab":                  {"rules:\n\t- direction: ingress", "line 2 of the security group: ..."},
		"a tag":                  {"name: !!binary aGk=\nrules: []", "line 1 of the security group: !!binary is not taken..."},
		"an anchor":              {"rules: &all []", "line 1 of the security group: anchors and aliases are not taken: write the rules out"},
		"a merge":                {"rules:\n- <<: {direction: ingress}", "line 2 of the security group: anchors and aliases are not taken: write the rules out"},
		"little that means much": {"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nrules: [*c,*c]", "line 1 of the security group: anchors and aliases..."},
		"too much":               {strings.Repeat("#", form.Size+1), "the file of a security group has at most 32 KiB, this one has 33"},
		"depth":                  {strings.Repeat("[", form.Size), "line 1 of the security group: this is nested deeper than a security group is"},
		"depth of another kind":  {strings.Repeat("- ", form.Size/2), "line 1 of the security group: this is nested deeper than a security group is"},
		"depth of braces":        {strings.Repeat("{a: ", form.Size/4), "line 1 of the security group: this is nested deeper than a security group is"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := parse([]byte(tc.file))
			got := text(d)
			if err != nil {
				got = err.Error()
				if !errdefs.IsInvalidArgument(err) {
					t.Errorf("the error has another class: %v", err)
				}
			}
			if want, open := strings.CutSuffix(tc.want, "..."); got != tc.want && !(open && err != nil && strings.HasPrefix(got, want)) {
				t.Errorf("%s\nwant %s", got, tc.want)
			}
		})
	}
}

// text is a definition in a line.
func text(d definition) string {
	var rules []string
	for _, r := range d.spec.Rules {
		words := []string{r.Direction, r.Protocol}
		if r.PortMin != 0 || r.PortMax != 0 {
			words = append(words, fmt.Sprintf("%d-%d", r.PortMin, r.PortMax))
		}
		words = append(words, r.Prefix, r.Group)
		rules = append(rules, strings.Join(strings.Fields(strings.Join(words, " ")), " "))
	}
	return strings.Join([]string{d.name, d.spec.Description, strings.Join(rules, ", ")}, "|")
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{web, "rules: []", "a: [b, {c: d}]\n? e\n: f\n", "- - -\n", "name: |\n x\n", "'", "*a", "%YAML 1.2\n---\n..."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		d, err := parse([]byte(file))
		switch {
		case err == nil:
		case !errdefs.IsInvalidArgument(err) || strings.Contains(err.Error(), "\n"):
			t.Errorf("%q", err)
		default:
			return
		}
		for _, r := range d.spec.Rules {
			if err := whole(1, r); err != nil {
				t.Errorf("%+v: %v", r, err)
			}
		}
		if len(d.line) != len(d.spec.Rules) {
			t.Errorf("%d rules have %d lines", len(d.spec.Rules), len(d.line))
		}
	})
}
