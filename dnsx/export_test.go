package dnsx

import "fmt"

// Audit checks what has to hold between two calls, and that nothing flies.
func (c *Cache) Audit() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	size, n := 0, 0
	for e := c.latest; e != nil; e = e.older {
		at := e.name.slot(e.kind).entry
		if e.node != nil {
			at = e.name.node(e.kind)
		}
		if c.names[e.name.text] != e.name {
			return fmt.Errorf("%s is kept at a name that there is not", e.name.text)
		}
		if e.job != nil && (e.job.own[e.slot] != e || e.job.ended()) {
			return fmt.Errorf("%s has a job that does not know of it, or that ended", e.name.text)
		}
		if at != e || e.older.newer != e || e.newer.older != e {
			return fmt.Errorf("the ring is broken at %s", e.name.text)
		}
		size += e.size
		if n++; e.older == c.latest {
			break
		}
	}
	entries, flights := c.count()
	switch {
	case n != entries:
		return fmt.Errorf("%d entries are in use order, %d stand at names", n, entries)
	case size != c.bytes:
		return fmt.Errorf("the entries have %d bytes, %d are counted", size, c.bytes)
	case flights > 0:
		return fmt.Errorf("%d flights are in the air", flights)
	}
	return c.auditNames()
}

// auditNames checks that every name is held as often as it says, and by something.
func (c *Cache) auditNames() error {
	holders := map[*name]int{}
	for _, n := range c.names {
		holders[n] += len(n.slots) + len(n.nodes)
		if n.job != nil {
			holders[n]++
		}
		if n.above != nil {
			holders[n.above]++
		}
	}
	for text, n := range c.names {
		if n.holders == 0 || n.holders != holders[n] || n.text != text {
			return fmt.Errorf("%s is held %d times and says %d", text, holders[n], n.holders)
		}
	}
	if len(holders) != len(c.names) {
		return fmt.Errorf("there are %d names, %d with those above them", len(c.names), len(holders))
	}
	return nil
}

// Bytes is the memory that is counted.
func (c *Cache) Bytes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// Nodes is the number of names of which something is known for cuts.
func (c *Cache) Nodes() (nodes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.names {
		nodes += len(n.nodes)
	}
	return nodes
}

// Len is the number of replies that are kept.
func (c *Cache) Len() int {
	nodes := c.Nodes()
	c.mu.Lock()
	defer c.mu.Unlock()
	entries, _ := c.count()
	return entries - nodes
}

// count is the number of entries that stand at names, and of flights in the air.
func (c *Cache) count() (entries, flights int) {
	for _, n := range c.names {
		entries += len(n.nodes)
		for _, s := range n.slots {
			if s.entry != nil {
				entries++
			} else {
				flights++
			}
		}
	}
	return entries, flights
}
