package fip

import (
	"fmt"
	"net/netip"

	"github.com/hypercloud/hyper/internal/account"
)

// The operator may change the pool between two starts. What an account has stays the account's, and goes on working; once released it is not given again.

// Outgrown lists the account's addresses that are not in the pool any more.
func (s *Service) Outgrown(a account.Ref) []netip.Addr {
	var out []netip.Addr
	for _, f := range s.Store.View(a).FloatingIPs() {
		if !s.Pool.Given().Contains(f.Address) {
			out = append(out, f.Address)
		}
	}
	return out
}

// Warnings are sentences for the account about its addresses.
func (s *Service) Warnings(a account.Ref) []string {
	var out []string
	for _, addr := range s.Outgrown(a) {
		out = append(out, fmt.Sprintf("the floating IP %s is no longer one of the operator's pool: it stays yours until you release it, and cannot be had again then", addr))
	}
	return out
}

// Report tells the operator, at the start, which addresses the pool has no more and accounts still have.
func (s *Service) Report() {
	for _, acc := range s.Store.Accounts() {
		if list := s.Outgrown(acc.Ref); len(list) > 0 {
			s.Log.Warn("an account has floating IPs that are not in the pool any more: they stay its own, and are not given again once released", "account", acc.Name, "fips", list)
		}
	}
}
