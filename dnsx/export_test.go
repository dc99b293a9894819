package dnsx

import "fmt"

// Audit checks what has to hold between two calls, and that nothing flies.
func (c *Cache) Audit() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	size, n := 0, 0
	for e := c.latest; e != nil; e = e.older {
		at := c.slots[e.reply.Question].entry
		if e.node != nil {
			at = c.nodes[e.reply.Question]
		}
		if e.job != nil && (e.job.own[e.slot] != e || e.job.ended()) {
			return fmt.Errorf("%s has a job that does not know of it, or that ended", e.reply.Question)
		}
		if at != e || e.older.newer != e || e.newer.older != e {
			return fmt.Errorf("the ring is broken at %s", e.reply.Question)
		}
		size += e.size
		if n++; e.older == c.latest {
			break
		}
	}
	kept := c.count()
	switch {
	case n != kept+len(c.nodes):
		return fmt.Errorf("%d entries are in use order, %d replies and %d nodes are kept", n, kept, len(c.nodes))
	case size != c.bytes:
		return fmt.Errorf("the entries have %d bytes, %d are counted", size, c.bytes)
	case len(c.slots) > kept:
		return fmt.Errorf("%d flights are in the air", len(c.slots)-kept)
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
func (c *Cache) Nodes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.nodes)
}

// Len is the number of replies that are kept.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count()
}

// count is the number of slots that have a reply.
func (c *Cache) count() (n int) {
	for _, s := range c.slots {
		if s.entry != nil {
			n++
		}
	}
	return n
}
