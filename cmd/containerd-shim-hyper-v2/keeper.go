package main

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/containerd/api/types/task"
	"github.com/containerd/ttrpc"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/types/known/emptypb"
)

// unlogged is how the name of the pipe ends into which hyperd takes what it reads of another, until that is in the log.
const unlogged = ".unlogged"

// keeper is the service of tasks that keeps what a container left until hyperd has seen it. The kernel throws away what is in a
// pipe as soon as nobody has it open, and containerd's own shim lets go when the process has ended. containerd throws away a shim
// without processes when it starts, and with it the exit code.
type keeper struct {
	taskapi.TTRPCTaskService

	times *timekeeper

	mu      sync.Mutex
	held    map[string][]*os.File // by container
	bundles map[string]string     // directories, by container
	deleted []string              // directories of those that are deleted
}

func newKeeper(tasks taskapi.TTRPCTaskService, times *timekeeper) *keeper {
	return &keeper{TTRPCTaskService: tasks, times: times, held: map[string][]*os.File{}, bundles: map[string]string{}}
}

// RegisterTTRPC makes the shim serve k.
func (k *keeper) RegisterTTRPC(server *ttrpc.Server) error {
	taskapi.RegisterTTRPCTaskService(server, k)
	return nil
}

// Create makes a container's first process. What cannot be held is no reason not to run it: without, no more is lost than
// what is written while hyperd is away.
func (k *keeper) Create(ctx context.Context, r *taskapi.CreateTaskRequest) (*taskapi.CreateTaskResponse, error) {
	var pipes []*os.File
	for _, path := range []string{r.GetStdout(), r.GetStdout() + unlogged, r.GetStderr(), r.GetStderr() + unlogged} {
		if !filepath.IsAbs(path) {
			continue // there is no such stream
		}
		if f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0); err == nil {
			pipes = append(pipes, f)
		}
	}
	reply, err := k.TTRPCTaskService.Create(ctx, r)
	if err != nil {
		closeAll(pipes)
		return nil, err
	}
	k.mu.Lock()
	k.held[r.GetID()], k.bundles[r.GetID()] = pipes, r.GetBundle()
	k.mu.Unlock()
	k.times.made(r.GetID(), int(reply.GetPid()), r.GetStdout())
	return reply, nil
}

// Start starts a process. Of a container's first it is noted when.
func (k *keeper) Start(ctx context.Context, r *taskapi.StartRequest) (reply *taskapi.StartResponse, err error) {
	if r.GetExecID() != "" {
		return k.TTRPCTaskService.Start(ctx, r)
	}
	err = k.times.start(r.GetID(), func() (err error) {
		reply, err = k.TTRPCTaskService.Start(ctx, r)
		return err
	})
	return reply, err
}

// State tells how a process is. Of a first one that has ended it is noted when, before anybody knows.
func (k *keeper) State(ctx context.Context, r *taskapi.StateRequest) (*taskapi.StateResponse, error) {
	reply, err := k.TTRPCTaskService.State(ctx, r)
	if r.GetExecID() == "" && reply.GetStatus() == task.Status_STOPPED {
		k.times.stopped(r.GetID())
	}
	return reply, err
}

// Delete forgets a process, and if it is a container's first, lets go of the pipes.
func (k *keeper) Delete(ctx context.Context, r *taskapi.DeleteRequest) (*taskapi.DeleteResponse, error) {
	reply, err := k.TTRPCTaskService.Delete(ctx, r)
	if err != nil || r.GetExecID() != "" {
		return reply, err
	}
	k.mu.Lock()
	pipes := k.held[r.GetID()]
	if dir := k.bundles[r.GetID()]; dir != "" {
		k.deleted = append(k.deleted, dir)
	}
	delete(k.held, r.GetID())
	delete(k.bundles, r.GetID())
	k.mu.Unlock()
	k.times.forget(r.GetID())
	closeAll(pipes)
	return reply, nil
}

// Shutdown ends the shim when it has no containers any more. It takes the directories of deleted tasks along: otherwise containerd
// would run this program once more, and that would run runc, to find out that there is nothing to clear up, and the
// deletion would wait for both.
func (k *keeper) Shutdown(ctx context.Context, r *taskapi.ShutdownRequest) (*emptypb.Empty, error) {
	k.mu.Lock()
	deleted := k.deleted
	k.deleted = nil
	k.mu.Unlock()
	for _, dir := range deleted {
		removeBundle(dir)
	}
	return k.TTRPCTaskService.Shutdown(ctx, r)
}

// Pids lists a container's processes. One that has ended is listed, as long as it is all there is.
func (k *keeper) Pids(ctx context.Context, r *taskapi.PidsRequest) (*taskapi.PidsResponse, error) {
	reply, err := k.TTRPCTaskService.Pids(ctx, r)
	if len(reply.GetProcesses()) > 0 {
		return reply, err
	}
	state, failed := k.State(ctx, &taskapi.StateRequest{ID: r.GetID()})
	if failed != nil || state.GetStatus() != task.Status_STOPPED {
		return reply, err
	}
	return &taskapi.PidsResponse{Processes: []*task.ProcessInfo{{Pid: state.GetPid()}}}, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
