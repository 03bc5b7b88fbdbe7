package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hypercloud/hyper/test/lab"
)

var update = flag.Bool("update", false, "write the documents that tests check anew")

// TestConformance types the same commands of Docker's client to Docker's daemon and to hyperd, and wants the same of both: exit code, stream,
// and shape of output. Where they differ on purpose the table says why, and docs/compatibility.md tells users.
func TestConformance(t *testing.T) {
	groups, err := readTable("testdata/conformance.txt")
	if err != nil {
		t.Fatal(err)
	}
	l := newLab(t, "e2ecf")
	dockerd, err := l.StartDocker()
	if err != nil {
		t.Fatal(err)
	}
	docker, hyper := newSide(t, l, "docker", dockerd), newSide(t, l, "hyper", l.Host())
	// Answers have the shapes of an API version: the newest that the client and Docker's daemon share.
	version := docker.run(".", "docker version -f '{{.Client.APIVersion}}'").stdout
	docker.api, hyper.api = strings.TrimSpace(version), strings.TrimSpace(version)
	both(docker, hyper, ".", "docker pull busybox").mustSucceed(t)

	var told []difference
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			told = append(told, g.run(t, docker, hyper)...)
		})
		both(docker, hyper, ".", clear).mustSucceed(t)
	}
	if !t.Failed() && wholeTable() {
		checkDifferences(t, told)
	}
}

// wholeTable tells that no group was left out by the flag -run.
func wholeTable() bool {
	f := flag.Lookup("test.run")
	return f == nil || !strings.Contains(f.Value.String(), "/")
}

// clear removes everything that a group has made.
const clear = `docker ps -aq | xargs -r docker rm -fv >/dev/null && docker volume ls -q | xargs -r docker volume rm >/dev/null &&
docker network prune -f >/dev/null && docker images -q --no-trunc | sort -u | grep -v "$(docker images -q --no-trunc busybox:latest)" | xargs -r docker rmi -f >/dev/null
docker images --format '{{.Repository}}:{{.Tag}}' | grep -vx busybox:latest | xargs -r docker rmi -f`

// side is a daemon, and a place for the files of its commands.
type side struct {
	name, host, api, dir string
}

func newSide(t *testing.T, l *lab.Lab, name, host string) *side {
	s := &side{name: name, host: host, dir: filepath.Join(l.Dir, "side-"+name)}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

// answer is what a command did.
type answer struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

// slow is what takes so long that the log tells of it.
const slow = 3 * time.Second

// run runs a line of shell below the side's directory.
func (s *side) run(dir, line string) answer {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir = filepath.Join(s.dir, dir)
	if err := os.MkdirAll(cmd.Dir, 0o755); err != nil {
		return answer{stderr: err.Error(), code: -1}
	}
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "DOCKER_HOST=" + s.host, "DOCKER_CONFIG=" + filepath.Join(s.dir, "config"),
		"DOCKER_API_VERSION=" + s.api, "DOCKER_BUILDKIT=0", "LANG=C", "TZ=UTC",
	}
	cmd.WaitDelay = time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	begin := time.Now()
	err := cmd.Run()
	a := answer{out.String(), errs.String(), cmd.ProcessState.ExitCode(), time.Since(begin)}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		a.stderr += err.Error()
		a.code = -1
	}
	if ctx.Err() != nil {
		a.stderr += "it did not end within a minute"
	}
	return a
}

// answers are those of both sides to the same line.
type answers struct {
	line          string
	docker, hyper answer
}

func both(docker, hyper *side, dir, line string) answers {
	a := answers{line: line}
	var wg sync.WaitGroup
	wg.Go(func() { a.docker = docker.run(dir, line) })
	wg.Go(func() { a.hyper = hyper.run(dir, line) })
	wg.Wait()
	return a
}

func (a answers) mustSucceed(t *testing.T) {
	t.Helper()
	for name, got := range map[string]answer{"docker": a.docker, "hyper": a.hyper} {
		if got.code != 0 {
			t.Fatalf("%s\nfails with %s: exit %d\n%s%s", a.line, name, got.code, got.stdout, got.stderr)
		}
	}
}

// difference is a row of docs/compatibility.md.
type difference struct {
	command, hyper, why string
	part                bool // of what is JSON: hyper are paths
}

func (g *group) run(t *testing.T, docker, hyper *side) (told []difference) {
	dir := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, g.name)
	for _, line := range g.lines {
		a := both(docker, hyper, dir, line.command)
		if a.docker.took > slow || a.hyper.took > slow {
			t.Logf("line %d: docker took %v, hyper %v", line.at, a.docker.took, a.hyper.took)
		}
		if line.setUp {
			a.mustSucceed(t)
			continue
		}
		differences := line.compare(a)
		switch {
		case line.differs == "" && len(differences) > 0:
			t.Errorf("line %d: %s\n  %s\ndocker: exit %d\n%s%s\nhyper: exit %d\n%s%s", line.at, line.command, strings.Join(differences, "\n  "),
				a.docker.code, clip(a.docker.stdout), mark(a.docker.stderr), a.hyper.code, clip(a.hyper.stdout), mark(a.hyper.stderr))
		case line.differs != "" && len(differences) == 0 && !line.maybe:
			t.Errorf("line %d: %s\ndoes the same with both: take its reason away", line.at, line.command)
		case line.differs != "":
			told = append(told, difference{command: line.command, hyper: a.hyper.told(), why: line.differs})
		}
		told = append(told, line.toldPaths(t)...)
	}
	return told
}

// toldPaths are the differences inside of JSON that the line has reasons for.
func (i *invocation) toldPaths(t *testing.T) (told []difference) {
	reasons := map[string][]string{}
	for p, why := range i.paths {
		if !i.used[p] {
			t.Errorf("line %d: %s\nis the same with both at %s: take its reason away", i.at, i.command, p)
		}
		reasons[why] = append(reasons[why], "`"+p+"`")
	}
	for why, paths := range reasons {
		slices.Sort(paths)
		told = append(told, difference{command: i.command, hyper: strings.Join(paths, ", "), why: why, part: true})
	}
	slices.SortFunc(told, func(a, b difference) int { return strings.Compare(a.hyper, b.hyper) })
	return told
}

// compare tells in what the answers differ.
func (i *invocation) compare(a answers) (differences []string) {
	if a.docker.code != a.hyper.code {
		differences = append(differences, fmt.Sprintf("exit code: docker %d, hyper %d", a.docker.code, a.hyper.code))
	}
	if complaint(a.docker.stderr) != complaint(a.hyper.stderr) {
		differences = append(differences, "stderr")
	}
	ds, hs := shape(a.docker.stdout), shape(a.hyper.stdout)
	switch {
	case ds != nil && hs != nil:
		differences = append(differences, i.compareShapes(ds, hs)...)
	case steady(a.docker.stdout) != steady(a.hyper.stdout):
		differences = append(differences, "stdout")
	}
	return differences
}

// told is an answer in one line: the daemon's words if it refuses.
func (a answer) told() string {
	for _, line := range strings.Split(a.stderr, "\n") {
		if _, words, ok := strings.Cut(line, "Error response from daemon: "); ok {
			return strings.TrimRight(steady(words), ".")
		}
		if words, ok := strings.CutPrefix(line, "WARNING: "); ok {
			return steady(words)
		}
	}
	if out := steady(a.stdout); out != "" && !strings.Contains(out, "\n") && shape(out) == nil {
		return "`" + out + "`"
	}
	return fmt.Sprintf("exit code %d", a.code)
}

// clip is a text as a failure shows it.
func clip(s string) string {
	if shape(s) != nil {
		return "(JSON)\n"
	}
	if len(s) > 3000 {
		return s[:3000] + "...\n"
	}
	return s
}

// mark is one of stderr.
func mark(s string) string {
	if s == "" {
		return ""
	}
	return "2> " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n2> ") + "\n"
}
