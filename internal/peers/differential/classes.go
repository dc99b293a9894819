package main

// class is a reason for which a peer disagrees.
type class struct {
	id, peer     string
	section, why string
	is           func(t *trial, x said) bool
}

var classes = []class{}

func (t *trial) classOf(name string) string {
	x := t.peers[name]
	for _, c := range classes {
		if c.peer == name && c.is(t, x) {
			return c.id
		}
	}
	return ""
}
