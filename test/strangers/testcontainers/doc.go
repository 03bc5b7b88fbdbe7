// Package testcontainers holds tests as somebody writes them who has Testcontainers for Go and an account: nothing in them knows of Hyper
// but the label by which a container gets a floating IP. They are compiled by 'scripts/build tools' and run by the end-to-end tests, in
// the lab and as a tenant; by themselves they want what docs/accounts.md says to export.
package testcontainers
