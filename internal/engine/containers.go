package engine

import (
	"context"
	"io"
	"time"

	"github.com/hypercloud/hyper/internal/account"
)

// Containers runs processes for an account. A container has a root file system from
// CreateContainer until RemoveContainer and a process (its task) from StartContainer
// until it exits. A container survives the death of hyperd: its shim holds it.
type Containers interface {
	// CreateContainer makes the container's root file system from its image, and the disk that it is written to, if
	// its size is limited. The container is not run.
	CreateContainer(ctx context.Context, a account.Ref, id, image string) error
	// Populate copies what the image holds at path in container id's root file system into the
	// (attached, empty) volume mounted on the host at target, with owners, modes, times and xattrs; the
	// volume's root takes the owner and mode of the image's directory. A path that the image does not have,
	// and a volume that is not empty, are left as they are.
	Populate(ctx context.Context, a account.Ref, id, path, target string) error
	// StartContainer starts the container's process. onCreated, if not nil, is called when the
	// process exists (in its namespaces) but has not run yet, with its pid on the host: the network is attached there.
	// Errors: *CommandError when the command cannot be run; then nothing is left of the attempt but the root file system.
	StartContainer(ctx context.Context, a account.Ref, spec RunSpec, onCreated func(ctx context.Context, pid int) error) (Started, error)
	// RemoveContainer removes what is left: task (killed if it lives), root file system and log. Absent is no error.
	RemoveContainer(ctx context.Context, a account.Ref, id string) error
	// DeleteTask removes the remains of an exited process: its shim, bundle and pipes; and lets go of the disk of its root
	// file system. Absent is no error.
	DeleteTask(ctx context.Context, a account.Ref, id string) error

	Signal(ctx context.Context, a account.Ref, id string, signal int) error
	Pause(ctx context.Context, a account.Ref, id string) error
	Unpause(ctx context.Context, a account.Ref, id string) error
	Resize(ctx context.Context, a account.Ref, id string, rows, cols uint16) error

	// Attach connects streams to a running (or about to be started: Attach may come before StartContainer)
	// container and returns when the process has ended or ctx is done. Output is what comes after the call.
	// Reading from streams.Stdin ends the container's stdin only when closeStdin is set.
	Attach(ctx context.Context, a account.Ref, id string, streams Streams, closeStdin bool) error
	// Logs writes recorded output to fn, oldest first; with Follow until the process ends or ctx is done.
	Logs(ctx context.Context, a account.Ref, id string, opts LogOptions, fn func(LogEntry) error) error

	// Exec runs a further process in a running container and returns when it has ended. onStart is called once it runs.
	Exec(ctx context.Context, a account.Ref, id string, spec ExecSpec, streams Streams, onStart func(pid int)) (exitCode int, err error)
	ExecResize(ctx context.Context, a account.Ref, id, execID string, rows, cols uint16) error

	Stats(ctx context.Context, a account.Ref, id string) (Stats, error)
	// Processes lists the host pids of the container's processes.
	Processes(ctx context.Context, a account.Ref, id string) ([]int, error)
	// RootfsUsage is the number of bytes that the container has written to its root file system.
	RootfsUsage(ctx context.Context, a account.Ref, id string) (int64, error)

	// Tasks lists the processes that are there, alive or exited and not deleted; used at start to adopt them.
	Tasks(ctx context.Context, a account.Ref) ([]Task, error)
	// Adopt takes up the streams of a task that an earlier hyperd started (log copying, attach, stdin).
	Adopt(ctx context.Context, a account.Ref, id string, log LogConfig) error
	// TaskEvents delivers exits and OOM kills of all accounts until ctx is done. There is one reader, which calls it
	// before Tasks, so that no exit falls between the two.
	TaskEvents(ctx context.Context) (<-chan TaskEvent, error)
}

// RunSpec is all that the engine needs to run a container's process. Nothing in it is the name of
// a host path but Mounts' sources and Files', which hyperd itself made.
type RunSpec struct {
	ID          string
	Image       string // sha256:...
	Args        []string
	Env         []string
	WorkingDir  string // made if missing; "" is /
	User        string // uid[:gid] or name[:group], looked up in the container's files; "" is 0
	Hostname    string // full name shown by hostname
	Tty         bool
	ConsoleSize [2]uint16 // rows, cols; zero: unset
	OpenStdin   bool
	Init        bool // run a small init as pid 1 that reaps and forwards signals
	ReadOnly    bool // read-only root file system
	Ephemeral   bool // removed when it ends: what it writes to its root file system need not survive a power cut
	Limits      Limits
	Mounts      []Mount // volumes, hosts files
	Tmpfs       map[string]string
	ShmSize     int64 // bytes; 0: 64 MiB
	CapAdd      []string
	CapDrop     []string
	// NoNewPrivileges keeps programs from getting more rights than who runs them (setuid).
	NoNewPrivileges bool
	GroupAdd        []string
	Sysctls         map[string]string
	OOMScoreAdj     int
	Log             LogConfig
	// Builder is set for the one container of an account that builds images: BuildKit is in it, at BuilderDir, and it may make
	// containers within itself. Only hyperd asks for it.
	Builder bool
}

// BuilderDir is where a builder finds the programs that hyperd gives it: buildkitd, runc, and hyper-builder, whose standard streams
// lead to buildkitd's socket.
const BuilderDir = "/usr/libexec/hyper"

// Mount binds a directory or file of the host into the container.
type Mount struct {
	Source      string // absolute host path made by hyperd
	File        string // if set, the name of a regular file in the directory Source: that is what is bound
	Destination string // absolute path inside; made if missing
	ReadOnly    bool
	IDMap       bool // the source holds plain ids (0 is the container's root): map them
}

// Limits are the bounds of a container's size.
type Limits struct {
	CPUs   int   // whole CPUs
	Memory int64 // bytes, swap not allowed on top
	Pids   int64
}

// LogConfig bounds the recorded output.
type LogConfig struct {
	MaxFiles int   // rotated files kept, at least 1
	MaxSize  int64 // bytes a file
}

// Streams connects a process with whoever looks at it. Nil fields are not connected.
type Streams struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// ExecSpec describes a further process in a container.
type ExecSpec struct {
	ID          string // 64 hex, unique in the container
	Args        []string
	Env         []string // added to the container's own
	User        string   // "" is the container's
	WorkingDir  string   // "" is the container's
	Tty         bool
	ConsoleSize [2]uint16
}

// LogOptions picks recorded output.
type LogOptions struct {
	Follow bool
	Since  time.Time // zero: all
	Until  time.Time // zero: all
	Tail   int       // newest lines; -1: all
	Stdout bool
	Stderr bool
}

// LogEntry is one line (or part of a long one) that a container wrote.
type LogEntry struct {
	Time   time.Time
	Stream string // stdout or stderr
	Line   []byte // with its newline, if it had one
}

// Started is a process that was started.
type Started struct {
	Pid  int
	Boot time.Duration // as StartedBoot of Task
}

// Task is a container's process as the machine has it.
type Task struct {
	ContainerID string
	Pid         int  // 0 when it has exited
	Running     bool // it lives, paused or not
	Paused      bool
	Created     bool // made but never started
	ExitCode    int
	ExitedAt    time.Time // by the machine's clock
	// StartedBoot and EndedBoot are when it began and ended, as time since the machine's boot (see internal/boottime), which nobody can set. 0: not
	// known, as of one that was never started or has not ended, or was started under an earlier hyperd that did not have them noted. Both
	// are of the present boot: no process outlives one. StartedBoot is the last moment before it could run; of one that
	// ran and ended, EndedBoot is never before it.
	StartedBoot, EndedBoot time.Duration
}

// TaskEvent tells that a process ended or that the kernel killed one for memory.
type TaskEvent struct {
	Account     string // account id
	ContainerID string
	Kind        TaskEventKind
	ExitCode    int
	Time        time.Time     // by the machine's clock
	Boot        time.Duration // of an exit, Task's EndedBoot; 0: not known
}

// TaskEventKind is what happened to a task.
type TaskEventKind int

// The kinds of task event.
const (
	TaskExited TaskEventKind = iota + 1
	TaskOOM
)

// CommandError says that a container's or exec's command could not be run.
type CommandError struct {
	Code int    // 127 not found, 126 not invokable
	Msg  string // sentence fragment naming the command
}

func (e *CommandError) Error() string { return e.Msg }

// Stats is one reading of a container's use of the machine.
type Stats struct {
	Time                      time.Time
	CPUTotal                  uint64 // ns since start
	CPUUser                   uint64 // ns
	CPUSystem                 uint64 // ns
	SystemCPU                 uint64 // ns of all CPUs of the machine since boot
	OnlineCPUs                uint32
	Throttled                 uint64 // ns
	ThrottledPeriods, Periods uint64
	MemoryUsage               uint64 // bytes, page cache that can be dropped not counted
	MemoryLimit               uint64 // bytes
	MemoryCache               uint64 // bytes of inactive file cache
	MemoryStats               map[string]uint64
	Pids                      uint64
	PidsLimit                 uint64
	BlockRead                 uint64              // bytes
	BlockWrite                uint64              // bytes
	Networks                  map[string]NetStats // by interface name inside the container
}

// NetStats counts what went through one interface of a container, as seen from inside.
type NetStats struct {
	RxBytes, RxPackets, RxErrors, RxDropped uint64
	TxBytes, TxPackets, TxErrors, TxDropped uint64
}
