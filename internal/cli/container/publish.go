package container

import (
	"fmt"
	"strconv"
	"strings"
)

// publish puts one -p into the form that docker/cli understands with Hyper's meaning (cli 3.1): a port published
// without a public number keeps its own, and of a range for a single port the first is taken. A container has all
// public ports for itself, so nothing has to be searched.
func publish(spec string) (string, error) {
	if strings.Contains(spec, "=") {
		return spec, nil // target=80,published=8080
	}
	ports, proto, hasProto := strings.Cut(spec, "/")
	if hasProto && proto != "tcp" && proto != "udp" && proto != "sctp" {
		return "", fmt.Errorf("Invalid proto: %s", proto)
	}
	address, public, private := splitPorts(ports)
	if private == "" {
		return "", fmt.Errorf("No port specified: %s<empty>", spec)
	}
	first, last, ok := portNumbers(private)
	if !ok {
		return "", fmt.Errorf("Invalid containerPort: %s", private)
	}
	if public == "" {
		public = private
	}
	firstPublic, lastPublic, ok := portNumbers(public)
	if !ok {
		return "", fmt.Errorf("Invalid hostPort: %s", public)
	}
	switch {
	case first == last:
		public = strconv.Itoa(firstPublic)
	case last-first != lastPublic-firstPublic:
		return "", fmt.Errorf("Invalid ranges specified for container and host Ports: %s and %s", private, public)
	}
	out := public + ":" + private
	if address != "" {
		out = address + ":" + out
	}
	if hasProto {
		out += "/" + proto
	}
	return out, nil
}

// splitPorts cuts [[ADDRESS:]PUBLIC:]PRIVATE. An IPv6 address stands in brackets.
func splitPorts(s string) (address, public, private string) {
	i := strings.LastIndex(s, ":")
	if i < 0 {
		return "", "", s
	}
	rest, private := s[:i], s[i+1:]
	i = strings.LastIndex(rest, ":")
	if i < 0 || strings.HasSuffix(rest, "]") {
		if strings.HasSuffix(rest, "]") {
			return rest, "", private
		}
		return "", rest, private
	}
	return rest[:i], rest[i+1:], private
}

// portNumbers reads N or N-M, 1 to 65535, N not above M.
func portNumbers(s string) (first, last int, ok bool) {
	a, b, isRange := strings.Cut(s, "-")
	if !isRange {
		b = a
	}
	first, errA := strconv.Atoi(a)
	last, errB := strconv.Atoi(b)
	if errA != nil || errB != nil || first < 1 || last > 65535 || first > last {
		return 0, 0, false
	}
	return first, last, true
}
