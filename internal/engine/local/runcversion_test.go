package local

import "testing"

func TestOldRuncsAreRefused(t *testing.T) {
	for version, fine := range map[string]bool{
		"1.5.2": true, "1.4.0": true, "1.4.0-rc.3": true, "1.4.1-rc.1": true, "1.3.3": true, "1.2.8": true, "1.2.9": true, "2.0.0": true, "1.10.0": true,
		"1.4.0-rc.2": false, "1.3.2": false, "1.2.7": false, "1.1.15": false, "1.0.0-rc93": false, "0.1.1": false, "unknown": false, "1.3": false, "": false,
	} {
		if err := checkRunc(version); (err == nil) != fine {
			t.Errorf("%q: %v", version, err)
		}
	}
}
