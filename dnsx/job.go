package dnsx

import "sync"

// job is a domain that is being looked at, by one caller or several.
type job struct {
	callers int
	own     []*entry // in no order
}

// Job says that domain, a name as ParseName returns it, is being looked at until
// end is called. What is learnt in that time of names at or below it goes when its
// last job ends: nobody else has a use for it, and so memory follows the number of
// jobs at a time, not that of all. What was kept before stays, and so does all
// that is asked about other names: includes, mail hosts, report addresses.
//
//	defer cache.Job(domain)()
func (c *Cache) Job(domain string) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nameOf(domain)
	j := n.job
	if j == nil {
		j = &job{}
		n.job = j
		n.hold()
	}
	j.callers++
	return sync.OnceFunc(func() { c.leave(n, j) })
}

func (c *Cache) leave(n *name, j *job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if j.callers--; j.callers > 0 {
		return
	}
	n.job = nil
	for _, e := range j.own {
		e.job = nil // j has no use for its list any more
		c.drop(e)
	}
	c.letGo(n)
}

// ended reports that what comes late is not to be kept.
func (j *job) ended() bool { return j != nil && j.callers == 0 }

func (j *job) add(e *entry) {
	if j != nil {
		e.job, e.slot = j, len(j.own)
		j.own = append(j.own, e)
	}
}

func (j *job) remove(e *entry) {
	if j != nil {
		last := len(j.own) - 1
		j.own[e.slot] = j.own[last]
		j.own[e.slot].slot = e.slot
		j.own[last] = nil
		j.own = j.own[:last]
		e.job = nil
	}
}
