// Package life proves that metering is exact: a week in the life of three accounts is simulated with a turned clock, while the daemon is killed 200
// times, and what the bills say at the end is what a simple model says that was told by nobody but the machine and the users' lists.
//
// There are three parts. The machine is a fake engine that is kept in a file. The daemon is this test's binary, started again: the real rules over the
// real store, which does what it is told on its standard input, each time at a moment that it is told too, so that no time passes while it works. The
// test itself turns the clock, thinks of something to do, kills the daemon in the middle of it or between, lets processes end while there is none,
// and keeps the model.
//
// The seed of a week is printed. HYPER_LIFE_SEED repeats its plan; where a kill lands depends on the machine's speed besides. HYPER_LIFE_KILLS is how often
// the daemon is killed.
package life
