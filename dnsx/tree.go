package dnsx

import (
	"reflect"
	"slices"
)

// name is an owner name of which something is kept, asked or denied, and all of that.
// The names form a tree: what holds of the names above is found by going up, and a
// question looks for its name once, however much is then done with it.
//
// A name lasts as long as there are entries, flights, jobs or names right below that
// hold it.
type name struct {
	text    string
	above   *name // nil for the root
	holders int
	slots   []slot
	nodes   []*entry // what cuts rest on, by DNSSEC and CheckingDisabled
	job     *job     // nil: nobody looks at the domain of that name
	turn    int      // of Cache.step, in which it is asked about

	room struct { // for the first of each: most names have no other
		slot [1]slot
		node [1]*entry
	}
}

// slot is what there is to a question about a name: a reply that is kept, or the flight
// that asks for one.
type slot struct {
	kind   kind
	entry  *entry
	flight *flight
}

// kind is a question less its name.
type kind struct {
	of         Type
	dnssec, cd bool
}

func (q Question) kind() kind { return kind{q.Type, q.DNSSEC, q.CheckingDisabled} }

// mode is the way in which a question is put. Denials that were asked for in another way
// differ: without DO they lack the records that prove them, with CD they may be forged.
func (q Question) mode() kind { return kind{0, q.DNSSEC, q.CheckingDisabled} }

var nameSize = int(reflect.TypeFor[name]().Size())

// nameOf returns the name, and makes it where there is none. Its caller takes hold.
func (c *Cache) nameOf(text string) *name {
	if n := c.names[text]; n != nil {
		return n
	}
	return c.plant(text)
}

// plant makes a name that there is not.
func (c *Cache) plant(text string) *name {
	n := &name{text: text}
	n.slots, n.nodes = n.room.slot[:0], n.room.node[:0]
	if text != "." {
		n.above = c.nameOf(Parent(text))
		n.above.hold()
	}
	if c.names == nil {
		c.names = map[string]*name{}
	}
	c.names[text] = n
	return n
}

// nearest returns the name or, where there is none, the next above that there is; nil
// for none.
func (c *Cache) nearest(text string) *name {
	for {
		if n := c.names[text]; n != nil || text == "." {
			return n
		}
		text = Parent(text)
	}
}

func (n *name) hold() { n.holders++ }

// letGo is the end of a hold.
func (c *Cache) letGo(n *name) {
	for n != nil {
		if n.holders--; n.holders > 0 {
			return
		}
		delete(c.names, n.text)
		n = n.above
	}
}

// slot returns what there is to a kind of question.
func (n *name) slot(k kind) slot {
	if n != nil {
		for _, s := range n.slots {
			if s.kind == k {
				return s
			}
		}
	}
	return slot{}
}

// put puts something into the slot of its kind, in the place of what was there.
func (n *name) put(s slot) {
	for i := range n.slots {
		if n.slots[i].kind == s.kind {
			n.slots[i] = s
			return
		}
	}
	n.slots = append(n.slots, s)
}

// clear empties the slot of a kind.
func (n *name) clear(k kind) {
	n.slots = slices.DeleteFunc(n.slots, func(s slot) bool { return s.kind == k })
}

// node returns what cuts know of the name by questions put in that way, nil for nothing.
func (n *name) node(mode kind) *entry {
	for _, e := range n.nodes {
		if e.kind == mode {
			return e
		}
	}
	return nil
}

// owner is the job that looks at a domain at or above the name, the nearest of them; nil
// for none. The root owns nothing: what is not below a job is everybody's.
func (n *name) owner() *job {
	for ; n.above != nil; n = n.above {
		if n.job != nil {
			return n.job
		}
	}
	return nil
}
