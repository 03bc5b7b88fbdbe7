// Package strangers pins the programs of others that hyperd is tried with: docker compose, as its users have it, and Testcontainers. It is
// a module of its own, since nothing that Hyper is made of needs them.
package strangers
