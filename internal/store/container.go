package store

import (
	"net/netip"
	"time"

	"github.com/hypercloud/hyper/internal/engine"
)

// Container is one container of an account.
type Container struct {
	ID        string // 64 hex digits
	Name      string // without a slash, unique in the account
	ImageID   string // sha256:...
	Phase     Phase
	CreatedAt time.Time
	Endpoints []Endpoint // in the order of their interfaces
	Spec      ContainerSpec
	State     ContainerState
}

// Phase is what is intended for a resource. What is not Ready is finished or undone at start.
type Phase string

// The phases.
const (
	Creating Phase = "creating" // being made; undone at start
	Ready    Phase = "ready"
	Removing Phase = "removing" // being destroyed; finished at start
)

// ContainerSpec is what the user asked for, checked and completed. It does not change after creation,
// but for the fields that update changes.
type ContainerSpec struct {
	Image           string   // as typed
	Args            []string // entrypoint and command, resolved against the image
	Entrypoint      []string `json:",omitempty"` // resolved
	Cmd             []string `json:",omitempty"` // resolved
	Env             []string `json:",omitempty"` // image's and user's merged, without PATH, HOSTNAME and HOME added by the platform
	WorkingDir      string   `json:",omitempty"`
	User            string   `json:",omitempty"`
	Hostname        string
	Domainname      string            `json:",omitempty"`
	Labels          map[string]string `json:",omitempty"` // user's; platform labels are derived
	Tty             bool              `json:",omitempty"`
	OpenStdin       bool              `json:",omitempty"`
	StdinOnce       bool              `json:",omitempty"`
	AttachStdin     bool              `json:",omitempty"`
	AttachStdout    bool              `json:",omitempty"`
	AttachStderr    bool              `json:",omitempty"`
	Exposed         []Port            `json:",omitempty"` // image's, --expose and private sides of -p; sorted
	Published       []PublishedPort   `json:",omitempty"` // -p, and -P resolved; in order of the user's words
	PublishAll      bool              `json:",omitempty"`
	Links           []Link            `json:",omitempty"`
	Mounts          []Mount           `json:",omitempty"`
	VolumesFrom     []string          `json:",omitempty"` // as asked: container[:mode]
	Restart         RestartPolicy
	StopSignal      string              `json:",omitempty"` // as given: SIGTERM, TERM or 15
	StopTimeout     *int                `json:",omitempty"` // seconds
	Size            string              // s1 ... l3
	NoAutoVolume    bool                `json:",omitempty"`
	Protection      bool                `json:",omitempty"`
	AutoRemove      bool                `json:",omitempty"`
	Init            bool                `json:",omitempty"`
	ReadOnly        bool                `json:",omitempty"`
	Healthcheck     *engine.Healthcheck `json:",omitempty"` // image's and user's merged; nil: none
	SecGroups       []string            `json:",omitempty"`
	FIP             FIPRequest          `json:",omitzero"`
	Tmpfs           map[string]string   `json:",omitempty"`
	ShmSize         int64               `json:",omitempty"`
	NetworkMode     string              `json:",omitempty"` // as asked: the name or id of its first network, or none; "" is the account's own
	CapAdd          []string            `json:",omitempty"`
	CapDrop         []string            `json:",omitempty"`
	ContainerIDFile string              `json:",omitempty"`
	NoNewPrivileges bool                `json:",omitempty"`
	GroupAdd        []string            `json:",omitempty"`
	Sysctls         map[string]string   `json:",omitempty"`
	ExtraHosts      []string            `json:",omitempty"` // name:address
	DNSSearch       []string            `json:",omitempty"` // of resolv.conf
	DNSOptions      []string            `json:",omitempty"` // of resolv.conf
	ConsoleSize     [2]uint16           `json:",omitzero"`
	Builder         bool                `json:",omitempty"` // it is the platform's, and builds the account's images
}

// FIPRequest is the floating IP that a container asked for at its creation.
type FIPRequest struct {
	Asked string `json:",omitempty"` // as typed: auto, an address or a name; "": none
	// Awaits is the address that is to be attached. It is cleared when that is done.
	Awaits netip.Addr `json:",omitzero"`
	// Fresh says that Awaits was allocated for this very container; if the container does not come to be, neither does it.
	Fresh bool `json:",omitempty"`
}

// Port is a container's port.
type Port struct {
	Number uint16
	Proto  string // tcp, udp or sctp
}

// PublishedPort maps a port of the container's floating IP to one of the container's own.
type PublishedPort struct {
	Port
	Public uint16
}

// Link makes another container of the account known to this one.
type Link struct {
	Target string // container id
	Alias  string
}

// Mount places a volume in a container.
type Mount struct {
	VolumeID    string
	Destination string
	ReadOnly    bool   `json:",omitempty"`
	Mode        string `json:",omitempty"` // as given: "", "ro", "rw", "nocopy"...
	NoCopy      bool   `json:",omitempty"`
	Borrowed    bool   `json:",omitempty"` // the volume is another container's (--volumes-from)
}

// RestartPolicy says what happens when a container's process ends.
type RestartPolicy struct {
	Name       string // no, on-failure, always or unless-stopped
	MaxRetries int    `json:",omitempty"` // on-failure only; 0: no bound
}

// ContainerState is what became of the container.
type ContainerState struct {
	Status       Status
	Pid          int       `json:",omitempty"`
	ExitCode     int       `json:",omitempty"`
	StartedAt    time.Time `json:",omitzero"`
	FinishedAt   time.Time `json:",omitzero"`
	OOMKilled    bool      `json:",omitempty"`
	Error        string    `json:",omitempty"`
	RestartCount int       `json:",omitempty"`
	UserStopped  bool      `json:",omitempty"` // the user's word ended it; cleared by start
}

// Status is the state of a container, in Docker's words.
type Status string

// The states. Starting and Stopping are seen by users as what came before.
const (
	StatusCreated    Status = "created"
	StatusStarting   Status = "starting" // intent: a task is being made
	StatusRunning    Status = "running"
	StatusPaused     Status = "paused"
	StatusRestarting Status = "restarting" // ended, and waiting to be started again
	StatusExited     Status = "exited"
)

// Live reports whether the container has a process that may be running.
func (s Status) Live() bool { return s == StatusRunning || s == StatusPaused }
