package build

import (
	"context"

	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Credential is how a client is known at a registry.
type Credential struct {
	Username string
	Password string
	Token    string // an identity token; wins over the password
}

// credentials tells the builder what its client gave for registries. It fetches no tokens: the builder does that itself, from within the
// account's network, since a registry says where tokens are to be had, and hyperd must not be sent to places.
type credentials struct {
	auth.UnimplementedAuthServer
	byHost map[string]Credential
}

func (c credentials) Register(srv *grpc.Server) { auth.RegisterAuthServer(srv, c) }

func (c credentials) Credentials(_ context.Context, req *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	host := req.Host
	if host == "registry-1.docker.io" {
		host = "https://index.docker.io/v1/"
	}
	k, ok := c.byHost[host]
	if !ok {
		k = c.byHost["https://"+host]
	}
	if k.Token != "" {
		return &auth.CredentialsResponse{Secret: k.Token}, nil
	}
	return &auth.CredentialsResponse{Username: k.Username, Secret: k.Password}, nil
}

func (credentials) GetTokenAuthority(context.Context, *auth.GetTokenAuthorityRequest) (*auth.GetTokenAuthorityResponse, error) {
	return nil, status.Error(codes.Unavailable, "client side tokens are not offered")
}
