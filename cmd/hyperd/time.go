package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/hypercloud/hyper/internal/store"
)

// keepTime has the ledger's time noted once a minute, and compared with the machine's clock, until ctx is done.
func keepTime(st *store.Store, log *slog.Logger) func(context.Context) {
	return func(ctx context.Context) {
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := st.KeepTime(ctx); err != nil {
				log.Error("noting the ledger's time", "error", err)
			}
		}
	}
}
