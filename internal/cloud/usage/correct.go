package usage

import (
	"context"
	"strings"
	"unicode"

	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// maxNote is how many bytes a note may have.
const maxNote = 1000

// Correct adds an entry by which an account owes an amount more, or less if it is negative, in this month. What is in the ledger stays: this is the only
// way to put right what is wrong. Errors: ErrInvalidArgument, ErrConflict for an account that was removed.
func (s *Service) Correct(ctx context.Context, sub Subject, amount, note string) (metering.Entry, error) {
	r, err := metering.ParseAmount(amount)
	note = strings.TrimSpace(note)
	switch {
	case err != nil:
		return metering.Entry{}, err
	case r.Sign() == 0:
		return metering.Entry{}, oops.Invalid("an amount of 0 corrects nothing: give what the account owes more, as 1.50, or less, as -1.50")
	case note == "":
		return metering.Entry{}, oops.Invalid("the note is missing: say why the account owes more or less, since its owner reads it on the bill")
	case len(note) > maxNote:
		return metering.Entry{}, oops.Invalid("the note has %d bytes, and may have %d", len(note), maxNote)
	case strings.ContainsFunc(note, unicode.IsControl):
		return metering.Entry{}, oops.Invalid("the note holds a character that does not print: write it on one line")
	case sub.Former:
		return metering.Entry{}, oops.Conflict("account %s (%s) was removed, and its ledger is closed: settle it outside of Hyper", sub.Name, sub.ID)
	}
	var made metering.Entry
	err = s.Store.Update(ctx, sub.ref, func(tx *store.Tx) error {
		made, err = tx.Correct(metering.Exact(r), note)
		return err
	})
	if err == nil {
		s.Log.Info("a bill was corrected", "account", sub.Name, "id", sub.ID, "amount", made.Amount, "note", note)
	}
	return made, err
}
