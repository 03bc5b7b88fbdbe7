// Package archtest holds the rules of the code base that the compiler does not: which way imports may point, that
// every package says what lives in it, that go.mod replaces nothing, that docs/dependencies.md has a reason for
// each module in it, and that a test ends hyperd at each failpoint. It has tests only; the rules are at their top, to be read and changed there.
package archtest
