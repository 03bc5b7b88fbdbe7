package build

import (
	"context"
	"maps"
	"strconv"

	controlapi "github.com/moby/buildkit/api/services/control"
	gateway "github.com/moby/buildkit/frontend/gateway/pb"
	"google.golang.org/grpc"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/oops"
)

// control answers the calls of BuildKit's control API that are not handed on unread.
type control struct {
	s  *Service
	a  account.Ref
	cc *grpc.ClientConn
}

// What is answered here: of each service one method, all others are handed on.
var (
	controlDesc = grpc.ServiceDesc{ServiceName: "moby.buildkit.v1.Control", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: "Solve", Handler: func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var req controlapi.SolveRequest
			if err := decode(&req); err != nil {
				return nil, err
			}
			return srv.(*control).solve(outgoing(ctx), &req)
		},
	}}}
	bridgeDesc = grpc.ServiceDesc{ServiceName: "moby.buildkit.v1.frontend.LLBBridge", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: "Solve", Handler: func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var req gateway.SolveRequest
			if err := decode(&req); err != nil {
				return nil, err
			}
			return srv.(*control).bridge(outgoing(ctx), &req)
		},
	}}}
)

// bridge is a step of a client that is a frontend itself, as buildx is.
func (c *control) bridge(ctx context.Context, req *gateway.SolveRequest) (*gateway.SolveResponse, error) {
	var err error
	if req.FrontendOpt, err = c.withNames(ctx, req.Frontend, req.FrontendOpt); err != nil {
		return nil, err
	}
	return gateway.NewLLBBridgeClient(c.cc).Solve(ctx, req)
}

// solve is a whole build. Images that are to stay here are loaded from what buildkitd sends.
func (c *control) solve(ctx context.Context, req *controlapi.SolveRequest) (*controlapi.SolveResponse, error) {
	ctx = quota.Once(ctx) // what could be begun is kept
	err := quota.Afford(ctx, c.s.Spending, c.a)
	if err != nil {
		return nil, err
	}
	if req.FrontendAttrs, err = c.withNames(ctx, req.Frontend, req.FrontendAttrs); err != nil {
		return nil, err
	}
	if len(req.Exporters) == 0 && req.ExporterDeprecated != "" {
		req.Exporters = []*controlapi.Exporter{{Type: req.ExporterDeprecated, Attrs: req.ExporterAttrsDeprecated}}
	}
	req.ExporterDeprecated, req.ExporterAttrsDeprecated = "", nil
	var taken []*intake
	for i, ex := range req.Exporters {
		if ex.Type != "moby" {
			continue
		}
		ss := c.s.session(ctx, sessionKey{c.a, req.Session})
		if ss == nil {
			return nil, oops.Conflict("the build's session %s is not open", req.Session)
		}
		in := c.s.receive(ctx, c.a)
		defer ss.expect(strconv.Itoa(i), in)()
		taken = append(taken, in)
		ex.Type = "docker"
	}
	resp, err := controlapi.NewControlClient(c.cc).Solve(ctx, req)
	for _, in := range taken {
		if _, lerr := in.result(err); lerr != nil {
			return nil, lerr
		}
	}
	return resp, err
}

// withNames adds the names of the account's images to the attributes of a frontend that reads Dockerfiles. What the user says of a name is
// not changed, and who wants to pull them asks registries.
func (c *control) withNames(ctx context.Context, frontend string, attrs map[string]string) (map[string]string, error) {
	if frontend != "dockerfile.v0" && frontend != "gateway.v0" || attrs["image-resolve-mode"] == "pull" {
		return attrs, nil
	}
	out, err := c.s.names(ctx, c.a)
	if err != nil {
		return nil, err
	}
	maps.Copy(out, attrs)
	return out, nil
}
