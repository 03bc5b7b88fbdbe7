package session

import (
	"context"
	"errors"
)

// Each calls fn for each of the names that a command was given. One that fails does not keep the others from their turn.
func Each(ctx context.Context, names []string, fn func(ctx context.Context, name string) error) error {
	var failed []error
	for _, name := range names {
		if err := fn(ctx, name); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}
