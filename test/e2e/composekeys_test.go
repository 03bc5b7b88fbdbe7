package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/schema"

	"github.com/hypercloud/hyper/test/document"
	"github.com/hypercloud/hyper/test/lab"
)

// composeKey is a key of a service: how it is written, what else the file needs, and what people should know.
type composeKey struct {
	value string
	more  string // lines of the file
	note  string
	quiet bool // ignored, and nobody says so
}

// needed is what many keys need another service for.
const another = "  other: {image: busybox, command: sleep 1000}\n"

var composeKeys = map[string]composeKey{
	"annotations":         {value: "{a: b}"},
	"attach":              {value: "false"},
	"blkio_config":        {value: "{weight: 300}"},
	"build":               {value: ".", note: "in files of version 2: refused by hyper compose ([building](build.md))"},
	"cap_add":             {value: "[CHOWN]", note: "[those that can be](compatibility.md)"},
	"cap_drop":            {value: "[CHOWN]"},
	"cgroup":              {value: "private"},
	"cgroup_parent":       {value: "/x"},
	"command":             {value: "sleep 100"},
	"configs":             {value: "[conf]", more: "configs: {conf: {file: ./file}}\n", note: "`content` and `environment` with both; a `file` is sent by hyper compose, and a mount of this machine's for docker compose"},
	"container_name":      {value: "mine", note: "then one container at most"},
	"cpu_count":           {value: "1"},
	"cpu_percent":         {value: "50"},
	"cpu_period":          {value: "100000"},
	"cpu_quota":           {value: "50000"},
	"cpu_rt_period":       {value: "1000000"},
	"cpu_rt_runtime":      {value: "1000"},
	"cpu_shares":          {value: "100"},
	"cpus":                {value: "0.5", note: "`size` decides"},
	"cpuset":              {value: `"0"`},
	"credential_spec":     {value: "{file: x.json}", note: "of Windows", quiet: true},
	"depends_on":          {value: "{other: {condition: service_healthy}}", more: another, note: "all conditions"},
	"deploy":              {value: "{replicas: 1, restart_policy: {condition: any}}", note: "`replicas` and `restart_policy`; `resources` are answered by a warning, the rest is for Swarm"},
	"develop":             {value: "{watch: [{path: ., action: sync, target: /x}]}", note: "by `watch`"},
	"device_cgroup_rules": {value: `["c 1:3 r"]`},
	"devices":             {value: `["/dev/null:/dev/null"]`},
	"dns":                 {value: "[192.0.2.1]"},
	"dns_opt":             {value: `["ndots:1"]`},
	"dns_search":          {value: "[example.org]"},
	"domainname":          {value: "example.org"},
	"entrypoint":          {value: "[sleep]"},
	"env_file":            {value: "[file]"},
	"environment":         {value: "{A: b}"},
	"expose":              {value: `["80"]`},
	"extends":             {value: "{service: other}", more: another},
	"external_links":      {value: `["there:x"]`, note: "in the project's own network, a name"},
	"extra_hosts":         {value: `["x:192.0.2.1"]`},
	"fip":                 {value: "auto", note: "Hyper's; for docker compose below `x-hyper`, which it lets be, or as the label `sh_hyper_fip`"},
	"gpus":                {value: "all"},
	"group_add":           {value: `["10"]`},
	"healthcheck":         {value: "{test: 'true'}"},
	"hostname":            {value: "x"},
	"image":               {value: "busybox"},
	"init":                {value: "true"},
	"ipc":                 {value: "host"},
	"isolation":           {value: "hyperv"},
	"label_file":          {value: "[file]"},
	"labels":              {value: "{a: b}", note: "those that begin `sh_hyper_` are Hyper's keys for docker compose"},
	"links":               {value: "[other]", more: another, note: "names in the project's network; variables too in `network_mode: bridge`"},
	"logging":             {value: "{driver: syslog}"},
	"mac_address":         {value: "02:42:ac:11:65:43"},
	"mem_limit":           {value: "64m", note: "`size` decides"},
	"mem_reservation":     {value: "64m"},
	"mem_swappiness":      {value: "10"},
	"memswap_limit":       {value: "128m"},
	"models":              {value: "[llm]", more: "models: {llm: {model: ai/x}}\n", note: "a plugin on this machine"},
	"network_mode":        {value: "bridge", note: "`bridge` and `none`; the machine's and other containers' are refused"},
	"networks":            {value: "[front]", more: "networks: {front: {}}\n", note: "[networks](networks.md)"},
	"noauto_volume":       {value: "true", note: "Hyper's"},
	"oom_kill_disable":    {value: "true"},
	"oom_score_adj":       {value: "100"},
	"pid":                 {value: "host"},
	"pids_limit":          {value: "100"},
	"platform":            {value: "linux/amd64", note: "of the machine's kind"},
	"ports":               {value: `["8080:80"]`, note: "they answer on the floating IP"},
	"post_start":          {value: "[{command: 'true'}]"},
	"pre_start":           {value: "[{command: 'true'}]", note: "in a container of its own, which cannot have the service's volumes"},
	"pre_stop":            {value: "[{command: 'true'}]"},
	"privileged":          {value: "true"},
	"profiles":            {value: "[]"},
	"provider":            {value: "{type: nosuch}", note: "a program on this machine"},
	"pull_policy":         {value: "missing"},
	"pull_refresh_after":  {value: "1h"},
	"read_only":           {value: "true"},
	"restart":             {value: "always"},
	"runtime":             {value: "kata"},
	"scale":               {value: "1", note: "the first container has the floating IP"},
	"secrets":             {value: "[token]", more: "secrets: {token: {file: ./file}}\n", note: "`environment` with both; a `file` as of `configs`"},
	"security_groups":     {value: "[web]", note: "Hyper's; [security groups](security-groups.md)"},
	"security_opt":        {value: "[no-new-privileges]"},
	"shm_size":            {value: "64m"},
	"size":                {value: "s1", note: "Hyper's"},
	"stdin_open":          {value: "true"},
	"stop_grace_period":   {value: "1s"},
	"stop_signal":         {value: "SIGUSR1"},
	"storage_opt":         {value: "{size: 20G}"},
	"sysctls":             {value: "{net.core.somaxconn: 1024}"},
	"tmpfs":               {value: "[/x]"},
	"tty":                 {value: "true"},
	"ulimits":             {value: "{nofile: 1024}"},
	"use_api_socket":      {value: "true", note: "the socket would be the machine's"},
	"user":                {value: `"1000"`},
	"userns_mode":         {value: "host"},
	"uts":                 {value: "host"},
	"volumes":             {value: `["data:/data", "/auto"]`, more: "volumes: {data: {}}\n", note: "named and automatic ones, `tmpfs`; paths of this machine and images are refused; one container has a volume, so of a service with several each needs its own"},
	"volumes_from":        {value: "[other]", more: another},
	"working_dir":         {value: "/tmp"},
}

// TestComposeKeys has hyper compose and docker compose make a container of each key of a service, and holds docs/compose.md to what becomes of it.
func TestComposeKeys(t *testing.T) {
	l := newLab(t, "e2ey")
	hyper(t, l, "sg", "create", "-f", ruleFile(t), "web")
	hyper(t, l, "fip", "allocate", "-y", "1")
	hyper(t, l, "run", "-d", "--name", "there", "busybox", "sleep", "1000")
	wanted := serviceKeys(t)
	for _, own := range []string{"size", "fip", "noauto_volume", "security_groups"} {
		wanted = append(wanted, own)
	}
	slices.Sort(wanted)
	if have := slices.Sorted(maps.Keys(composeKeys)); !slices.Equal(have, wanted) {
		t.Errorf("the keys of a service are %v\nthe table has %v", wanted, have)
	}
	table := "| key | hyper compose | docker compose | |\n|---|---|---|---|\n"
	for _, name := range slices.Sorted(maps.Keys(composeKeys)) {
		key := composeKeys[name]
		ours := becomes(t, l, name, key, filepath.Join(l.Bin, "hyper"), "compose")
		theirs := becomes(t, l, name, key, composeProgram(t))
		table += fmt.Sprintf("| `%s` | %s | %s | %s |\n", name, ours, theirs, key.note)
	}
	if err := document.Check("../../docs/compose.md", "keys", table, *update); err != nil {
		t.Error(err)
	}
}

// serviceKeys are those of the specification.
func serviceKeys(t *testing.T) []string {
	t.Helper()
	var tree struct {
		Defs map[string]struct {
			Properties map[string]any `json:"properties"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(schema.Schema), &tree); err != nil {
		t.Fatal(err)
	}
	set := map[string]bool{}
	for _, part := range []string{"container_spec", "workload_spec", "service"} {
		for name := range tree.Defs[part].Properties {
			set[name] = true
		}
	}
	if len(set) < 50 {
		t.Fatalf("the specification has only %d keys", len(set))
	}
	return slices.Sorted(maps.Keys(set))
}

func composeProgram(t *testing.T) string {
	t.Helper()
	program, err := filepath.Abs("../../build/docker-compose")
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func ruleFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "group.yaml")
	if err := os.WriteFile(path, []byte("name: web\nrules:\n- {direction: ingress, protocol: tcp, port_range_min: 80, port_range_max: 80, remote_ip_prefix: 0.0.0.0/0}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// becomes has a program make a container with the key, and says what became of the key.
func becomes(t *testing.T, l *lab.Lab, name string, key composeKey, program ...string) string {
	t.Helper()
	dir := t.TempDir()
	service := map[string]string{"image": "busybox", "command": "sleep 1000"}
	service[name] = key.value
	file := "services:\n  web:\n"
	for _, k := range slices.Sorted(maps.Keys(service)) {
		file += fmt.Sprintf("    %s: %s\n", k, service[k])
	}
	for path, text := range map[string]string{"compose.yaml": file + key.more, "file": "A=b\n", "Dockerfile": "FROM busybox\n", "x.json": "{}"} {
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said, err := composed(l, dir, append(program, "-p", "keys", "create"))
	left, _ := composed(l, dir, append(program, "-p", "keys", "down", "-v"))
	switch {
	case err != nil && said == "":
		t.Errorf("%v fails without a word for %s: %v, %s", program, name, err, left)
	case err != nil:
		t.Logf("%s %s: %s", filepath.Base(program[0]), name, said)
		return "refused"
	case key.quiet:
		return "ignored"
	case strings.Contains(said, "ignored") || strings.Contains(said, "WARN") || strings.Contains(said, "warn"):
		t.Logf("%s %s: %s", filepath.Base(program[0]), name, said)
		return "ignored, with a warning"
	}
	return "honoured"
}

// composed runs a command of compose's; what it said on both streams is returned.
func composed(l *lab.Lab, dir string, command []string) (string, error) {
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HYPER_HOST="+l.Host(), "DOCKER_HOST="+l.Host(), "HOME="+dir, "COMPOSE_PROGRESS=plain")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
