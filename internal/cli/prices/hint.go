package prices

import (
	"context"
	"fmt"
	"io"
	"time"

	hyperclient "github.com/hypercloud/hyper/api/client"
	"github.com/hypercloud/hyper/internal/cli/money"
)

// FloatingIP writes a line with the price of a floating IP. A server that does not say it, such as an older one, gets no line: nobody is kept from
// allocating.
func FloatingIP(ctx context.Context, c *hyperclient.Client, w io.Writer) {
	p, err := c.Prices(ctx)
	if err != nil {
		return
	}
	if v, ok := InForce(p, time.Now()); ok && v.FloatingIP != "" {
		fmt.Fprintf(w, "Price: %s per floating IP and calendar month.\n", money.Rate(p.Currency, v.FloatingIP, bySecond))
	}
}
