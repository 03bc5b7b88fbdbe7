package main

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	eventtypes "github.com/containerd/containerd/api/events"
	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/containerd/api/types/task"
	"github.com/containerd/containerd/v2/core/events"

	"github.com/hypercloud/hyper/internal/boottime"
)

const (
	subject = "subject"
	itsPid  = 100
)

// outlet is where events go. It remembers what was noted when they came.
type outlet struct {
	dir  string
	seen []time.Duration
}

func (o *outlet) Publish(context.Context, string, events.Event) error {
	o.seen = append(o.seen, boottime.Noted(filepath.Join(o.dir, endedNote)))
	return nil
}

func (o *outlet) Close() error { return nil }

// watched is a timekeeper that knows of one process, and where its notes go.
func watched(t *testing.T) (*timekeeper, *outlet) {
	t.Helper()
	o := &outlet{dir: t.TempDir()}
	k := newTimekeeper(o)
	k.made(subject, itsPid, filepath.Join(o.dir, "stdout"))
	return k, o
}

func (o *outlet) notes() (started, ended time.Duration) {
	return boottime.Noted(filepath.Join(o.dir, startedNote)), boottime.Noted(filepath.Join(o.dir, endedNote))
}

func exitOf(id string) events.Event {
	return &eventtypes.TaskExit{ContainerID: subject, ID: id, Pid: itsPid}
}

func TestAStartIsBeforeTheProcessRuns(t *testing.T) {
	k, o := watched(t)
	before := boottime.Now()
	var running time.Duration
	if err := k.start(subject, func() error { running = boottime.Now(); return nil }); err != nil {
		t.Fatal(err)
	}
	if started, ended := o.notes(); started < before || started > running || ended != 0 {
		t.Errorf("it ran at %v, after %v; noted are %v and %v", running, before, started, ended)
	}
}

func TestAFailedStartIsNone(t *testing.T) {
	k, o := watched(t)
	failed := errors.New("no such command")
	if err := k.start(subject, func() error { return failed }); !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
	if started, ended := o.notes(); started != 0 || ended != 0 {
		t.Errorf("noted are %v and %v", started, ended)
	}
}

func TestAnEndIsWhenItWasFound(t *testing.T) {
	k, o := watched(t)
	before := boottime.Now()
	found := time.Now()
	after := boottime.Now()
	k.exited(itsPid+1, found.Add(-time.Second))
	if _, ended := o.notes(); ended != 0 {
		t.Errorf("the end of another is noted: %v", ended)
	}
	k.exited(itsPid, found)
	_, ended := o.notes()
	// Between the two readings that it is reckoned from the test may be off its processor, which moves the result back.
	if slack := boottime.Now() - after; ended > after || ended < before-slack {
		t.Errorf("found between %v and %v, noted as %v", before, after, ended)
	}
	k.exited(itsPid, time.Now())
	k.stopped(subject)
	if _, again := o.notes(); again != ended {
		t.Errorf("the end was at %v, and then at %v", ended, again)
	}
}

func TestAnEndIsNotedBeforeItIsToldOf(t *testing.T) {
	k, o := watched(t)
	for _, e := range []events.Event{exitOf("exec"), &eventtypes.TaskOOM{ContainerID: subject}} {
		if err := k.Publish(t.Context(), "", e); err != nil {
			t.Fatal(err)
		}
		if _, ended := o.notes(); ended != 0 {
			t.Errorf("%T: %v", e, ended)
		}
	}
	before := boottime.Now()
	if err := k.Publish(t.Context(), "", exitOf(subject)); err != nil {
		t.Fatal(err)
	}
	_, ended := o.notes()
	if ended < before || ended > boottime.Now() || len(o.seen) != 3 || o.seen[2] != ended {
		t.Errorf("noted is %v, which is after %v; the publisher saw %v", ended, before, o.seen)
	}
}

// The shim may look for ended processes when one is just about to begin.
func TestNoEndIsBeforeTheStart(t *testing.T) {
	k, o := watched(t)
	if err := k.start(subject, func() error { k.exited(itsPid, time.Now().Add(-time.Hour)); return nil }); err != nil {
		t.Fatal(err)
	}
	if started, ended := o.notes(); started == 0 || ended != started {
		t.Errorf("noted are %v and %v", started, ended)
	}
}

func TestNothingIsNotedOfOneThatHasNoPipesOrIsForgotten(t *testing.T) {
	k, o := watched(t)
	k.forget(subject)
	k.made("silent", itsPid, "")
	for _, id := range []string{subject, "silent"} {
		if err := k.start(id, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		k.stopped(id)
	}
	k.exited(itsPid, time.Now())
	if started, ended := o.notes(); started != 0 || ended != 0 {
		t.Errorf("noted are %v and %v", started, ended)
	}
}

// states is a service of tasks that says how processes are.
type states struct {
	taskapi.TTRPCTaskService

	status task.Status
}

func (s states) State(context.Context, *taskapi.StateRequest) (*taskapi.StateResponse, error) {
	return &taskapi.StateResponse{Status: s.status}, nil
}

func TestAnEndIsNotedBeforeWhoAsksIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		status task.Status
		exec   string
		noted  bool
	}{
		"running": {status: task.Status_RUNNING},
		"paused":  {status: task.Status_PAUSED},
		"an exec": {status: task.Status_STOPPED, exec: "exec"},
		"stopped": {status: task.Status_STOPPED, noted: true},
	} {
		t.Run(name, func(t *testing.T) {
			k, o := watched(t)
			if _, err := newKeeper(states{status: c.status}, k).State(t.Context(), &taskapi.StateRequest{ID: subject, ExecID: c.exec}); err != nil {
				t.Fatal(err)
			}
			if _, ended := o.notes(); (ended != 0) != c.noted {
				t.Errorf("noted is %v", ended)
			}
		})
	}
}
