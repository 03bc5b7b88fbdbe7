// Package human writes ages, sizes and identifiers as people read them in tables (cli 1.7).
package human

import (
	"fmt"
	"strings"
	"time"
)

// Age is how long d is, in the coarsest unit that still says something. Negative is taken as none at all.
func Age(d time.Duration) string {
	seconds, minutes, hours := int(d.Seconds()), int(d.Minutes()), int(d.Hours())
	switch {
	case seconds < 1:
		return "Less than a second"
	case seconds == 1:
		return "1 second"
	case seconds < 60:
		return fmt.Sprintf("%d seconds", seconds)
	case minutes == 1:
		return "About a minute"
	case minutes < 60:
		return fmt.Sprintf("%d minutes", minutes)
	case hours == 1:
		return "About an hour"
	case hours < 48:
		return fmt.Sprintf("%d hours", hours)
	case hours < 24*14:
		return fmt.Sprintf("%d days", hours/24)
	case hours < 24*90:
		return fmt.Sprintf("%d weeks", hours/24/7)
	case hours < 24*365*2:
		return fmt.Sprintf("%d months", hours/24/30)
	}
	return fmt.Sprintf("%d years", hours/24/365)
}

// Size is a number of bytes with four significant digits and a decimal unit: 512 MiB is "536.9 MB".
func Size(bytes float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}
	i := 0
	for bytes >= 1000 && i < len(units)-1 {
		bytes /= 1000
		i++
	}
	return fmt.Sprintf("%.4g %s", bytes, units[i])
}

// ShortID is the first 12 digits of an identifier, without the name of its hash.
func ShortID(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return Truncate(id, 12)
}

// Truncate is the first n characters of s.
func Truncate(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
