package dnsx

import "fmt"

// Audit checks what has to hold between two calls, and that nothing flies.
func (c *Cache) Audit() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	size, n := 0, 0
	for e := c.latest; e != nil; e = e.older {
		if c.entries[e.reply.Question] != e || e.older.newer != e || e.newer.older != e {
			return fmt.Errorf("the ring is broken at %s", e.reply.Question)
		}
		size += e.size
		if n++; e.older == c.latest {
			break
		}
	}
	switch {
	case n != len(c.entries):
		return fmt.Errorf("%d entries are in use order, %d are kept", n, len(c.entries))
	case size != c.bytes:
		return fmt.Errorf("the entries have %d bytes, %d are counted", size, c.bytes)
	case len(c.flights) > 0:
		return fmt.Errorf("%d flights are in the air", len(c.flights))
	}
	return nil
}

// Len is the number of replies that are kept.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}
