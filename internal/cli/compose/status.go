package compose

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
)

// phase is a part of a command in the original's words: Starting, Started, and of the library's events those that mean them.
type phase struct {
	begin, done string
	from, to    []string
	counted     bool
}

var (
	starting   = phase{"Starting", "Started", []string{api.StatusStarting, api.StatusRunning}, []string{api.StatusStarted, api.StatusRunning}, true}
	creating   = phase{"Creating", "Created", []string{api.StatusCreating, "Recreate"}, []string{api.StatusCreated, "Recreated"}, false}
	stopping   = phase{"Stopping", "Stopped", []string{api.StatusStopping}, []string{api.StatusStopped}, false}
	deleting   = phase{"Deleting", "Deleted", []string{api.StatusRemoving}, []string{api.StatusRemoved}, false}
	killing    = phase{"Killing", "Killed", []string{api.StatusKilling}, []string{api.StatusKilled}, false}
	restarting = phase{"Restarting", "Restarted", []string{api.StatusRestarting}, []string{api.StatusRestarted, api.StatusStarted}, false}
	silent     = phase{}
)

// status writes the lines of progress that the original's users know (cli 13): each ends in a blank. A service's lines are those of its
// first container that begins and its last one that is done.
type status struct {
	out, err io.Writer
	project  string
	total    int               // services of the project
	service  map[string]string // by the container's name
	wanted   map[string]int    // containers of a service that are awaited
	onDone   func()            // when all of them are done
	onLeave  func()            // when the user wants an attached up to end
	image    map[string]string // by the image, a service that has it
	pulled   map[string]bool   // images that were told of
	hushed   bool              // none is
	mu       sync.Mutex
	phase    phase
	begun    map[string]bool
	finished map[string]map[string]bool
	up       int
	ended    bool
	left     bool
	needs    map[string][]string // services that come before a service
	running  map[string]string   // services of whose containers one runs already, which is told in their turn
}

func newStatus(out, err io.Writer, project string, total int) *status {
	return &status{out: out, err: err, project: project, total: total, service: map[string]string{}, wanted: map[string]int{}, image: map[string]string{}, needs: map[string][]string{}, pulled: map[string]bool{}}
}

// ofProject makes the lines those of a project's services, as the file has them.
func (s *status) ofProject(project *types.Project) {
	for name, service := range project.Services {
		n := service.GetScale()
		s.wanted[name] = n
		s.image[service.Image] = name
		for needed := range service.DependsOn {
			if _, ok := project.Services[needed]; ok {
				s.needs[name] = append(s.needs[name], needed)
			}
		}
		for i := 1; i <= n; i++ {
			s.service[strings.Join([]string{project.Name, name, strconv.Itoa(i)}, api.Separator)] = name
		}
		if service.ContainerName != "" {
			s.service[service.ContainerName] = name
		}
	}
}

// ofContainers makes them those of containers that are there.
func (s *status) ofContainers(list []container.Summary) {
	for _, c := range list {
		s.service[nameOf(c)] = c.Labels[api.ServiceLabel]
		s.wanted[c.Labels[api.ServiceLabel]]++
	}
}

// quiet leaves out what is told of images.
func (s *status) quiet() { s.hushed = true }

// begin opens a part of the command.
func (s *status) begin(p phase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase, s.begun, s.finished, s.up, s.ended = p, map[string]bool{}, map[string]map[string]bool{}, 0, false
	s.running = map[string]string{}
	if p.begin != "" {
		fmt.Fprintf(s.out, "Project [%s]: %s project \n", s.project, p.begin)
	}
}

// end closes it, if that has not been done when its last service was.
func (s *status) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.close()
}

func (s *status) close() {
	if s.ended || s.left {
		return
	}
	s.ended = true
	if s.phase.done != "" {
		fmt.Fprintf(s.out, "Project [%s]: Project %s \n", s.project, strings.ToLower(s.phase.done))
	}
	if s.onDone != nil {
		s.onDone()
	}
}

// Start and Done are the library's: its operations are parts of our commands.
func (s *status) Start(context.Context, string) {}
func (s *status) Done(string, bool)             {}

// On hears what the library does.
func (s *status) On(events ...api.Resource) {
	for _, e := range events {
		s.one(e)
	}
}

func (s *status) one(e api.Resource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind, name, _ := strings.Cut(e.ID, " ")
	switch {
	case e.ID == api.ResourceCompose && e.Text == api.StatusStopping:
		s.leave()
	case e.Status == api.Warning && e.Text != "":
		fmt.Fprintf(s.err, "WARNING: %s: %s\n", e.ID, strings.TrimSpace(e.Text+" "+e.Details))
	case kind == "Image" && e.Text == api.StatusPulling && !s.pulled[name] && !s.hushed:
		s.pulled[name] = true
		if service := s.image[name]; service != "" {
			name = fmt.Sprintf("%s (%s)", service, name)
		}
		fmt.Fprintf(s.err, "Pulling %s...\n", name)
	case kind == "Container" && e.Text == api.StatusRunning:
		s.running[name] = e.Text
		s.turn()
	case kind == "Container":
		s.container(name, e.Text)
		s.turn()
	}
}

// turn tells of containers that run already, those before which all others are done. The library tells of them before it begins.
func (s *status) turn() {
	for again := true; again; {
		again = false
		for _, name := range slices.Sorted(maps.Keys(s.running)) {
			waits := slices.ContainsFunc(s.needs[s.service[name]], func(needed string) bool { return len(s.finished[needed]) < s.wanted[needed] })
			if !waits {
				delete(s.running, name)
				s.container(name, api.StatusRunning)
				again = true
			}
		}
	}
}

// leave says that an attached up ends, and no more after it.
func (s *status) leave() {
	if s.left {
		return
	}
	s.left = true
	fmt.Fprint(s.out, "\nGracefully stopping...\n")
	if s.onLeave != nil {
		s.onLeave()
	}
}

func (s *status) container(name, text string) {
	service := s.service[name]
	if service == "" || s.left || s.ended {
		return
	}
	if slices.Contains(s.phase.from, text) && !s.begun[service] {
		s.begun[service] = true
		s.line(service, s.phase.begin)
	}
	if slices.Contains(s.phase.to, text) {
		if s.finished[service] == nil {
			s.finished[service] = map[string]bool{}
		}
		if s.finished[service][name] {
			return
		}
		s.finished[service][name] = true
		if len(s.finished[service]) < s.wanted[service] {
			return
		}
		if s.phase.counted {
			s.up++
		}
		s.line(service, s.phase.done)
		if s.all() {
			s.close()
		}
	}
}

func (s *status) line(service, verb string) {
	fmt.Fprintf(s.out, "[%d/%d] [%s]: %s \n", s.up, s.total, service, verb)
}

func (s *status) all() bool {
	for service, n := range s.wanted {
		if len(s.finished[service]) < n {
			return false
		}
	}
	return true
}
