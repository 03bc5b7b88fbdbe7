package store

import "time"

// SecurityGroup is a list of what is allowed to the containers that carry it; the specs of containers say which do.
type SecurityGroup struct {
	Name      string // unique in the account, and never changed
	CreatedAt time.Time
	Spec      SecurityGroupSpec
}

// SecurityGroupSpec is what the user's file says, checked.
type SecurityGroupSpec struct {
	Description string              `json:",omitempty"`
	Rules       []SecurityGroupRule `json:",omitempty"` // in the file's order
}

// SecurityGroupRule is one rule, in the words of the file (behaviour 8.1). 0 and "" are what is not said.
type SecurityGroupRule struct {
	Direction string // ingress or egress
	Protocol  string `json:",omitempty"` // tcp, udp or icmp
	PortMin   int    `json:",omitempty"` // or the first type of icmp
	PortMax   int    `json:",omitempty"`
	Prefix    string `json:",omitempty"` // of peers' addresses, without host bits
	Group     string `json:",omitempty"` // the peers' group; this or Prefix
}
