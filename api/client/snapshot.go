package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/hypercloud/hyper/api/types"
)

// SnapshotCreate takes a snapshot of a volume.
func (c *Client) SnapshotCreate(ctx context.Context, o types.SnapshotCreate) (types.Snapshot, error) {
	var s types.Snapshot
	err := c.call(ctx, http.MethodPost, "/snapshots/create", nil, o, &s)
	return s, err
}

// SnapshotList lists the account's snapshots. Filters are name, volume and dangling; nil lists all.
func (c *Client) SnapshotList(ctx context.Context, filters map[string][]string) ([]types.Snapshot, error) {
	query, err := withFilters(filters)
	if err != nil {
		return nil, err
	}
	var list struct{ Snapshots []types.Snapshot }
	err = c.call(ctx, http.MethodGet, "/snapshots", query, nil, &list)
	return list.Snapshots, err
}

// SnapshotInspect tells of a snapshot, named by name or id.
func (c *Client) SnapshotInspect(ctx context.Context, snapshot string) (types.Snapshot, error) {
	var s types.Snapshot
	err := c.call(ctx, http.MethodGet, "/snapshots/"+url.PathEscape(snapshot), nil, nil, &s)
	return s, err
}

// SnapshotRemove destroys a snapshot.
func (c *Client) SnapshotRemove(ctx context.Context, snapshot string) error {
	return c.call(ctx, http.MethodDelete, "/snapshots/"+url.PathEscape(snapshot), nil, nil, nil)
}

// SnapshotRestore makes the snapshot's volume hold again what it held then, and returns the snapshot of what it held before.
func (c *Client) SnapshotRestore(ctx context.Context, snapshot string) (types.Snapshot, error) {
	var s types.Snapshot
	err := c.call(ctx, http.MethodPost, "/snapshots/"+url.PathEscape(snapshot)+"/restore", nil, nil, &s)
	return s, err
}

// ScheduleList lists the account's schedules.
func (c *Client) ScheduleList(ctx context.Context) ([]types.Schedule, error) {
	var list []types.Schedule
	err := c.call(ctx, http.MethodGet, "/schedules", nil, nil, &list)
	return list, err
}

// ScheduleCreate has snapshots of a volume taken.
func (c *Client) ScheduleCreate(ctx context.Context, s types.Schedule) error {
	return c.call(ctx, http.MethodPost, "/volumes/"+url.PathEscape(s.Volume)+"/schedules", nil, s, nil)
}

// ScheduleRemove ends a schedule of a volume. The snapshots that it took stay.
func (c *Client) ScheduleRemove(ctx context.Context, volume, name string) error {
	return c.call(ctx, http.MethodDelete, "/volumes/"+url.PathEscape(volume)+"/schedules/"+url.PathEscape(name), nil, nil, nil)
}
