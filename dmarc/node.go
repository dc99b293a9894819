package dmarc

import (
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Node is one name of the walk with what it publishes.
type Node struct {
	Name    string      // without _dmarc
	Records []Published // those that start with v=DMARC1; several cancel each other
	Misses  []Miss      // texts that are meant as DMARC records and are none
	Alias   []string    // the targets of the CNAME chain
	Err     error       // why the answer is missing

	repair func() (check.Change, bool) // mendNode, once for all rules that offer it
	exists bool                        // what was heard of _dmarc below it shows that the name exists
}

// Published is a record with its text.
type Published struct {
	Text   string
	Record *Record
}

// Record is the one record of the name; nil for none and for several, which are
// all discarded (RFC 9989, 4.10; RFC 7489, 6.6.3).
func (n *Node) Record() *Record {
	if len(n.Records) != 1 {
		return nil
	}
	return n.Records[0].Record
}

// index finds replies by their question. Of several to one question the first
// counts, and a walk has few.
func index(replies []dnsx.Reply) map[dnsx.Question]dnsx.Reply {
	const most = 64
	byQuestion := make(map[dnsx.Question]dnsx.Reply, min(len(replies), most))
	for _, r := range replies[:min(len(replies), most)] {
		if _, ok := byQuestion[r.Question]; !ok {
			byQuestion[r.Question] = r
		}
	}
	return byQuestion
}

func newNode(name string, replies map[dnsx.Question]dnsx.Reply) *Node {
	n := &Node{Name: name}
	record, ok := recordName(name)
	if !ok {
		return n // no name can be so long: there is no record
	}
	q := dnsx.Q(record, dnsx.TypeTXT)
	var texts []string
	texts, n.Alias, n.Err = answer(replies[q], q)
	n.exists = replies[q].To(q).Proves(name)
	for _, text := range texts {
		if r, _ := Parse(text); r != nil {
			n.Records = append(n.Records, Published{text, r})
		} else if miss, ok := readMiss(text); ok {
			n.Misses = append(n.Misses, miss)
		}
	}
	return n
}

// answer returns the texts of the TXT records that answer q, and the aliases on
// the way there.
func answer(reply dnsx.Reply, q dnsx.Question) (texts, alias []string, err error) {
	for _, rr := range reply.To(q).Chain() {
		if target, ok := rr.Target(); ok && rr.Type == dnsx.TypeCNAME && len(alias) < dnsx.MaxChain {
			alias = append(alias, target)
		}
	}
	rrs, err := records(reply, q)
	for _, rr := range rrs {
		texts = append(texts, rr.Text())
	}
	return texts, alias, err
}

// records returns the records that answer q. An answer to another question is
// none, and neither is a record of another name or type.
func records(reply dnsx.Reply, q dnsx.Question) ([]dnsx.RR, error) {
	reply = reply.To(q)
	if err := reply.Err(); err != nil {
		return nil, err
	}
	owner := reply.Answer.Owner()
	var rrs []dnsx.RR
	for _, rr := range reply.Answer.Records {
		if rr.Type == q.Type && rr.Name == owner {
			rrs = append(rrs, rr)
		}
	}
	return rrs, nil
}
