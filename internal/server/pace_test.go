package server

import (
	"errors"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/server/auth"
)

func TestPace(t *testing.T) {
	ann, err := account.New(strings.Repeat("a", 32), 1)
	if err != nil {
		t.Fatal(err)
	}
	bob, err := account.New(strings.Repeat("b", 32), 2)
	if err != nil {
		t.Fatal(err)
	}
	var many *auth.TooManyError
	t.Run("how often", func(t *testing.T) {
		p := newPacer(Pace{PerSecond: 0.5, Burst: 3})
		for i := range 3 {
			done, err := p.enter(ann)
			if err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
			done()
		}
		if _, err := p.enter(ann); !errors.As(err, &many) || auth.Seconds(many.After) != 2 {
			t.Errorf("one more: %v", err)
		}
		if _, err := p.enter(bob); err != nil {
			t.Errorf("of another account: %v", err)
		}
	})
	t.Run("how many", func(t *testing.T) {
		p := newPacer(Pace{AtOnce: 2})
		first, _ := p.enter(ann)
		if _, err := p.enter(ann); err != nil {
			t.Fatal(err)
		}
		if _, err := p.enter(ann); !errors.As(err, &many) {
			t.Errorf("one more: %v", err)
		}
		if _, err := p.enter(bob); err != nil {
			t.Errorf("of another account: %v", err)
		}
		first()
		if _, err := p.enter(ann); err != nil {
			t.Errorf("when one has ended: %v", err)
		}
	})
	t.Run("no limit", func(t *testing.T) {
		p := newPacer(Pace{})
		for range 1000 {
			if _, err := p.enter(ann); err != nil {
				t.Fatal(err)
			}
		}
	})
}
