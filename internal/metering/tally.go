package metering

import (
	"math/big"
	"math/bits"
)

// tally counts milliseconds, times gigabytes of what is stored. It has room for 2^40 entries of any length and size that check lets pass.
type tally struct{ hi, lo uint64 }

// add counts n times m more.
func (t *tally) add(n, m uint64) {
	hi, lo := bits.Mul64(n, m)
	var carry uint64
	t.lo, carry = bits.Add64(t.lo, lo, 0)
	t.hi, _ = bits.Add64(t.hi, hi, carry)
}

func (t *tally) sum(u tally) {
	var carry uint64
	t.lo, carry = bits.Add64(t.lo, u.lo, 0)
	t.hi, _ = bits.Add64(t.hi, u.hi, carry)
}

func (t tally) zero() bool { return t.hi|t.lo == 0 }

func (t tally) big() *big.Int {
	if t.hi == 0 {
		return new(big.Int).SetUint64(t.lo)
	}
	n := new(big.Int).SetUint64(t.hi)
	return n.Or(n.Lsh(n, 64), new(big.Int).SetUint64(t.lo))
}

// thousandth is what was counted in milliseconds, in seconds.
func (t tally) thousandth() *big.Rat {
	if t.hi == 0 && t.lo%1000 == 0 { // most are, and a fraction takes longer
		return new(big.Rat).SetUint64(t.lo / 1000)
	}
	return new(big.Rat).SetFrac(t.big(), big.NewInt(1000))
}

// set is one of small numbers.
type set []uint64

func (s *set) add(n int) {
	for len(*s) <= n/64 {
		*s = append(*s, 0)
	}
	(*s)[n/64] |= 1 << (n % 64)
}

func (s set) has(n int) bool { return n/64 < len(s) && s[n/64]&(1<<(n%64)) != 0 }

// each calls do for every number.
func (s set) each(do func(n int)) {
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			do(i*64 + bits.TrailingZeros64(word))
		}
	}
}
