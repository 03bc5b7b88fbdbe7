// Package archtest holds the rules of the code base that the compiler does not: which way imports may point, that
// every package says what lives in it, and that go.mod replaces nothing. It has tests only; the rules are at their
// top, to be read and changed there.
package archtest
