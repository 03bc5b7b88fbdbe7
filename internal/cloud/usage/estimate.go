package usage

import (
	"fmt"
	"math/big"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/metering"
)

// Estimate is what a container that is not there yet would cost.
type Estimate struct {
	Currency string
	Items    []Item
	// PerHour and PerMonth are the sums of what is not there already. A month has 30 days, and floating IPs are counted for one calendar month.
	PerHour, PerMonth *big.Rat
	Notes             []string
}

// Item is one thing of an estimate.
type Item struct {
	Kind     metering.Kind
	Class    string
	Name     string
	Quantity int64    // GB of what is stored; otherwise 1
	There    bool     // it costs this already
	PerHour  *big.Rat // nil where the price is by the calendar month
	PerMonth *big.Rat
}

const month30 = 30 * 24 * time.Hour

// Estimate tells what a container would cost by the prices of now.
func (s *Service) Estimate(a account.Ref, p container.Prospect) (Estimate, error) {
	v, now := s.Store.View(a), s.Store.Now()
	prices, ok := s.Book.At(now)
	if !ok {
		return Estimate{}, fmt.Errorf("no prices hold at %s", told(now))
	}
	items := []Item{
		{Kind: metering.Container, Class: p.Size, Name: p.Name, Quantity: 1},
		{Kind: metering.RootFS, Name: p.Name, Quantity: metering.RootFSGB},
	}
	for _, vol := range p.Volumes {
		items = append(items, Item{Kind: metering.Volume, Name: vol.Name, Quantity: int64(vol.SizeGB), There: !vol.Fresh})
	}
	if img, ok := v.Image(p.ImageID); ok {
		items = append(items, Item{Kind: metering.Image, Name: p.Image, Quantity: metering.ImageGB(img.Size), There: true})
	}
	e := Estimate{Currency: s.Book.Currency(), PerHour: new(big.Rat), PerMonth: new(big.Rat), Notes: []string{
		fmt.Sprintf("Each start is charged for %.0f seconds at least.", metering.Least.Seconds()),
	}}
	if p.FIP.IsValid() {
		one := Item{Kind: metering.FloatingIP, Quantity: 1, There: !p.FreshFIP}
		if one.There {
			one.Name = p.FIP.String()
		} else {
			e.Notes = append(e.Notes, "A floating IP is charged for every calendar month (UTC) in which it is held, however short, this one included.")
		}
		items = append(items, one)
	}
	if p.Refused != nil {
		e.Notes = append(e.Notes, "It cannot be made now: "+p.Refused.Error())
	}
	for _, i := range items {
		if err := i.price(prices); err != nil {
			return Estimate{}, err
		}
		if !i.There {
			e.PerMonth.Add(e.PerMonth, i.PerMonth)
			if i.PerHour != nil {
				e.PerHour.Add(e.PerHour, i.PerHour)
			}
		}
		e.Items = append(e.Items, i)
	}
	return e, nil
}

// price computes what an item costs.
func (i *Item) price(prices *metering.Prices) error {
	of, ok := prices.Of(i.Kind, i.Class)
	if !ok {
		return fmt.Errorf("the prices from %s have none of %s %s", prices.Day(), i.Kind, i.Class)
	}
	if i.Kind == metering.FloatingIP {
		i.PerMonth = of
		return nil
	}
	second, _ := prices.PerSecond(i.Kind, i.Class)
	second.Mul(second, big.NewRat(i.Quantity, 1))
	i.PerHour = new(big.Rat).Mul(second, seconds(time.Hour))
	i.PerMonth = new(big.Rat).Mul(second, seconds(month30))
	return nil
}

func seconds(d time.Duration) *big.Rat { return big.NewRat(int64(d/time.Second), 1) }
