package network

import "os"

// Publishes implements engine.Networks.
func (n *Network) Publishes(proto string) bool {
	switch proto {
	case "tcp", "udp":
		return true
	case "sctp":
		// A kernel that follows connections of this kind says how long.
		_, err := os.Stat("/proc/sys/net/netfilter/nf_conntrack_sctp_timeout_established")
		return err == nil
	}
	return false
}
