// Package spf reads and judges the SPF record of a domain, which says who may send
// mail with the domain as envelope sender (RFC 7208; RFC 8616).
//
// [Parse] reads one record. [Discover] asks for it, for the records that it leads to
// and for the addresses that these name, and writes down what came back. [Analyze]
// says what follows from that: what evaluation costs at worst, whom the record lets
// pass, and what happens to all others. [Rules] judge; [Check] is all of it.
// [Repair] is the record that would be right, [Flatten] one with addresses in the place
// of lookups.
//
// Discover judges nothing, and all the others are pure. Nobody needs a message for
// this: what only a message can tell, such as the value of a macro, is unknown.
//
// [CheckHost] is for receivers, who have a message: it says whether its client may send
// for its sender (check_host of RFC 7208, 4). A [Checker] does it for many messages.
package spf

import (
	"context"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Options bound Discover. The zero value works.
type Options struct {
	Budget time.Duration // for all questions together; dnsx.DefaultBudget if 0
	// Also names further records to ask for, with all that they lead to: those of
	// services that the domain's record may have to include. They come after the domain's
	// own and have the same bounds once more, so that what Analyze says of the domain does
	// not change by them. One that is no name is a *dnsx.NameError of Discover, as for the domain.
	Also []string
	// Type99 asks for records of the obsolete type SPF too (RFC 7208, 3.1). Some servers
	// and boxes on the way drop questions of types that they do not know, which costs the
	// time of a question without an answer.
	Type99 bool
}

// Settings are what the rules cannot know by themselves. Zero stands for the default.
type Settings struct {
	// PublicSuffix returns the public suffix of a name, "co.uk" of "_spf.acme.co.uk", and
	// whether it is a registry's, as PublicSuffix of golang.org/x/net/publicsuffix does.
	// spf.include-unregistered needs it to tell a domain that somebody can get. If nil,
	// top-level domains are the only public suffixes.
	PublicSuffix func(name string) (suffix string, icann bool)

	NearLimit int // lookups from which spf.lookup-near-limit warns; 8
	BroadIPv4 int // ranges with a shorter prefix length are broad; 16
	BroadIPv6 int // ranges with a shorter prefix length are broad; 32
	// The same for ranges of included records. Large providers publish ranges of up to
	// 18 bits that are theirs alone, so a shorter prefix length is broad here: 12 and 28.
	BroadIncludeIPv4, BroadIncludeIPv6 int
	RecordSize                         int // octets of name and TXT records from which answers may not fit; 450
}

// Facts are what was asked and what came back.
type Facts struct {
	Domain string `json:"domain"`
	// Replies are in the order of name and type: TXT of the domain, of Options.Also and of
	// every name that include or redirect lead to; MX, A and AAAA of the names in mx, a and
	// exists, and of the hosts of an mx; TXT of the explanation (exp) that holds for the
	// domain; NS of the names above one that does not exist; SPF of the domain where
	// Options.Type99 wants it. Each question stands there once.
	Replies []dnsx.Reply `json:"replies"`
	// Beyond is how many names the bounds left out: those past MaxNames, past 100 hosts of
	// mx, and those whose records are past 256 KB of SPF records, which were not followed.
	Beyond int `json:"beyond,omitempty"`
	// AlsoBeyond has those that Options.Also leads to, which are not among Beyond.
	AlsoBeyond int `json:"also_beyond,omitempty"`
	// Drafts are the strings of TXT records of Domain as a file cuts them from which they
	// are to be published: unlike those of an answer they may be too long.
	Drafts [][]string `json:"drafts,omitempty"`
}

// Questions are those that need nothing but the domain's name: for its TXT records, and
// with Options.Type99 for those of type SPF. They are nil where that is no name.
func Questions(domain string, o Options) []dnsx.Question {
	name, err := dnsx.ParseName(domain)
	if err != nil {
		return nil
	}
	qs := []dnsx.Question{dnsx.Q(name, dnsx.TypeTXT)}
	if o.Type99 {
		qs = append(qs, dnsx.Q(name, dnsx.TypeSPF))
	}
	return qs
}

// Check discovers, analyzes and judges one domain. The error is that of Discover.
func Check(ctx context.Context, r dnsx.Resolver, domain string, o Options, s Settings) ([]check.Result, error) {
	f, err := Discover(ctx, r, domain, o)
	if err != nil {
		return nil, err
	}
	return check.Apply(Analyze(f), Rules(s)), nil
}
