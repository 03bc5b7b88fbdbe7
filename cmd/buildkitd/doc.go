// Package buildkitd pins the BuildKit that images are built by. It is a module of its own: some of what buildkitd can do, and does not do
// here, needs other versions of libraries that hyperd shares.
//
// What hyperd itself needs of BuildKit, the client, is in the main module, in the same version.
package buildkitd
