package local

import (
	"fmt"
	"strconv"
	"strings"
)

// safeRunc are, by minor version of runc 1, the first releases without the races in masked paths, consoles and procfs writes by which an
// image could write to the machine (CVE-2025-31133, -52565, -52881). What is older than the first is refused, what is newer than the
// last is taken.
var safeRunc = []struct{ minor, patch int }{{2, 8}, {3, 3}, {4, 0}}

// checkRunc refuses a runc through which images are known to get out.
func checkRunc(version string) error {
	number, pre, _ := strings.Cut(version, "-")
	parts := strings.Split(number, ".")
	var n [3]int
	for i := range n {
		if i >= len(parts) {
			return fmt.Errorf("runc says that it is version %q, which is none", version)
		}
		v, err := strconv.Atoi(parts[i])
		if err != nil {
			return fmt.Errorf("runc says that it is version %q, which is none", version)
		}
		n[i] = v
	}
	if n[0] > 1 {
		return nil
	}
	first, last := safeRunc[0], safeRunc[len(safeRunc)-1]
	if n[0] < 1 || n[1] < first.minor {
		return tooOld(version)
	}
	for _, s := range safeRunc {
		if n[1] == s.minor && (n[2] < s.patch || n[2] == s.patch && s == last && strings.HasPrefix(pre, "rc.") && pre < "rc.3") {
			return tooOld(version)
		}
	}
	return nil
}

func tooOld(version string) error {
	return fmt.Errorf("runc %s lets images write to the machine (CVE-2025-31133): use 1.2.8, 1.3.3, 1.4.0 or newer, such as the one that 'make build' makes", version)
}
