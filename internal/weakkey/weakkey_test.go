package weakkey

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// number is a reproducible odd number of so many bits.
func number(r *rand.Rand, bits int) *big.Int {
	n := new(big.Int)
	for n.BitLen() < bits {
		n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(r.Uint64()|1<<63))
	}
	return n.Rsh(n, uint(n.BitLen()-bits)).SetBit(n, 0, 1)
}

// nextPrime is the first prime that is at least n.
func nextPrime(n *big.Int) *big.Int {
	p := new(big.Int).SetBit(n, 0, 1)
	for !p.ProbablyPrime(10) {
		p.Add(p, big.NewInt(2))
	}
	return p
}

func TestTest(t *testing.T) {
	r := rand.New(rand.NewPCG(6376, 8301))
	p, q := nextPrime(number(r, 512)), nextPrime(number(r, 512))
	near := nextPrime(new(big.Int).Add(p, big.NewInt(2)))
	far := nextPrime(new(big.Int).Add(p, new(big.Int).Lsh(big.NewInt(1), 300)))
	times := func(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) }
	tests := []struct {
		name    string
		modulus *big.Int
		want    Weakness
	}{
		{"two random primes", times(p, q), Weakness{}},
		{"the primes are neighbours", times(p, near), Weakness{Close: true}},
		{"the primes are the same", times(p, p), Weakness{Close: true}},
		{"primes that differ in 300 bits are out of reach", times(p, far), Weakness{}},
		{"an even modulus is not tested further", times(big.NewInt(2), times(p, q)), Weakness{Factor: 2}},
		{"the smallest of several factors", times(big.NewInt(3*743), times(p, q)), Weakness{Factor: 3}},
		{"the largest prime that is looked for", times(big.NewInt(751), times(p, q)), Weakness{Factor: 751}},
		{"the smallest that is not", times(big.NewInt(757), times(p, q)), Weakness{}},
		{"the broken generator", times(rocaPrime(r), rocaPrime(r)), Weakness{ROCA: true}},
		{"one prime of the broken generator makes no such modulus", times(rocaPrime(r), q), Weakness{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { assert.Equal(t, tt.want, Test(tt.modulus)) })
	}
}

// rocaPrime makes a prime of 512 bits in the way of the broken generator:
// k·M + (65537^a mod M).
func rocaPrime(r *rand.Rand) *big.Int {
	m := product(append([]int64{2}, rocaPrimes()...))
	for {
		p := new(big.Int).Exp(big.NewInt(65537), number(r, 60), m)
		p.Add(p, new(big.Int).Mul(m, number(r, 512-m.BitLen())))
		if p.ProbablyPrime(10) {
			return p
		}
	}
}

// The product of the primes is the number that published tests of ROCA use, and
// so is the number of powers of 65537 modulo it.
func TestRocaPrimes(t *testing.T) {
	m, ok := new(big.Int).SetString("924CBA6AE99DFA084537FACC54948DF0C23DA044D8CABE0EDD75BC6", 16)
	require.True(t, ok)
	assert.Equal(t, m, product(append([]int64{2}, rocaPrimes()...)))

	order := big.NewInt(1)
	for _, p := range rocaPrimes() {
		_, o, _ := logarithm(1, p)
		common := new(big.Int).GCD(nil, nil, order, big.NewInt(o))
		order.Mul(order, big.NewInt(o)).Div(order, common)
	}
	assert.Equal(t, big.NewInt(2454106387091158800), order)
}

// A number that is a power of 65537 modulo each prime, and of no common one, is no
// power modulo their product.
func TestRoca_exponentsDisagree(t *testing.T) {
	m := product(rocaPrimes())
	n := new(big.Int)
	for i, p := range rocaPrimes() { // by the Chinese remainder theorem: 65537^i modulo the prime number i
		prime := big.NewInt(p)
		rest := new(big.Int).Div(m, prime)
		power := new(big.Int).Exp(big.NewInt(65537), big.NewInt(int64(i)), prime)
		term := new(big.Int).ModInverse(rest, prime)
		n.Add(n, term.Mul(term, power).Mul(term, rest))
	}
	n.Mod(n, m)
	for i, p := range rocaPrimes() {
		exponent, order, ok := logarithm(new(big.Int).Mod(n, big.NewInt(p)).Int64(), p)
		require.True(t, ok)
		require.Equal(t, int64(i)%order, exponent)
	}
	assert.False(t, roca(n))
	assert.True(t, roca(new(big.Int).Exp(big.NewInt(65537), big.NewInt(123456789), m)))
}

// BenchmarkTest is the cost of a sound modulus: all tests are run.
func BenchmarkTest(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, bits := range map[string]int{"2048": 2048, "16384": 16384} {
		n := number(r, bits)
		for smallFactor(n) != 0 {
			n.Add(n, big.NewInt(2))
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if Test(n) != (Weakness{}) {
					b.Fatal("the key is weak")
				}
			}
		})
	}
}
