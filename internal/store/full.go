package store

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/hypercloud/hyper/internal/oops"
)

// writeError says why the database could not be written.
func writeError(err error) error {
	var failed *sqlite.Error
	if errors.As(err, &failed) && failed.Code()&0xff == sqlite3.SQLITE_FULL {
		return oops.Exhausted("the disk of this machine is full, so that nothing new can be noted: remove containers, volumes or images that are not needed, or ask the operator")
	}
	return fmt.Errorf("write to the database: %w", err)
}
