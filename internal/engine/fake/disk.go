package fake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// A machine outlives the daemon that uses it. A test that ends daemons keeps its machine in a file: each call that changes what is there has written all of
// it when it returns, and before anybody hears of the change. Hooks, what is served at the registry, and what Say and Hold were told are not kept.

// Run is a process that a machine has run, from its beginning to its end.
type Run struct {
	Account, Container string
	Pid                int // of a machine that is kept in a file, no two have the same
	Limits             engine.Limits
	Started, Ended     time.Duration // since boot; Ended is 0 while it runs
}

// Load returns the machine that is kept in the file, and keeps it there. If there is no such file, it is an empty machine. Processes that
// ran when the file was written run.
func Load(path string) (*Engine, error) {
	e := New()
	e.file = path
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err != nil {
		return nil, err
	}
	var m kept
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("read the machine in %s: %w", path, err)
	}
	m.into(e)
	return e, nil
}

// Runs lists the processes that the machine has run since ForgetRuns, in order of their beginnings. They are noted of machines in files only.
func (e *Engine) Runs() []Run {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.runs)
}

// ForgetRuns takes those that have ended out of the list.
func (e *Engine) ForgetRuns() {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	e.runs = slices.DeleteFunc(e.runs, func(r Run) bool { return r.Ended > 0 })
}

// Remains lists the pids of processes, by the ids of their containers, that run or whose ends nobody has taken note of by DeleteTask.
func (e *Engine) Remains() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := map[string]int{}
	for _, t := range e.accounts {
		for id, c := range t.containers {
			if c.task != nil {
				out[id] = c.task.pid
			}
		}
	}
	return out
}

// PowerOff is what happens to a machine that goes down: of processes, attachments, networks and the list of runs nothing is left.
func (e *Engine) PowerOff() {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	e.runs = nil
	for _, t := range e.accounts {
		t.network = nil
		for _, c := range t.containers {
			c.task = nil
		}
		for _, v := range t.volumes {
			v.attached = false
		}
	}
}

// ran notes that a process has begun. The engine's lock is held, as in all that follows.
func (e *Engine) ran(a account.Ref, t *task) {
	if e.file != "" {
		e.runs = append(e.runs, Run{Account: a.ID(), Container: t.spec.ID, Pid: t.pid, Limits: t.spec.Limits, Started: t.started})
	}
}

// over notes that a process has ended.
func (e *Engine) over(t *task) {
	for i := range e.runs {
		if e.runs[i].Pid == t.pid {
			e.runs[i].Ended = t.stopped
		}
	}
}

// kept is a machine as it is in a file.
type kept struct {
	NextPid  int
	Accounts map[string]keptTenant
	Runs     []Run
}

type keptTenant struct {
	Images             map[string]*engine.Image `json:",omitempty"`
	Containers         map[string]keptContainer `json:",omitempty"`
	Volumes, Snapshots map[string]keptVolume    `json:",omitempty"`
	Fills              map[string]keptVolume    `json:",omitempty"`
	Network            *engine.NetworkState     `json:",omitempty"`
}

type keptContainer struct {
	Image string
	Task  *keptTask `json:",omitempty"`
}

type keptTask struct {
	Pid              int
	Limits           engine.Limits
	Paused           bool
	ExitCode         int
	ExitedAt         time.Time
	Started, Stopped time.Duration
	Running          bool
}

type keptVolume struct {
	Content, From    string
	Size, Usage      int64
	Attached, Failed bool
}

// keep writes the machine to its file, if it has one. What a killed process has half written is in another file.
func (e *Engine) keep() {
	if e.file == "" {
		return
	}
	m := kept{NextPid: e.nextPid, Accounts: map[string]keptTenant{}, Runs: e.runs}
	for id, t := range e.accounts {
		k := keptTenant{
			Images: t.images, Containers: map[string]keptContainer{}, Volumes: map[string]keptVolume{}, Snapshots: map[string]keptVolume{},
			Fills: map[string]keptVolume{}, Network: t.network,
		}
		for id, c := range t.containers {
			row := keptContainer{Image: c.image}
			if p := c.task; p != nil {
				row.Task = &keptTask{p.pid, p.spec.Limits, p.paused, p.exitCode, p.exitedAt, p.started, p.stopped, p.stopped == 0}
			}
			k.Containers[id] = row
		}
		for id, v := range t.volumes {
			k.Volumes[id] = keptVolume{v.content, v.from, v.size, v.usage, v.attached, v.failed}
		}
		for id, v := range t.snapshots {
			k.Snapshots[id] = keptVolume{v.content, v.from, v.size, v.usage, v.attached, v.failed}
		}
		for id, f := range t.fills {
			k.Fills[id] = keptVolume{Content: f.content, Size: f.size}
		}
		m.Accounts[id] = k
	}
	raw, err := json.Marshal(m)
	if err == nil {
		err = os.WriteFile(e.file+".new", raw, 0o600)
	}
	if err == nil {
		err = os.Rename(e.file+".new", e.file)
	}
	if err != nil {
		panic(fmt.Sprintf("the fake machine cannot be kept in a file: %v", err))
	}
}

func (m *kept) into(e *Engine) {
	e.nextPid, e.runs = m.NextPid, m.Runs
	for id, k := range m.Accounts {
		t := &tenant{
			images: map[string]*engine.Image{}, containers: map[string]*container{}, volumes: map[string]*volume{}, snapshots: map[string]*volume{},
			fills: map[string]fill{}, network: k.Network,
		}
		maps.Copy(t.images, k.Images)
		for id, c := range k.Containers {
			t.containers[id] = &container{image: c.Image}
			if p := c.Task; p != nil {
				spec := engine.RunSpec{ID: id, Limits: p.Limits}
				t.containers[id].task = &task{
					pid: p.Pid, spec: spec, paused: p.Paused, exitCode: p.ExitCode, exitedAt: p.ExitedAt, started: p.Started, stopped: p.Stopped, ended: make(chan struct{}),
				}
				if !p.Running {
					close(t.containers[id].task.ended)
				}
			}
		}
		for id, v := range k.Volumes {
			t.volumes[id] = &volume{content: v.Content, from: v.From, size: v.Size, usage: v.Usage, attached: v.Attached, failed: v.Failed}
		}
		for id, v := range k.Snapshots {
			t.snapshots[id] = &volume{content: v.Content, from: v.From, size: v.Size, usage: v.Usage, attached: v.Attached, failed: v.Failed}
		}
		for id, f := range k.Fills {
			t.fills[id] = fill{f.Content, f.Size}
		}
		e.accounts[id] = t
	}
}
