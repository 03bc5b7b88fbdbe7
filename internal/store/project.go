package store

import "time"

// Project is a compose project of an account: the definition that was brought up last. Its containers are found by
// their labels.
type Project struct {
	Name      string // normalised: a-z and 0-9
	CreatedAt time.Time
	Spec      ProjectSpec
}

// ProjectSpec is what a project is made of.
type ProjectSpec struct {
	Services map[string]ProjectService
	Volumes  map[string]ProjectVolume `json:",omitempty"`
}

// ProjectService describes the containers of one service, in the words of the compose file.
type ProjectService struct {
	Image          string
	Command        []string          `json:",omitempty"`
	Entrypoint     []string          `json:",omitempty"`
	Environment    []string          `json:",omitempty"` // K=V
	Labels         map[string]string `json:",omitempty"`
	Links          []string          `json:",omitempty"` // service[:alias]
	ExternalLinks  []string          `json:",omitempty"` // container[:alias]
	DependsOn      []string          `json:",omitempty"`
	Expose         []string          `json:",omitempty"`
	Ports          []string          `json:",omitempty"` // [public:]private[/proto]
	Volumes        []string          `json:",omitempty"` // /path or name:/path[:mode]
	Restart        string            `json:",omitempty"`
	OpenStdin      bool              `json:",omitempty"`
	Tty            bool              `json:",omitempty"`
	WorkingDir     string            `json:",omitempty"`
	Hostname       string            `json:",omitempty"`
	Domainname     string            `json:",omitempty"`
	ContainerName  string            `json:",omitempty"`
	StopSignal     string            `json:",omitempty"`
	Size           string            `json:",omitempty"`
	FIP            string            `json:",omitempty"` // address or name
	SecurityGroups []string          `json:",omitempty"`
	NoAutoVolume   bool              `json:",omitempty"`
}

// ProjectVolume is a volume that a project declares.
type ProjectVolume struct {
	SizeGB   int    `json:",omitempty"` // 0: as volumes are by default
	Snapshot string `json:",omitempty"` // name or id of the snapshot that it begins as
	External bool   `json:",omitempty"` // it must exist, and is never removed with the project
}
