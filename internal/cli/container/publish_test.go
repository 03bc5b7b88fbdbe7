package container

import "testing"

func TestPublish(t *testing.T) {
	for given, want := range map[string]string{
		"80":                         "80:80",
		"80/udp":                     "80:80/udp",
		"8080:80":                    "8080:80",
		"80-82":                      "80-82:80-82",
		"9800-9803:80-83":            "9800-9803:80-83",
		"9800-9803:80-83/tcp":        "9800-9803:80-83/tcp",
		"9090-9092:80":               "9090:80",
		"8000-8080:80/udp":           "8000:80/udp",
		":80":                        "80:80",
		"10.0.0.1:8080:80":           "10.0.0.1:8080:80",
		"10.0.0.1::80":               "10.0.0.1:80:80",
		"[::1]:8080:80":              "[::1]:8080:80",
		"target=80,published=8080":   "target=80,published=8080",
		"10.0.0.1:9090-9092:80/sctp": "10.0.0.1:9090:80/sctp",
	} {
		if got, err := publish(given); err != nil || got != want {
			t.Errorf("publish(%q) = %q, %v, want %q", given, got, err, want)
		}
	}
}

func TestPublishRefuses(t *testing.T) {
	for given, want := range map[string]string{
		"":              "No port specified: <empty>",
		"8080:":         "No port specified: 8080:<empty>",
		"9090-9089:80":  "Invalid hostPort: 9090-9089",
		"9090-:80":      "Invalid hostPort: 9090-",
		"-9090:80":      "Invalid hostPort: -9090",
		"a:80":          "Invalid hostPort: a",
		"80:b":          "Invalid containerPort: b",
		"80:0":          "Invalid containerPort: 0",
		"80:65536":      "Invalid containerPort: 65536",
		"80/icmp":       "Invalid proto: icmp",
		"80/":           "Invalid proto: ",
		"8000-8001:1-3": "Invalid ranges specified for container and host Ports: 1-3 and 8000-8001",
	} {
		got, err := publish(given)
		if err == nil || err.Error() != want {
			t.Errorf("publish(%q) = %q, %v, want the error %q", given, got, err, want)
		}
	}
}
