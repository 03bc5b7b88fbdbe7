package container

import (
	"io"
	"time"

	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// The rows of the store that the HTTP layer shows.
type (
	// Container is a container as the store has it; it is shared and must not be changed.
	Container = store.Container
	// Spec is what the user asked for.
	Spec = store.ContainerSpec
	// State is what became of it.
	State = store.ContainerState
)

// CreateRequest is what a client asked for, in the words of Docker's API; Create checks all of it.
type CreateRequest struct {
	Name         string // "" makes one: adjective-surname
	Image        string // as typed
	Cmd          []string
	Entrypoint   []string // nil: the image's; [""] or empty non-nil: none
	Env          []string
	WorkingDir   string
	User         string
	Hostname     string
	Domainname   string
	Labels       map[string]string // with the platform's sh_hyper_* labels in it
	Tty          bool
	OpenStdin    bool
	StdinOnce    bool
	AttachStdin  bool
	AttachStdout bool
	AttachStderr bool
	ExposedPorts []string // "80/tcp", "53/udp", "80"
	Volumes      []string // container paths: an auto-volume each
	Binds        []string // name:/path[:mode]
	Mounts       []MountRequest
	VolumesFrom  []string // container[:ro|rw], whose volumes are mounted too
	Ports        []PortRequest
	PublishAll   bool
	Links        []string // name[:alias]
	NetworkMode  string   // a network, or none; "" or default: the first of Networks, or the account's own if there is none
	Networks     []network.EndpointRequest
	Restart      store.RestartPolicy
	StopSignal   string
	StopTimeout  *int
	AutoRemove   bool
	Init         bool
	ReadOnly     bool
	Privileged   bool // refused
	Healthcheck  *engine.Healthcheck
	Tmpfs        map[string]string
	ShmSize      int64
	CapAdd       []string
	CapDrop      []string
	// NoNewPrivileges keeps programs from getting more rights than who runs them.
	NoNewPrivileges bool
	GroupAdd        []string
	Sysctls         map[string]string
	ExtraHosts      []string
	DNSSearch       []string // of resolv.conf
	DNSOptions      []string // of resolv.conf
	ConsoleSize     [2]uint16
	// ContainerIDFile is a file on the client's side, which it is told of again.
	ContainerIDFile string
	// Replaces is the id of a container that does not run, and whose place the new one takes: volumes that both mount at the same
	// path pass to the new one, and quotas do not count the old one, which the caller removes next. "" replaces none.
	Replaces string
	// Builder makes the container the one that builds the account's images (package build). Clients cannot ask for it.
	Builder bool
}

// MountRequest is one of HostConfig.Mounts.
type MountRequest struct {
	Type     string // volume, tmpfs or bind (refused)
	Source   string // volume name; "" makes an auto-volume
	Target   string
	ReadOnly bool
	NoCopy   bool
}

// PortRequest is one entry of HostConfig.PortBindings.
type PortRequest struct {
	Private string // "80/tcp"
	Public  string // "", "8080" or "8000-8080" (its first port is taken)
}

// Created is the answer to a CreateRequest.
type Created struct {
	ID       string
	Warnings []string
}

// ListOptions picks containers.
type ListOptions struct {
	All     bool
	Limit   int // 0: no limit; otherwise the newest, of any state
	Filters map[string][]string
	Size    bool
}

// RemoveOptions are the flags of rm.
type RemoveOptions struct {
	Force   bool // kill first
	Volumes bool // auto-volumes go too
	ended   bool // only one that does not run
}

// WaitCondition says what Wait waits for.
type WaitCondition string

// The conditions of Docker's API; "" is WaitNotRunning.
const (
	WaitNotRunning WaitCondition = "not-running"
	WaitNextExit   WaitCondition = "next-exit"
	WaitRemoved    WaitCondition = "removed"
)

// AttachOptions say which streams to connect.
type AttachOptions struct {
	Stream bool // what comes
	Logs   bool // what has been
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// DetachKeys in Docker's notation; "" is ctrl-p,ctrl-q. They act only when the container has a terminal.
	DetachKeys string
}

// ExecConfig describes a further process in a running container.
type ExecConfig struct {
	User         string
	Tty          bool
	AttachStdin  bool
	AttachStdout bool
	AttachStderr bool
	Detach       bool
	DetachKeys   string
	Env          []string
	WorkingDir   string
	Cmd          []string
	Privileged   bool // refused
	ConsoleSize  [2]uint16
}

// Exec is the record of one exec. It outlives the process, and goes with the container.
type Exec struct {
	ID          string // 64 hex digits
	ContainerID string
	Config      ExecConfig
	Running     bool
	Started     bool
	ExitCode    *int // nil until it has ended
	Pid         int
}

// Health is the state of a container's health check.
type Health struct {
	Status        string // none, starting, healthy or unhealthy
	FailingStreak int
	Log           []HealthResult // newest last, at most 5
}

// HealthResult is the outcome of one probe.
type HealthResult struct {
	Start, End time.Time
	ExitCode   int
	Output     string // at most 4096 bytes
}

// Processes is the answer to top.
type Processes struct {
	Titles []string
	Rows   [][]string
}
