// Package weakkey finds RSA moduli that can be factored although they are large
// enough: those of broken generators (CA/Browser Forum Baseline Requirements, 6.1.1.3).
package weakkey

import (
	"math/big"
	"slices"
	"sync"
)

const (
	// maxPrime is the largest small factor that is looked for: a modulus shall have none
	// below 752 (Baseline Requirements, 6.1.6, after NIST SP 800-89, 5.3.3). Larger primes
	// would cost each key a division by a number of 90,000 bits, and prove as little.
	maxPrime = 751
	// FermatRounds is how far Fermat's method is followed, as the CA/Browser Forum asks.
	FermatRounds = 100
)

// Weakness is what the tests of one modulus found. Zero means that they found nothing.
type Weakness struct {
	Factor int64 // the smallest prime up to 751 that divides the modulus, 0 for none
	Close  bool  // the primes are so close together that Fermat's method finds them
	ROCA   bool  // made by Infineon's broken generator (CVE-2017-15361)
}

// Test looks at a modulus of more than 0. The time it takes grows with the square
// of its length: callers bound that.
func Test(n *big.Int) Weakness {
	w := Weakness{Factor: smallFactor(n)}
	if w.Factor == 0 {
		w.Close, w.ROCA = closePrimes(n), roca(n)
	}
	return w
}

// primes are those up to maxPrime, in their order.
var primes = sync.OnceValue(func() []int64 {
	var found []int64
	composite := make([]bool, maxPrime+1)
	for n := 2; n <= maxPrime; n++ {
		if composite[n] {
			continue
		}
		found = append(found, int64(n))
		for m := n * n; m <= maxPrime; m += n {
			composite[m] = true
		}
	}
	return found
})

// primorial is the product of all primes up to maxPrime.
var primorial = sync.OnceValue(func() *big.Int { return product(primes()) })

func product(factors []int64) *big.Int {
	n := len(factors)
	if n == 1 {
		return big.NewInt(factors[0])
	}
	return new(big.Int).Mul(product(factors[:n/2]), product(factors[n/2:]))
}

// smallFactor returns the smallest prime up to maxPrime that divides n, 0 if none does.
func smallFactor(n *big.Int) int64 {
	rest := new(big.Int).Mod(primorial(), n)
	common := rest.GCD(nil, nil, rest, n)
	if common.Cmp(big.NewInt(1)) == 0 {
		return 0
	}
	p, mod := new(big.Int), new(big.Int)
	for _, prime := range primes() {
		if mod.Mod(common, p.SetInt64(prime)).Sign() == 0 {
			return prime
		}
	}
	return 0
}

// closePrimes runs some rounds of Fermat's factorisation: an odd n is a²-b², and
// where its factors are close together a is near the root of n.
func closePrimes(n *big.Int) bool {
	a := new(big.Int).Sqrt(n)
	b2 := new(big.Int).Mul(a, a)
	if b2.Cmp(n) == 0 {
		return true
	}
	a.Add(a, big.NewInt(1))
	b2.Sub(b2.Mul(a, a), n)
	step := new(big.Int).Lsh(a, 1)
	step.Add(step, big.NewInt(1)) // (a+1)² - a²
	m := big.NewInt(squareModuli)
	// The rests of both say at which steps there may be a square.
	b2Rest, stepRest := new(big.Int).Mod(b2, m).Int64(), new(big.Int).Mod(step, m).Int64()
	for i := range int64(FermatRounds) {
		if maySquare(b2Rest) && isSquare(after(b2, step, i)) {
			return true
		}
		b2Rest = (b2Rest + stepRest) % squareModuli
		stepRest += 2
	}
	return false
}

// after returns b2 after some steps, each larger by 2 than the one before.
func after(b2, step *big.Int, steps int64) *big.Int {
	sum := new(big.Int).Mul(step, big.NewInt(steps))
	sum.Add(sum, b2)
	return sum.Add(sum, big.NewInt(steps*(steps-1)))
}

// A square is one modulo each of these, and of other numbers one in 490 is: that
// saves nearly all roots.
const squareModuli = 64 * 63 * 61 * 59 * 55 * 53

// residues has bit n of squares set where n is a square modulo m.
type residues struct {
	m       int64
	squares uint64
}

// squares are the residues of each of the moduli.
var squares = sync.OnceValue(func() []residues {
	var all []residues
	for _, m := range []int64{64, 63, 61, 59, 55, 53} {
		r := residues{m: m}
		for n := range m {
			r.squares |= 1 << (n * n % m)
		}
		all = append(all, r)
	}
	return all
})

// maySquare reports whether a number may be a square for all that its rest modulo
// squareModuli says.
func maySquare(rest int64) bool {
	return !slices.ContainsFunc(squares(), func(r residues) bool { return r.squares>>(rest%r.m)&1 == 0 })
}

func isSquare(n *big.Int) bool {
	root := new(big.Int).Sqrt(n)
	return root.Mul(root, root).Cmp(n) == 0
}

// rocaPrimes divide the M that Infineon's generator uses at every size of key.
var rocaPrimes = sync.OnceValue(func() []int64 { return primes()[1:39] }) // 3 to 167

// roca reports whether n is a power of 65537 modulo the product of rocaPrimes: it
// is one modulo each of them, and the exponents agree. Both primes of a broken key
// have the form k·M + (65537^a mod M), so their product is such a power; of other
// odd numbers one in 2^154 is (Nemec and others, The Return of Coppersmith's
// Attack, CCS 2017).
func roca(n *big.Int) bool {
	type congruence struct{ exponent, order int64 }
	var found []congruence
	p, mod := new(big.Int), new(big.Int)
	for _, prime := range rocaPrimes() {
		exponent, order, ok := logarithm(mod.Mod(n, p.SetInt64(prime)).Int64(), prime)
		if !ok {
			return false
		}
		for _, c := range found {
			if (exponent-c.exponent)%gcd(order, c.order) != 0 {
				return false
			}
		}
		found = append(found, congruence{exponent, order})
	}
	return true
}

// logarithm finds the exponent with 65537^exponent = n modulo the prime, and the
// number of different powers.
func logarithm(n, prime int64) (exponent, order int64, ok bool) {
	power := int64(1)
	for {
		if power == n {
			exponent, ok = order, true
		}
		order++
		if power = power * 65537 % prime; power == 1 {
			return exponent, order, ok
		}
	}
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
