// Package compose is "hyper compose": the services of a compose file as containers of the account.
//
// Docker compose, as a library, does the work: it reads today's Compose Specification, compares what is asked for with what is there, and creates,
// replaces and starts containers in the order of what they need. Here is what it does not do:
//
//   - Hyper's own keys (keys.go): size, fip, security_groups and noauto_volume of a service, and size and snapshot of a volume, written as such or
//     below x-hyper, where plain docker compose lets them be;
//   - files of the original client, version '2' and 1 (original.go, convert.go), with the meaning and the errors that they had;
//   - floating IPs (fip.go): before anything is made, those that are asked for are found, or allocated with the user's consent;
//   - what the library's requests lack (engine.go): the labels by which the original's programs find a project, and one floating IP for one container;
//   - the original's commands, flags, lines of progress and log prefixes (one file a command, status.go, logs.go).
//
// A project is found by its containers' labels alone, so commands that make nothing need no file.
package compose
