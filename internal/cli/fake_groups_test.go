package cli

import (
	"net/http"

	"github.com/hypercloud/hyper/api/types"
)

// webGroup is what every security group says here.
func webGroup(name string) types.SecurityGroup {
	return types.SecurityGroup{Name: name, Description: "web <ports> & more", Rules: []types.SecurityGroupRule{
		{Direction: "ingress", PortRangeMin: 80, PortRangeMax: 80, Protocol: "tcp", RemoteIPPrefix: "0.0.0.0/0"},
		{Direction: "egress", RemoteGroupName: "db"},
	}}
}

// group answers the calls of security groups, without reading files.
func (f *fake) group(w http.ResponseWriter, method, name string) any {
	if name == "/sg" {
		list := []types.SecurityGroup{}
		for name := range f.groups {
			list = append(list, webGroup(name))
		}
		return list
	}
	switch {
	case method == http.MethodPost && f.groups[name]:
		return refusal{http.StatusConflict, "A security group named " + name + " already exists"}
	case method == http.MethodPost:
		f.groups[name] = true
		w.WriteHeader(http.StatusCreated)
		return nil
	case !f.groups[name]:
		return refusal{http.StatusNotFound, "No such security group: " + name}
	case method == http.MethodGet:
		return webGroup(name)
	case method == http.MethodDelete:
		delete(f.groups, name)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
