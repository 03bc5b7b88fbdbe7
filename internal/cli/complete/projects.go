package complete

import (
	"context"

	"github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

// The labels by which compose finds a project's containers, and their services.
const (
	projectLabel = "com.docker.compose.project"
	serviceLabel = "com.docker.compose.service"
)

// services offers those of which there are containers; of one project, where the command line says which.
func (o sources) services() cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		label := projectLabel
		if f := cmd.Flags().Lookup("project-name"); f != nil && f.Value.String() != "" {
			label += "=" + f.Value.String()
		}
		return names(func(ctx context.Context) ([]string, error) { return o.labelled(ctx, label, serviceLabel) })(cmd, args, word)
	}
}

// projects offers those of which there are containers.
func (o sources) projects() cobra.CompletionFunc {
	return names(func(ctx context.Context) ([]string, error) { return o.labelled(ctx, projectLabel, projectLabel) })
}

// labelled lists the values of one label of the containers that have another.
func (o sources) labelled(ctx context.Context, having, label string) ([]string, error) {
	list, err := o.s.Docker().ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", having)})
	if err != nil {
		return nil, err
	}
	var out []string
	seen := map[string]bool{}
	for _, c := range list.Items {
		if v := c.Labels[label]; v != "" && !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out, nil
}
