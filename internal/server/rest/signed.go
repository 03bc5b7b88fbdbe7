package rest

import (
	"net/http"
	"strings"

	"github.com/hypercloud/hyper/internal/signature"
)

// Signed reports whether a request says that it is signed, as the original's client's are and Hyper's own. Docker's clients never do.
func Signed(r *http.Request) bool {
	scheme, _, _ := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	return scheme == signature.Algorithm
}

// OriginalVersion is the version of the API that the original's client speaks. It does not negotiate.
var OriginalVersion = Version{1, 23}
