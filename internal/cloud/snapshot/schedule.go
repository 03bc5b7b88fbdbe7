package snapshot

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

const (
	// The least and the most time between two snapshots of a schedule.
	shortest, longest = time.Minute, 366 * 24 * time.Hour
	// maxKeep is how many snapshots a schedule may keep.
	maxKeep = 1000
	// maxSchedules is how many a volume may have.
	maxSchedules = 8
	// maxScheduleName is the longest name of one, in bytes: those of its snapshots begin with it.
	maxScheduleName = 64
)

// AddSchedule has snapshots of a volume taken from now on, every so often, and keeps the newest. Errors: ErrInvalidArgument, ErrNotFound
// for the volume, ErrConflict for a name that it has a schedule of, ErrResourceExhausted.
func (s *Service) AddSchedule(ctx context.Context, a account.Ref, volumeName string, plan store.Schedule) error {
	if err := volume.CheckName("schedule", plan.Name); err != nil {
		return err
	}
	switch {
	case len(plan.Name) > maxScheduleName:
		return oops.Invalid("the name of a schedule has at most %d characters", maxScheduleName)
	case plan.Every < shortest || plan.Every > longest:
		return oops.Invalid("a schedule takes a snapshot every %s to every %s, not every %s", shortest, longest, plan.Every)
	case plan.Keep < 1 || plan.Keep > maxKeep:
		return oops.Invalid("a schedule keeps 1 to %d snapshots, not %d", maxKeep, plan.Keep)
	}
	plan.Since = s.now().UTC().Truncate(time.Second)
	return s.reschedule(ctx, a, volumeName, func(v *store.Volume) error {
		if slices.ContainsFunc(v.Spec.Schedules, func(p store.Schedule) bool { return p.Name == plan.Name }) {
			return oops.Conflict("volume %s has a schedule named %s already", v.Name, plan.Name)
		}
		if len(v.Spec.Schedules) >= maxSchedules {
			return oops.Exhausted("volume %s has %d schedules, as many as it may", v.Name, maxSchedules)
		}
		v.Spec.Schedules = append(slices.Clone(v.Spec.Schedules), plan)
		return nil
	})
}

// RemoveSchedule ends a schedule. The snapshots that it took stay. Errors: ErrNotFound.
func (s *Service) RemoveSchedule(ctx context.Context, a account.Ref, volumeName, name string) error {
	return s.reschedule(ctx, a, volumeName, func(v *store.Volume) error {
		before := len(v.Spec.Schedules)
		v.Spec.Schedules = slices.DeleteFunc(slices.Clone(v.Spec.Schedules), func(p store.Schedule) bool { return p.Name == name })
		if len(v.Spec.Schedules) == before {
			return oops.NotFound("No such schedule: %s of volume %s", name, v.Name)
		}
		return nil
	})
}

func (s *Service) reschedule(ctx context.Context, a account.Ref, name string, change func(*store.Volume) error) error {
	return s.Store.Update(ctx, a, func(tx *store.Tx) error {
		v, ok := tx.VolumeByName(name)
		if !ok || v.Phase != store.Ready {
			return oops.NotFound("No such volume: %s", name)
		}
		row := *v
		if err := change(&row); err != nil {
			return err
		}
		return tx.PutVolume(row)
	})
}

// Scheduled is a schedule, and what came of it.
type Scheduled struct {
	store.Schedule
	Volume string    // name
	Have   int       // snapshots that it took and that are there
	Next   time.Time // when the next one is due
}

// Schedules lists the account's schedules, by volume and name.
func (s *Service) Schedules(a account.Ref) []Scheduled {
	v := s.Store.View(a)
	var out []Scheduled
	for _, vol := range v.Volumes() {
		for _, p := range vol.Spec.Schedules {
			taken := takenBy(v, vol, p)
			out = append(out, Scheduled{p, vol.Name, len(taken), s.due(p, taken)})
		}
	}
	slices.SortFunc(out, func(x, y Scheduled) int {
		return slices.Compare([]string{x.Volume, x.Name}, []string{y.Volume, y.Name})
	})
	return out
}

// takenBy lists the snapshots that a schedule took, the last one first, whatever the clock said.
func takenBy(v *store.View, vol *store.Volume, p store.Schedule) []*store.Snapshot {
	out := slices.DeleteFunc(v.SnapshotsOf(vol.ID), func(s *store.Snapshot) bool {
		return s.Spec.Schedule != p.Name || s.Phase != store.Ready
	})
	slices.SortFunc(out, func(x, y *store.Snapshot) int { return y.Spec.Turn - x.Spec.Turn })
	return out
}

// due is when a schedule wants its next snapshot. One whose last snapshot lies in the future, because the clock was put back, wants it now.
func (s *Service) due(p store.Schedule, taken []*store.Snapshot) time.Time {
	now, last := s.now(), p.Since
	if len(taken) > 0 && (taken[0].CreatedAt.After(last) || last.After(now)) {
		last = taken[0].CreatedAt // of a schedule of this name that was before, it may be older
	}
	if last.After(now.Add(time.Minute)) {
		return now
	}
	return last.Add(p.Every)
}

// Run takes the snapshots that are due, until ctx is done. What was missed while hyperd was away is made up for by one.
func (s *Service) Run(ctx context.Context) {
	const often = 10 * time.Second
	tick := time.NewTicker(often)
	defer tick.Stop()
	var turns sync.WaitGroup
	defer turns.Wait()
	for {
		s.startDue(ctx, &turns)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// startDue takes each account's snapshots that are due, and waits for none: an account whose last turn has not ended is passed over.
func (s *Service) startDue(ctx context.Context, turns *sync.WaitGroup) {
	for _, acc := range s.Store.Accounts() {
		if acc.State == store.Leaving {
			continue
		}
		if _, busy := s.busy.LoadOrStore(acc.Ref.ID(), true); busy {
			continue
		}
		turns.Go(func() {
			defer s.busy.Delete(acc.Ref.ID())
			s.runDue(ctx, acc.Ref)
		})
	}
}

func (s *Service) runDue(ctx context.Context, a account.Ref) {
	for _, p := range s.Schedules(a) {
		if ctx.Err() != nil {
			return
		}
		if s.now().Before(p.Next) {
			continue
		}
		if err := s.runOne(ctx, a, p); err != nil {
			s.complain(a, p, err)
		}
	}
}

// runOne takes one snapshot, and then removes those that are too many. When there is no room for it, the oldest goes before.
func (s *Service) runOne(ctx context.Context, a account.Ref, p Scheduled) error {
	// A budget that is spent is no lack of room: no older snapshot goes for it.
	ctx = quota.Once(ctx)
	if err := quota.Afford(ctx, s.Spending, a); err != nil {
		return err
	}
	now := s.now().UTC()
	req := CreateRequest{
		Volume: p.Volume, Force: true, Schedule: p.Name,
		Name: freeName(s.Store.View(a), fmt.Sprintf("%s-%s-%s", p.Name, shortened(p.Volume), now.Format("20060102-150405"))),
	}
	_, err := s.Create(ctx, a, req)
	if errdefs.IsResourceExhausted(err) && p.Have >= p.Keep {
		if err := s.retain(ctx, a, p, p.Keep-1); err != nil {
			return err
		}
		_, err = s.Create(ctx, a, req)
	}
	if err != nil {
		return err
	}
	s.quiet.Delete(complaint{a.ID(), p.Volume, p.Name})
	return s.retain(ctx, a, p, p.Keep)
}

// retain removes all but the newest snapshots of a schedule.
func (s *Service) retain(ctx context.Context, a account.Ref, p Scheduled, keep int) error {
	v := s.Store.View(a)
	vol, ok := v.VolumeByName(p.Volume)
	if !ok {
		return nil
	}
	taken := takenBy(v, vol, p.Schedule)
	for _, old := range taken[min(keep, len(taken)):] {
		if err := s.Remove(ctx, a, old.ID); err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// complaint names what has been complained of.
type complaint struct{ account, volume, schedule string }

// complain tells of a snapshot that could not be taken: once, until one can.
func (s *Service) complain(a account.Ref, p Scheduled, err error) {
	if _, told := s.quiet.LoadOrStore(complaint{a.ID(), p.Volume, p.Name}, true); told {
		return
	}
	s.Log.Warn("a scheduled snapshot could not be taken", "account", a, "volume", p.Volume, "schedule", p.Name, "error", err)
	s.Events.Publish(a, event.Event{Type: "volume", Action: "snapshot_failed", ID: p.Volume, Attributes: map[string]string{"schedule": p.Name, "error": err.Error()}})
}
