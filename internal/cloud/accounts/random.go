package accounts

import "crypto/rand"

const (
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	letters  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// random makes a text of n characters of the alphabet, each as likely as any other.
func random(alphabet string, n int) string {
	fair := 256 - 256%len(alphabet) // bytes from here on would favour the alphabet's beginning
	text := make([]byte, 0, n)
	pool := make([]byte, 2*n)
	for {
		_, _ = rand.Read(pool) // never fails
		for _, b := range pool {
			if int(b) >= fair {
				continue
			}
			if text = append(text, alphabet[int(b)%len(alphabet)]); len(text) == n {
				return string(text)
			}
		}
	}
}
