// Package types holds the wire types of Hyper's own resources. What Hyper shares with the Docker Engine API
// (containers, images, volumes) is in github.com/moby/moby/api/types.
package types

// FloatingIP is a public address of an account. Every value is a string on the wire.
type FloatingIP struct {
	// Address is the dotted address.
	Address string `json:"fip"`
	// Name is the user's name for it; empty when it has none.
	Name string `json:"name"`
	// Container is the 64-digit id of the container that holds it; empty when none does.
	Container string `json:"container"`
	// Service is the name of the service that holds it; empty when none does.
	Service string `json:"service"`
}

// Free says whether neither a container nor a service holds the address.
func (f FloatingIP) Free() bool { return f.Container == "" && f.Service == "" }

// ContainerUpdate changes what can be changed about an existing container. It is the body of PUT /containers/{id}.
type ContainerUpdate struct {
	// AddSecurityGroups are group names, each with the value "yes".
	AddSecurityGroups map[string]string `json:"AddSecurityGroups,omitempty"`
	// RemoveSecurityGroups are group names, each with the value "yes".
	RemoveSecurityGroups map[string]string `json:"RemoveSecurityGroups,omitempty"`
	// SetContainerProtection is "true", "false" or, to leave it as it is, empty.
	SetContainerProtection string `json:"SetContainerProtection,omitempty"`
}

// Error is the body of a failed request.
type Error struct {
	Message string `json:"message"`
}

// Labels with which a client asks for what Docker's API has no field for, and in which the server answers.
const (
	// LabelSize names the size of a container, s1 to l3.
	LabelSize = "sh_hyper_instancetype"
	// LabelNoAutoVolume = "true" keeps the image's VOLUME paths on the root filesystem.
	LabelNoAutoVolume = "sh_hyper_noauto_volume"
	// LabelProtection = "true" protects a container from removal.
	LabelProtection = "sh_hyper_container_protection"
	// LabelSecurityGroup + name = "yes" joins a security group.
	LabelSecurityGroup = "sh_hyper_sg_"
	// LabelTakeFloatingIP asks for a floating IP at creation: "auto", an address, or the name of one.
	LabelTakeFloatingIP = "sh_hyper_fip"
	// LabelFloatingIP is the attached floating IP, empty when there is none; set by the server.
	LabelFloatingIP = "sh.hyper.fip"
)

// VolumeCreate asks for a new volume. It is the body of POST /volumes/create.
type VolumeCreate struct {
	// Name is unique in the account; the server makes one up for an empty one.
	Name string `json:"Name,omitempty"`
	// Driver is "hyper" or empty.
	Driver string `json:"Driver,omitempty"`
	// DriverOpts may have "size", a number of GB.
	DriverOpts map[string]string `json:"DriverOpts,omitempty"`
	// Labels are the user's.
	Labels map[string]string `json:"Labels,omitempty"`
}
