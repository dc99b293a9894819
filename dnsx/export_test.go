package dnsx

import "fmt"

// Audit checks what has to hold between two calls, and that nothing flies.
func (c *Cache) Audit() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	size, n := 0, 0
	for e := c.latest; e != nil; e = e.older {
		at := c.entries
		if e.node != nil {
			at = c.nodes
		}
		if _, owned := e.job.all()[e]; owned != (e.job != nil) || e.job.ended() {
			return fmt.Errorf("%s has a job that does not know of it, or that ended", e.reply.Question)
		}
		if at[e.reply.Question] != e || e.older.newer != e || e.newer.older != e {
			return fmt.Errorf("the ring is broken at %s", e.reply.Question)
		}
		size += e.size
		if n++; e.older == c.latest {
			break
		}
	}
	switch {
	case n != len(c.entries)+len(c.nodes):
		return fmt.Errorf("%d entries are in use order, %d replies and %d nodes are kept", n, len(c.entries), len(c.nodes))
	case size != c.bytes:
		return fmt.Errorf("the entries have %d bytes, %d are counted", size, c.bytes)
	case len(c.flights) > 0:
		return fmt.Errorf("%d flights are in the air", len(c.flights))
	}
	return nil
}

func (j *job) all() map[*entry]struct{} {
	if j == nil {
		return nil
	}
	return j.own
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
	return len(c.entries)
}
