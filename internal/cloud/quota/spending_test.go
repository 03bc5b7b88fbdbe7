package quota

import (
	"context"
	"errors"
	"testing"

	"github.com/hypercloud/hyper/internal/account"
)

// purse counts how often it is asked, and says no when it is empty.
type purse struct {
	asked int
	empty bool
}

var errEmpty = errors.New("empty")

// Check implements Spending.
func (p *purse) Check(context.Context, account.Ref) error {
	p.asked++
	if p.empty {
		return errEmpty
	}
	return nil
}

func TestAfford(t *testing.T) {
	a, err := account.New("0123456789abcdef0123456789abcdef", 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := account.New("fedcba9876543210fedcba9876543210", 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := Afford(t.Context(), nil, a); err != nil {
		t.Errorf("without budgets: %v", err)
	}
	p := &purse{}
	for range 2 {
		if err := Afford(t.Context(), p, a); err != nil {
			t.Error(err)
		}
	}
	if p.asked != 2 {
		t.Errorf("two things were asked for %d times", p.asked)
	}
	ctx := Once(t.Context())
	if err := Afford(ctx, p, a); err != nil {
		t.Error(err)
	}
	p.empty = true
	if err := Afford(Once(ctx), p, a); err != nil {
		t.Errorf("the rest of what was begun: %v", err)
	}
	if err := Afford(ctx, p, b); !errors.Is(err, errEmpty) {
		t.Errorf("another account, in the same context: %v", err)
	}
	if err := Afford(Once(t.Context()), p, a); !errors.Is(err, errEmpty) {
		t.Errorf("something else: %v", err)
	}
}
