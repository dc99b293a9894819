package spf

// Cost is what one term costs at worst a client that no term matches: the term itself,
// and all that it leads to.
type Cost struct {
	Term      string
	Directive *Directive // nil: the redirect
	Lookups   int        // at least 1; 2 and more with %{p} or with what an include leads to
	Voids     Voids
	// Node is what an include or redirect leads to; nil where the name depends on the
	// message, lies beyond MaxNames, or leads back to a record on the way (Analysis.Loops).
	Node *Node
	// Open reports that the lookups may be more: a record behind the term is not known.
	Open bool
}

// asking counts the terms of a record that ask the DNS.
func asking(r *Record) int {
	count := 0
	for i := range r.Directives {
		switch r.Directives[i].Mechanism {
		case All:
			return count
		case IP4, IP6:
		default:
			count++
		}
	}
	if !r.Redirect.IsZero() {
		count++
	}
	return count
}

// spend counts one lookup for a term, one more where it asks for the names of the
// client with %{p} (RFC 7208, 4.6.4), and those of what it leads to.
func (n *Node) spend(c Cost, spec MacroString) {
	c.Lookups++
	if spec.has('p') {
		c.Lookups++
	}
	c.Lookups = min(c.Lookups, maxCount)
	n.Lookups = min(n.Lookups+c.Lookups, maxCount)
	n.Voids.add(c.Voids)
	n.Costs = append(n.Costs, c)
}
