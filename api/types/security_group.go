package types

// SecurityGroup is a list of what is allowed to the containers that carry it.
type SecurityGroup struct {
	// Name is unique in the account.
	Name string `json:"name" yaml:"name"`
	// Description is one line.
	Description string `json:"description" yaml:"description"`
	// Rules are in the order of the user's file.
	Rules []SecurityGroupRule `json:"rules" yaml:"rules"`
}

// SecurityGroupRule allows connections of the carriers with one kind of peers.
type SecurityGroupRule struct {
	// Direction is ingress (the peers begin) or egress (the carriers do).
	Direction string `json:"direction" yaml:"direction"`
	// PortRangeMin and PortRangeMax are ports of tcp and udp, or types of icmp; both 0: all.
	PortRangeMin int `json:"port_range_min" yaml:"port_range_min"`
	PortRangeMax int `json:"port_range_max" yaml:"port_range_max"`
	// Protocol is tcp, udp, icmp, or empty for all.
	Protocol string `json:"protocol" yaml:"protocol"`
	// RemoteIPPrefix are the peers' addresses; empty when RemoteGroupName says who they are.
	RemoteIPPrefix string `json:"remote_ip_prefix" yaml:"remote_ip_prefix"`
	// RemoteGroupName is the group that the peers carry.
	RemoteGroupName string `json:"remote_group_name" yaml:"remote_group_name"`
}
