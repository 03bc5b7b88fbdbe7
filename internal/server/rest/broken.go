package rest

import "net/http"

// BrokenOff ends an answer that had begun in a way that no client takes for its end: half an archive is not one.
func BrokenOff(begun bool, err error) error {
	if begun && err != nil {
		panic(http.ErrAbortHandler)
	}
	return err
}
