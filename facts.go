package mailcheck

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mailcheck-go/mailcheck/caa"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/internal/jsonsize"
	"github.com/mailcheck-go/mailcheck/mtasts"
	"github.com/mailcheck-go/mailcheck/mx"
	"github.com/mailcheck-go/mailcheck/spf"
	"github.com/mailcheck-go/mailcheck/tlscert"
	"github.com/mailcheck-go/mailcheck/tlsrpt"
)

// FactsSchema is the value of Facts.Schema. Within it fields are only added.
const FactsSchema = "mailcheck/facts/v1"

// Facts is what was seen of one domain, without any conclusion: it can be saved
// as JSON and judged later. A part that is nil was not asked for.
type Facts struct {
	Schema string    `json:"schema"`
	Tool   string    `json:"tool"` // "mailcheck v0.1.0"
	Domain string    `json:"domain"`
	Host   string    `json:"host,omitempty"` // HOST or HOST:PORT: the facts are about this one's certificate alone
	At     time.Time `json:"at"`             // when Discover began
	Given  Given     `json:"given,omitzero"`

	DNS     *DNSFacts      `json:"dns,omitempty"`
	SPF     *spf.Facts     `json:"spf,omitempty"`
	DKIM    *dkim.Facts    `json:"dkim,omitempty"`
	DMARC   *dmarc.Facts   `json:"dmarc,omitempty"`
	MX      *mx.Facts      `json:"mx,omitempty"`
	MTASTS  *mtasts.Facts  `json:"mtasts,omitempty"`
	TLSRPT  *tlsrpt.Facts  `json:"tlsrpt,omitempty"`
	TLSCert *tlscert.Facts `json:"tlscert,omitempty"`
	CAA     *caa.Facts     `json:"caa,omitempty"`      // of the domain itself
	HostCAA []*caa.Facts   `json:"host_caa,omitempty"` // of hosts in TLSCert that are web servers and not the domain itself
}

// Given is what the operator said of the domain.
type Given struct {
	Selectors []string `json:"selectors,omitempty"`
	Hosts     []string `json:"hosts,omitempty"`
	Role      Role     `json:"role,omitempty"`
	Require   []string `json:"require,omitempty"` // ids of providers
}

// DNSFacts is what belongs to no protocol.
type DNSFacts struct {
	SOA     dnsx.Reply   `json:"soa"`           // at the domain itself: does the name exist, is it an alias
	Control dnsx.Reply   `json:"control"`       // NS of the root: does the resolver answer at all
	Web     []dnsx.Reply `json:"web,omitempty"` // CNAME of names where help centres stand
	// Asked are the replies to Target.Ask.
	Asked []dnsx.Reply `json:"asked,omitempty"`
	// Subdomains has those names below the domain that mail is delivered to.
	Subdomains *Subdomains `json:"subdomains,omitempty"`
	// Bounce are CNAME of names below the domain where services that its SPF record names
	// have their customers' bounces come to.
	Bounce []dnsx.Reply `json:"bounce,omitempty"`
	// WebBeyond is how many names of a listed zone were not asked for, past 5,000.
	WebBeyond int `json:"web_beyond,omitempty"`
}

// Subdomains are names that have MX records, or of which that is not known; aliases are
// left out.
type Subdomains struct {
	Listed bool        `json:"listed"` // the resolver lists all names, as a zone file does; else there is nobody to ask
	Names  []Subdomain `json:"names,omitempty"`
	Beyond int         `json:"beyond,omitempty"` // names past 100, or past 5,000 of a zone, which were not looked at
}

// Subdomain is a name below the domain with what was asked of it.
type Subdomain struct {
	MX  dnsx.Reply `json:"mx"`
	TXT dnsx.Reply `json:"txt,omitzero"` // where there are MX records
}

// ErrFacts is wrapped by every error of ReadFacts about what was read.
var ErrFacts = errors.New("no facts of mailcheck")

// FactsMax is the size in octets up to which ReadFacts reads. A domain takes some
// 100 KB, most of it certificates.
const FactsMax = 64 << 20

// valuesMax is the number of JSON values up to which ReadFacts reads. Of a zone with
// thousands of names they are some 100,000; and three octets such as {}, become
// a kilobyte of memory.
const valuesMax = 1 << 18

// ReadFacts reads saved facts. They may come from anybody: size and number of
// values are bounded, and what does not look like facts is an error that wraps
// ErrFacts.
func ReadFacts(r io.Reader) (*Facts, error) {
	data, err := io.ReadAll(io.LimitReader(r, FactsMax+1))
	if err != nil {
		return nil, err
	}
	if len(data) > FactsMax {
		return nil, fmt.Errorf("%w: over %d MB", ErrFacts, FactsMax>>20)
	}
	if jsonsize.Values(data) > valuesMax {
		return nil, fmt.Errorf("%w: over %d values", ErrFacts, valuesMax)
	}
	var f Facts
	if err := json.Unmarshal(data, &f); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("%w: %v at octet %d", ErrFacts, err, syntax.Offset)
		}
		return nil, fmt.Errorf("%w: %v", ErrFacts, err)
	}
	if f.Schema != FactsSchema {
		return nil, fmt.Errorf("%w: schema is %q, want %q", ErrFacts, f.Schema, FactsSchema)
	}
	if f.Domain, err = dnsx.ParseName(f.Domain); err != nil {
		return nil, fmt.Errorf("%w: domain: %w", ErrFacts, err)
	}
	return &f, nil
}
