// Package zone answers questions from zone data, as if the zones were already
// published: what CI asks before a change goes out, and what a report is made
// of without a network.
//
// [Load] reads files and folders, [Parse] one file in memory. The [Zones] they
// return are a dnsx.Resolver that also takes many questions at once, and a
// dnsx.Lister. What the files do not know goes to the Resolver in [Zones.Next];
// where that is nil it is a Failure of kind not-asked. A file never says of
// anything that it is missing unless it knows.
//
// # Files
//
// A file whose name ends in .yaml or .yml is octoDNS YAML, its name without the
// ending is the zone. Every other file is a master file (RFC 1035, 5). Of a
// folder these are read: *.yaml and *.yml for zones of two labels or more, as
// octoDNS has it, *.zone, *.db and db.* (without *.jnl, *.jbk, *.bak, *.signed
// and *~). Other files, files whose name starts with a dot, files that another
// one includes, and folders in it are passed over, an octoDNS configuration with
// a Note. Where a file is named itself, its name does not matter. A folder without
// a zone file is an error.
//
// Master files may have $ORIGIN, $TTL, $INCLUDE, and $GENERATE of at most 65,536
// steps. The origin of relative names is the latest $ORIGIN; without one the
// owner of the SOA record, if that is absolute; else the zone that the file's
// name says: acme.example for acme.example.zone, acme.example.db,
// db.acme.example, acme.example.txt and acme.example. An include is sought beside
// the file that includes it, and has to lie in the folder of the first file or
// below; a link does not lead out of it. What an include sets ends with it. A record without TTL has the one of
// $TTL, else the last one written, else the SOA's minimum, else 3600. A string
// of over 255 octets is an error, as it is for name servers.
//
// In octoDNS YAML the targets of records are absolute, with or without the
// trailing dot. In TXT values \; is a semicolon, any other backslash stands for
// itself, values in quotes may have several strings ("a" "b"), and a text of over
// 255 octets is cut into strings, all as octoDNS 1.22 writes them. Of geo and
// dynamic records the plain values are taken. What is no record by itself, such
// as ALIAS, URLFWD and Route53Provider/ALIAS, is noted in [Zones.Notes].
//
// # What a file knows
//
// A master file with an SOA record, and every octoDNS file, is the whole truth
// about its zone. A name that it does not hold does not exist (RFC 1034, 4.3.2),
// save what a wildcard stands for (RFC 4592). There are limits to what it knows:
//
//   - Names below a delegation, and all of the delegated name but its DS records,
//     are unknown, unless the child zone is loaded too.
//   - Where something is noted as no record by itself, A and AAAA are unknown,
//     and the type that it stands for. The name exists, other types do not.
//   - DNSKEY, NSEC, RRSIG and their like are unknown unless the file is signed: a
//     name server may sign it. SOA of an octoDNS zone is unknown, and NS of its
//     apex where the file has none: the provider adds them.
//   - Questions for a meta type (ANY) are unknown.
//
// Below a DNAME record an alias is made as RFC 6672, 3.1 has it. A negative answer
// carries the SOA record, where the file has one, with the TTL of RFC 2308, 5.
//
// A master file without an SOA record only adds to what else is known. Where its
// names lie in a whole zone that is loaded, its records join that zone. Elsewhere
// it answers for the types that it holds at a name, and with a CNAME for all;
// other types at that name are unknown, but that it exists is not. A wildcard
// outside of a whole zone stands for nothing but itself.
//
// CNAME records are followed from zone to zone, to Next, and from what Next
// answers back into the files, over at most dnsx.MaxChain records. An answer that
// ended at Next bears its Server, Proto and time, and no AD where it began in a
// file. Where Next says that there is nothing, and says it of the very zone that a
// file will take the place of, the question counts as not asked. Answers from files
// bear neither AD nor signatures.
//
// # Limits
//
// A master file may have 64 MiB, a YAML file 8 MiB, all files together 256 MiB,
// where a file that is included counts each time. There may be 10,000 files,
// 2,000,000 records with 256 MiB of data, and includes 8 deep. More is an error.
package zone

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Zones answers from the files that it was made of. After its fields are set it
// may be used by many goroutines at once.
type Zones struct {
	Next dnsx.Resolver    // answers what no file knows; nil: nobody does
	Now  func() time.Time // when an answer is given; nil: time.Now

	whole  map[string]*tree // by apex
	loose  map[string]*node // of files without SOA, outside of the whole zones
	exists map[string]bool  // names that exist although no whole zone holds them
	notes  []Note
}

// Note is something in a file that is no record, or none that a name server
// would answer with.
type Note struct {
	File   string `json:"file"`           // as in the path given
	Line   int    `json:"line,omitempty"` // from 1; 0: the whole file
	Name   string `json:"name,omitempty"`
	Type   string `json:"type,omitempty"` // as the file has it: "A", "Route53Provider/ALIAS"
	Reason string `json:"reason"`
}

// String writes "acme.example.yaml:12: www.acme.example ALIAS: reason".
func (n Note) String() string {
	s := place(n.File, n.Line)
	if n.Name != "" {
		s += " " + n.Name + " " + n.Type + ":"
	}
	return s + " " + n.Reason
}

// SyntaxError says where a file cannot be read, and why.
type SyntaxError struct {
	File   string // as in the path given
	Line   int    // from 1; 0: the whole file
	Reason string
}

func (e *SyntaxError) Error() string { return "zone: " + place(e.File, e.Line) + " " + e.Reason }

func place(file string, line int) string {
	if line == 0 {
		return file + ":"
	}
	return fmt.Sprintf("%s:%d:", file, line)
}

// Parse reads one file in memory. Its name decides as in Load what it is and which
// zone it holds. A master file cannot include others. The error is a *SyntaxError.
func Parse(name string, data []byte) (*Zones, error) {
	b := &budget{}
	if err := b.file(data); err != nil {
		return nil, located(err, name, 0)
	}
	f, err := parse(name, data, nil, b)
	switch {
	case err != nil:
		return nil, err
	case f.skip != "":
		return nil, &SyntaxError{File: name, Reason: f.skip}
	}
	return build([]*file{f})
}

// Notes returns what was noted while reading, in the order of the files.
func (z *Zones) Notes() []Note { return slices.Clone(z.notes) }

// Apexes returns the names of the zones that are known as a whole, sorted.
func (z *Zones) Apexes() []string { return slices.Sorted(maps.Keys(z.whole)) }

// Records returns the records of the zone of that name, SOA first and the others by
// owner: what Load would read as the same zone, wildcards as they are written. What
// a delegation or a DNAME hides is not among them, so no glue either. It is nil
// where no such zone is known as a whole.
func (z *Zones) Records(apex string) []dnsx.RR {
	t := z.whole[apex]
	if t == nil {
		return nil
	}
	var rrs []dnsx.RR
	for name, n := range t.nodes {
		for _, s := range n.sets {
			if t.holds(name, s.dtype) || signing(s.dtype) {
				rrs = append(rrs, s.rrs...)
			}
		}
	}
	rank := func(rr dnsx.RR) int {
		if rr.Type == dnsx.TypeSOA {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(rrs, func(a, b dnsx.RR) int {
		return cmp.Or(rank(a)-rank(b), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type))
	})
	return rrs
}

// file is what was read from one file and those it includes.
type file struct {
	path     string // as errors name it
	apex     string // "" where it is no whole zone
	skip     string // why it is no zone; it has nothing else then
	records  []record
	holes    []hole
	notes    []Note
	included map[string]bool // paths
}

// record is a record and where it was written.
type record struct {
	dnsx.RR
	file string
	line int
}

// hole is a type that a name may have, with data that the file does not say.
type hole struct {
	name  string
	types []dnsx.Type
}

func (r *record) fail(format string, args ...any) error {
	return &SyntaxError{File: r.file, Line: r.line, Reason: fmt.Sprintf(format, args...)}
}

// join joins the first errors, and says how many there are besides.
func join(errs []error) error {
	if len(errs) > maxErrors {
		errs = append(errs[:maxErrors], fmt.Errorf("zone: %d more files cannot be read", len(errs)-maxErrors))
	}
	return errors.Join(errs...)
}

// build makes zones of what was read.
func build(files []*file) (*Zones, error) {
	z := &Zones{whole: map[string]*tree{}, loose: map[string]*node{}, exists: map[string]bool{}}
	from := map[string]string{} // apex to path
	var errs []error
	for _, f := range files {
		z.notes = append(z.notes, f.notes...)
		if f.skip != "" {
			z.notes = append(z.notes, Note{File: f.path, Reason: f.skip})
		}
		if f.apex == "" {
			continue
		}
		if other, ok := from[f.apex]; ok {
			errs = append(errs, &SyntaxError{File: f.path, Reason: fmt.Sprintf("the zone %s is in %s too", f.apex, other)})
			continue
		}
		from[f.apex] = f.path
		t, err := newTree(f)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		z.whole[f.apex] = t
	}
	if err := join(errs); err != nil {
		return nil, err
	}
	if err := z.addLoose(files); err != nil {
		return nil, err
	}
	for _, apex := range z.Apexes() {
		z.notes = append(z.notes, z.whole[apex].finish()...)
		z.mark(dnsx.Parent(apex))
	}
	slices.SortStableFunc(z.notes, func(a, b Note) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	return z, nil
}

// addLoose puts the records of files without SOA where they belong. Delegations
// and DNAMEs go first: they decide what else a zone holds.
func (z *Zones) addLoose(files []*file) error {
	var loose []*record
	for _, f := range files {
		if f.apex != "" {
			continue
		}
		for i := range f.records {
			loose = append(loose, &f.records[i])
		}
	}
	cuts := func(t dnsx.Type) int {
		if t == dnsx.TypeNS || t == dnsx.TypeDNAME {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(loose, func(a, b *record) int { return cuts(a.Type) - cuts(b.Type) })
	for _, r := range loose {
		if t := z.treeOf(r.Name, r.Type); t != nil && t.holds(r.Name, r.Type) {
			if err := t.add(r); err != nil {
				return err
			}
			continue
		}
		n := z.loose[r.Name]
		if n == nil {
			n = &node{}
			z.loose[r.Name] = n
			z.mark(r.Name)
		}
		if err := n.add(r); err != nil {
			return err
		}
	}
	return nil
}

// mark notes that a name exists, and with it those above it.
func (z *Zones) mark(name string) {
	for ; !z.exists[name] && name != "."; name = dnsx.Parent(name) {
		z.exists[name] = true
	}
}
