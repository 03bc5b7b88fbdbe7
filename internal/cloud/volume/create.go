package volume

import (
	"context"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// CreateRequest says what volume is wanted.
type CreateRequest struct {
	Name   string // "": generated
	SizeGB int    // multiple of 10; 0: 10
	Labels map[string]string
	// Snapshot is the name or id of a snapshot that the volume begins as, with that one's size whatever SizeGB says (cli 7.1).
	Snapshot string
}

// Create makes a volume. Errors: ErrInvalidArgument for name or size, ErrConflict for a name that is
// taken, ErrResourceExhausted over quota, when a budget is spent or the machine's disk is full.
func (s *Service) Create(ctx context.Context, a account.Ref, req CreateRequest) (*store.Volume, error) {
	if err := s.check(&req); err != nil {
		return nil, err
	}
	if err := quota.Afford(ctx, s.Spending, a); err != nil {
		return nil, err
	}
	row := NewRow(req.Name, req.SizeGB, false, req.Labels)
	// A client that goes away must not leave half a volume.
	ctx = context.WithoutCancel(ctx)
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		if old, ok := tx.VolumeByName(row.Name); ok {
			return nameTaken(old)
		}
		if req.Snapshot != "" {
			if err := begin(tx.View, &row, req.Snapshot); err != nil {
				return err
			}
		}
		if err := quota.Room(tx.View, quota.Volumes, int64(tx.Counts().Volumes), 1); err != nil {
			return err
		}
		return tx.PutVolume(row)
	})
	if err != nil {
		return nil, err
	}
	failpoint.Hit("volume.create.after-intent")
	if err := s.Materialise(ctx, a, []string{row.ID}); err != nil {
		if derr := s.Discard(ctx, a, []string{row.ID}); derr != nil {
			s.Log.Error("undoing a failed volume", "volume", row.Name, "error", derr)
		}
		return nil, err
	}
	v, ok := s.Store.View(a).Volume(row.ID)
	if !ok {
		return nil, noSuchVolume(row.Name)
	}
	return v, nil
}

// begin makes a volume's row one of a snapshot.
func begin(v *store.View, row *store.Volume, ref string) error {
	s, err := v.FindSnapshot(ref)
	if err != nil {
		return err
	}
	row.SizeGB, row.Written = s.SizeGB, s.Spec.Written
	row.Spec = store.VolumeSpec{Snapshot: s.Name, From: s.ID, Source: s.Spec.Volume.Source, File: s.Spec.Volume.File}
	return nil
}

// Ensure returns the volume of the request's name, and makes it if there is none, as Docker's clients expect of
// a creation. A volume that exists keeps its size and labels.
func (s *Service) Ensure(ctx context.Context, a account.Ref, req CreateRequest) (*store.Volume, error) {
	if err := s.check(&req); err != nil {
		return nil, err
	}
	if req.Name != "" {
		if v, err := s.Find(a, req.Name); err == nil {
			return v, nil
		}
	}
	v, err := s.Create(ctx, a, req)
	if err != nil && req.Name != "" {
		// Somebody else may have made it in between.
		if v, ferr := s.Find(a, req.Name); ferr == nil {
			return v, nil
		}
	}
	return v, err
}

func (s *Service) check(req *CreateRequest) error {
	if req.SizeGB == 0 {
		req.SizeGB = DefaultSizeGB
	}
	if req.Name != "" {
		if err := ValidName(req.Name); err != nil {
			return err
		}
	}
	return s.ValidSize(req.SizeGB)
}

// ValidSize says what is wrong with the size of a volume in GB: ErrInvalidArgument.
func (s *Service) ValidSize(gb int) error {
	if gb < sizeStepGB || gb > s.MaxSizeGB || gb%sizeStepGB != 0 {
		return oops.Invalid("a volume cannot have %d GB: its size is a multiple of %d, from %d to %d GB", gb, sizeStepGB, sizeStepGB, s.MaxSizeGB)
	}
	return nil
}

func nameTaken(old *store.Volume) error {
	switch old.Phase {
	case store.Creating:
		return oops.Conflict("A volume named %q is being made. Choose a different volume name.", old.Name)
	case store.Removing:
		return oops.Conflict("A volume named %q is being removed. Try again, or choose a different volume name.", old.Name)
	}
	return oops.Conflict("A volume named %q already exists. Choose a different volume name.", old.Name)
}
